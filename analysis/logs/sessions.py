"""Sessions on disk: which there are, their trials, and what is known of each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from analysis.logs.log_checks import check_one_design, check_participants, check_trials
from analysis.logs.log_files import Rows, columns_of, read_files
from unitscope.cells import read_sheet
from unitscope.columns import FRAME_COLUMNS, MAX_ROWS, NOTE_COLUMNS
from unitscope.errors import BadInput
from unitscope.records import (
    COMPLETED,
    FRAMES,
    NOTES,
    SESSION,
    TRIALS,
    ImportRecord,
    SessionRecord,
    read_session,
    whole_lines,
)
from unitscope.session_facts import TrialTimes, layout_scale, number_of, total_s
from unitscope.tables import empty_frame
from unitscope.vocabulary import Unit
from unitscope.withdrawal import WITHDRAWN, is_withdrawn, left_out


@dataclass(frozen=True)
class Log:
    """Every session below a folder.

    Parameters
    ----------
    trials
        One row per completed trial: the columns of ``trials.csv``, and ``session_state``
        (completed or unfinished), ``place`` (of the session) and ``unit`` (the unit's name). Rows
        are in the order of participant, session and trial.
    sessions
        One row per session: participant, session, observer_kind, observer, place (lab or online,
        None where not known), session_state, end_reason, runs, trials, trials_planned (0 where not
        known), instruction_s, total_s, practice_rounds, layout_scale, excluded_by_study (NaN where
        not known), table_edited,
        language, texts_sha256 and consent_sha256 (None where not known), notes (how many the
        experimenter took), hidden (times that an online page could not be seen), windowed and
        folder.
    warnings
        Warnings about what is unusual but usable, one sentence each.
    """

    trials: pd.DataFrame
    sessions: pd.DataFrame
    warnings: tuple[str, ...] = ()

    @property
    def design(self) -> str:
        """Name of the design that all sessions belong to."""
        return str(self.trials["design"].iloc[0])


def read_log(path: Path) -> Log:
    found = withdrawals(path)
    folders = session_folders(path)
    files = [folder / TRIALS for folder in folders]
    rows = read_files(files, columns_of(files), found)
    if rows.frame.empty:
        raise BadInput(f"{path}: the sessions there have no completed trial")
    check_trials(rows)
    sessions = [
        session_row(folder, found, first, times)
        for folder, first, times in zip(folders, _starts(rows), _times(rows), strict=True)
    ]
    check_one_design(rows.frame, path, found)
    check_participants(rows, sessions)
    table = pd.DataFrame(sessions)
    for name in ("observer", "place", "language", "texts_sha256", "consent_sha256"):
        table[name] = table[name].astype("string")
    numbers = np.repeat(np.arange(len(folders)), rows.lengths)
    told = {
        name: pd.array(table[name], dtype="string").take(numbers)
        for name in ("session_state", "place")
    }
    trials = rows.frame.assign(**told, unit=_unit_names(rows.frame))
    return Log(_in_order(trials), table, tuple(found))


def load_frames(log: Log) -> pd.DataFrame:
    """Load the frame intervals of the sessions that have any.

    Returns
    -------
    pandas.DataFrame
        The columns of ``frames.csv`` and participant, session; no rows without windowed sessions.

    Raises
    ------
    BadInput
        If a file is damaged before its last line.
    """
    windowed = log.sessions[log.sessions["windowed"]]
    files = [Path(folder) / FRAMES for folder in windowed["folder"]]
    rows = read_files(files, FRAME_COLUMNS, [])
    if rows.frame.empty:
        return empty_frame(FRAME_COLUMNS).assign(participant="", session=0)
    ids = windowed[["participant", "session"]].iloc[np.repeat(np.arange(len(files)), rows.lengths)]
    return rows.frame.assign(**ids.reset_index(drop=True))


def load_notes(log: Log) -> pd.DataFrame:
    """Load the experimenter's notes, which are free text: read them before you share them.

    Returns
    -------
    pandas.DataFrame
        The columns of ``notes.csv`` and participant, session.

    Raises
    ------
    BadInput
        If a file is damaged before its last line.
    """
    noted = log.sessions[log.sessions["notes"] > 0]
    files = [Path(folder) / NOTES for folder in noted["folder"]]
    rows = read_files(files, NOTE_COLUMNS, [])
    if rows.frame.empty:
        return empty_frame(NOTE_COLUMNS).assign(participant="", session=0)
    ids = noted[["participant", "session"]].iloc[np.repeat(np.arange(len(files)), rows.lengths)]
    return rows.frame.assign(**ids.reset_index(drop=True))


def n_notes(folder: Path) -> int:
    """Count the notes on a session, without a last line that was cut off."""
    path = folder / NOTES
    whole = whole_lines(path.read_bytes()) if path.is_file() else b""
    return len(read_sheet(whole, path).rows) if whole else 0


def is_imported(log: Log) -> bool:
    """Return whether a log was imported from elsewhere."""
    return "import_flags" in log.trials.columns or bool(imports_of(log))


def imports_of(log: Log) -> list[ImportRecord]:
    """Return what the sessions' records say of each mapping by which they were imported."""
    found: dict[str, ImportRecord] = {}
    for folder in log.sessions["folder"]:
        for one in read_session(Path(folder)).get("imported", []):
            found.setdefault(one["mapping"], one)
    return list(found.values())


def session_folders(path: Path) -> list[Path]:
    """Return the folders of sessions, in the order of their names on every file system."""
    for subject in (path, *path.parents[:2]):
        if is_withdrawn(subject):
            raise BadInput(f"{path}: the participant has withdrawn, so the data are not read")
    if path.is_file():
        if path.name != TRIALS:
            raise BadInput(f"{path}: expected a trials.csv, or a folder of sessions")
        return [path.parent]
    if not path.is_dir():
        raise BadInput(f"{path}: no such file or folder")
    if (path / TRIALS).is_file() or (path / SESSION).is_file():
        return [path]
    folders = [path / name for name in _names(path, "ses-")] or [
        path / subject / name
        for subject in _names(path, "sub-")
        if not is_withdrawn(path / subject)
        for name in _names(path / subject, "ses-")
    ]
    if folders:
        return folders
    if gone := withdrawals(path):
        raise BadInput(f"{path}: no session is left; {gone[0]}")
    designs = sorted({str(folder.parents[1].name) for folder in path.glob("*/sub-*/ses-*")})
    if designs:
        raise BadInput(
            f"{path}: holds the logs of {len(designs)} designs; give one of them, "
            f"such as {path / designs[0]}"
        )
    raise BadInput(f"{path}: no session there, expected folders such as sub-p001/ses-01")


def withdrawals(path: Path) -> list[str]:
    """Return a sentence on the participants below a folder whose data are left out, if any are."""
    marks = sorted(path.glob(f"sub-*/{WITHDRAWN}")) if path.is_dir() else []
    return [left_out(mark.parent.name.removeprefix("sub-") for mark in marks)] if marks else []


def _names(path: Path, start: str) -> list[str]:
    """Return the sorted names of folders."""
    try:
        with os.scandir(path) as entries:
            return sorted(e.name for e in entries if e.name.startswith(start) and e.is_dir())
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None


_ABOUT = ("participant", "session", "observer_kind", "observer")
"""Columns that are the same in all trials of a session."""

NO_TRIALS = TrialTimes((), (), (), (), (), ())


def _starts(rows: Rows) -> Iterator[dict[str, Any]]:
    """Yield what each file's first row says of its session, and its latest run."""
    starts = np.cumsum(rows.lengths) - rows.lengths
    has_rows = rows.lengths > 0
    first = rows.frame[list(_ABOUT)].iloc[starts[has_rows]]
    runs = np.maximum.reduceat(rows.frame["run"].to_numpy("int64"), starts[has_rows])
    found = iter(first.assign(run=runs).to_dict("records"))
    for there in has_rows:
        yield next(found) if there else {}


def _times(rows: Rows) -> Iterator[TrialTimes]:
    """Yield when the trials of each file took place."""
    whole = [rows.frame[name].to_numpy("int64") for name in ("run", "trial_number")]
    # Of the others only a run's last trial is looked at.
    others = [rows.frame[name].array for name in TrialTimes._fields[2:]]
    ends = np.cumsum(rows.lengths)
    for start, end in zip(ends - rows.lengths, ends, strict=True):
        numbers = (column[start:end].tolist() for column in whole)
        yield TrialTimes(*numbers, *(column[start:end] for column in others))


def session_row(
    folder: Path,
    found: list[str],
    first: Mapping[str, Any] = MappingProxyType({}),
    times: TrialTimes = NO_TRIALS,
) -> dict[str, Any]:
    """Return a session's row of :attr:`Log.sessions`.

    Parameters
    ----------
    folder
        Of the session.
    found
        Gets a sentence if its record is missing.
    first
        What its first trial says of it; its record alone tells if there is none.
    times
        When its trials took place.

    Raises
    ------
    BadInput
        If its record is damaged.
    """
    facts = read_session(folder)
    if not facts:
        found.append(f"{folder}: session.json is missing, so the session counts as unfinished")

    def known(name: str, default: Any) -> Any:
        value = first[name] if first else facts.get(name)
        return default if value is None or value is pd.NA else value

    runs = facts.get("runs")
    return {
        "participant": str(known("participant", folder.parent.name.removeprefix("sub-"))),
        "session": int(known("session", 1)),
        "observer_kind": str(known("observer_kind", "person")),
        "observer": known("observer", None),
        "place": facts.get("place"),
        "session_state": "completed" if facts.get("end_reason") == COMPLETED else "unfinished",
        "end_reason": str(facts.get("end_reason", "unknown")),
        "runs": max(len(runs) if isinstance(runs, list) else 0, first.get("run", 0)),
        "trials": len(times.run),
        "trials_planned": int(facts.get("trials") or 0) - int(facts.get("trials_skipped") or 0),
        "instruction_s": number_of(facts, "instruction_s"),
        "total_s": total_s(facts, times),
        "practice_rounds": number_of(facts, "practice_rounds"),
        "layout_scale": layout_scale(facts),
        "excluded_by_study": _excluded_by_study(facts),
        "table_edited": bool(facts.get("table_edited", False)),
        "language": facts.get("language"),
        "texts_sha256": facts.get("texts_sha256"),
        "consent_sha256": next(iter(facts.get("texts_shown", {}).get("consent", ())[-1:]), None),
        "notes": n_notes(folder),
        "hidden": _times_hidden(facts),
        "windowed": (folder / FRAMES).is_file(),
        "folder": str(folder),
    }


def _times_hidden(facts: SessionRecord) -> int:
    """Return how often the page of an online session could not be seen."""
    runs = facts.get("runs")
    return sum(len(run.get("page_hidden", ())) for run in runs) if isinstance(runs, list) else 0


def _excluded_by_study(facts: SessionRecord) -> float:
    """Return 1 where the study that a log comes from excluded the session, NaN if not known."""
    said = facts.get("excluded_by_study")
    return float("nan") if said is None else float(said)


def _unit_names(trials: pd.DataFrame) -> pd.Series:
    """Return each trial's unit; where it has several, their names together."""
    single = "channel" in trials.columns
    columns = ["network", "layer", "branch", "channel"]
    parts = trials[columns if single else [f"unit_{row}" for row in range(MAX_ROWS)]]
    # Few of many trials differ in their units.
    numbers = np.zeros(len(parts), np.int64)
    for name in parts:
        codes, different = pd.factorize(parts[name], use_na_sentinel=False)
        numbers = pd.factorize(numbers * len(different) + codes)[0]
    different = parts.iloc[np.unique(numbers, return_index=True)[1]]
    if single:
        rows = different.fillna({"branch": ""}).itertuples(index=False, name=None)
        found = [Unit(*row).name for row in rows]
    else:
        found = ["+".join(map(str, row.dropna())) for _, row in different.iterrows()]
    return pd.Series(pd.array(found, dtype="string").take(numbers), index=trials.index)


def _in_order(trials: pd.DataFrame) -> pd.DataFrame:
    """Return trials in the order of participant, session and trial."""
    participant = pd.factorize(trials["participant"], sort=True)[0]
    session, number = (trials[name].to_numpy("int64") for name in ("session", "trial_number"))
    follows = np.diff(number) >= 0
    for ids in (session, participant):
        steps = np.diff(ids)
        follows = (steps > 0) | ((steps == 0) & follows)
    if follows.all():  # as they mostly do, and moving many columns takes a while
        return trials
    order = np.lexsort((number, session, participant))
    return trials.iloc[order].reset_index(drop=True)
