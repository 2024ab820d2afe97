"""What is checked of logs that no column can know on its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.logs.log_files import Rows
from unitscope.errors import BadInput

TIMED_KINDS = ("person", "simulated")
"""Kinds of observers whose imported answers have a reaction time; a network's have none."""

CLOCK_TOLERANCE_S = 0.001
"""How far a reaction time may lie from response minus onset, for what rounding does."""


def check_trials(rows: Rows) -> None:
    """Check that the values of each trial agree, and that no file has one twice.

    Raises
    ------
    BadInput
        Naming file, line and column.
    """
    trials = rows.frame
    for column in ("rt_s", "paused_s", "early_presses", "frames", "dropped_frames"):
        _refuse(rows, trials[column] < 0, column, "0 or more")
    gap = (trials["response_s"] - trials["onset_s"] - trials["rt_s"]).abs()
    _refuse(rows, gap > CLOCK_TOLERANCE_S, "rt_s", "response_s minus onset_s")
    if "choice" in trials.columns:
        _check_choices(rows)
    else:
        all_right = (trials["hits"] == trials["n_rows"]).mask(trials["hits"].isna())
        wrong_mark = (all_right != trials["correct"]).fillna(False)
        _refuse(rows, wrong_mark, "correct", "whether all rows are hits")
    _refuse(rows, _again(rows), "trial_number", "each trial once in a session")


def _again(rows: Rows) -> pd.Series:
    """Return whether a trial was there before in its file."""
    trials = rows.frame
    file = np.repeat(np.arange(len(rows.files)), rows.lengths)
    rising = np.diff(trials["trial_number"].to_numpy("int64")) > 0
    if (rising | (np.diff(file) > 0)).all():  # as they mostly are, and then none is
        return pd.Series(False, index=trials.index)
    keys = trials[["participant", "session", "observer", "trial_number"]]
    return keys.assign(file=file).duplicated()


def _check_choices(rows: Rows) -> None:
    trials = rows.frame
    without = trials["choice"].isna()
    untimed = trials["rt_s"].isna() != without
    if "import_flags" in trials.columns:
        untimed &= trials["observer_kind"].isin(TIMED_KINDS)
    _refuse(rows, untimed, "rt_s", "a time if and only if there is a choice")
    matches = (trials["choice"] == trials["correct_choice"]).mask(without)
    wrong_mark = (matches != trials["correct"]).fillna(False)
    if "import_flags" not in trials.columns:  # Others may know only whether it was correct.
        wrong_mark |= matches.isna() != trials["correct"].isna()
    _refuse(rows, wrong_mark, "correct", "whether choice is correct_choice")


def _refuse(rows: Rows, bad: pd.Series, column: str, expected: str) -> None:
    if "import_flags" in rows.frame.columns:
        bad = (
            bad & rows.frame["import_flags"].isna()
        )  # Flagged at import and counted in the report.
    places = np.flatnonzero(bad.fillna(False).to_numpy(bool))
    if len(places):
        found = rows.frame[column].iloc[places[0]]
        raise BadInput(
            f"{rows.place(int(places[0]))}, column {column!r}: "
            f"found {'nothing' if pd.isna(found) else found}, expected {expected}"
        )


def check_one_design(trials: pd.DataFrame, path: Path | str, found: list[str]) -> None:
    """Check that all trials are of one design; ``found`` gets a sentence on other versions.

    Raises
    ------
    BadInput
        Naming the designs.
    """
    designs = sorted(trials["design"].unique())
    if len(designs) > 1:
        raise BadInput(
            f"{path}: trials of {len(designs)} designs are mixed ({', '.join(designs)}); "
            "expected one"
        )
    for column, what in (
        ("design_sha256", "the design"),
        ("manifest_sha256", "the stimulus set"),
    ):
        number = trials[column].nunique()
        if number > 1:
            found.append(f"{path}: the sessions ran with {number} versions of {what}")


def check_participants(rows: Rows, sessions: Sequence[dict[str, Any]]) -> None:
    """Check that each session lies in the folder of its participant, and none lies there twice.

    Parameters
    ----------
    rows
        Of all sessions.
    sessions
        Participant, session and observer of each file.

    Raises
    ------
    BadInput
        Naming the file.
    """
    seen: dict[tuple[Any, ...], Path] = {}
    for (participant, session), file in _who(rows):
        folder = file.parent
        named = re.fullmatch(r"sub-(\w+)/ses-(\d+)", f"{folder.parent.name}/{folder.name}")
        if named and (participant, session) != (named[1], int(named[2])):
            raise BadInput(
                f"{file}: found participant {participant}, session {session}, expected "
                f"{named[1]}, {int(named[2])} as in the folder's name"
            )
    for file, facts in zip(rows.files, sessions, strict=True):
        key = (facts["participant"], facts["session"], facts["observer"])
        if key in seen:
            raise BadInput(
                f"{file}: session {key[1]} of participant {key[0]} is in {seen[key]} too"
            )
        seen[key] = file


def _who(rows: Rows) -> Iterator[tuple[tuple[str, int], Path]]:
    """Yield each participant and session that a file names, with the file."""
    file = np.repeat(np.arange(len(rows.files)), rows.lengths)
    changes = np.diff(file, prepend=-1) != 0
    ids = [rows.frame[name] for name in ("participant", "session")]
    for column in ids:
        changes |= np.diff(pd.factorize(column)[0], prepend=-1) != 0
    found = (column[changes].tolist() for column in ids)
    yield from zip(zip(*found, strict=True), (rows.files[n] for n in file[changes]), strict=True)
