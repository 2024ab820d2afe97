"""Read and validate the logs of sessions as one tidy frame."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.durations import total_s
from conditions.columns import (
    FRAME_COLUMNS,
    MAX_ROWS,
    Column,
    imported_columns,
    log_columns,
    names,
)
from conditions.csv_files import empty_frame, parse, read_cells, task_of
from conditions.errors import BadInput
from conditions.records import FRAMES, SESSION, TRIALS, read_session, whole_lines
from conditions.vocabulary import TASKS, Unit

SESSION_STATES = ("completed", "unfinished")

CLOCK_TOLERANCE_S = 0.001
"""How far a reaction time may lie from response minus onset, for what rounding does."""


@dataclass(frozen=True)
class Log:
    """Every session below a folder.

    Parameters
    ----------
    trials
        One row per completed trial: the columns of ``trials.csv``, and ``session_state``
        (completed or unfinished) and ``unit`` (the unit's name). Rows are in the order of
        participant, session and trial.
    sessions
        One row per session: participant, session, observer_kind, observer, session_state,
        end_reason, runs, trials, trials_planned (0 where not known), instruction_s, total_s,
        practice_rounds (NaN where not known), windowed and folder.
    warnings
        What was odd but could be used, one sentence each.
    """

    trials: pd.DataFrame
    sessions: pd.DataFrame
    warnings: tuple[str, ...] = ()

    @property
    def design(self) -> str:
        """Name of the design that all sessions belong to."""
        return str(self.trials["design"].iloc[0])


def load(
    path: Path | str,
    *,
    cache: bool | Path | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Load every trial below a path as a tidy frame.

    Parameters
    ----------
    path
        A folder ``data/<design>``, one participant's or session's folder in it, or a
        ``trials.csv``.
    cache, columns
        As for :func:`analysis.cache.load_cached`.

    Returns
    -------
    pandas.DataFrame
        As :attr:`Log.trials`; what was odd but could be used is said as a Python warning.

    Raises
    ------
    BadInput
        As for :func:`load_log`.
    """
    log = load_log(path, cache=cache, columns=columns)
    for sentence in log.warnings:
        warnings.warn(sentence, stacklevel=2)
    return log.trials


def load_log(
    path: Path | str,
    *,
    cache: bool | Path | None = None,
    columns: Sequence[str] | None = None,
) -> Log:
    """Load every session below a path, with what is known of each.

    A last line without an ending is a trial that a crash cut off; it is left out and said so, as
    the session's next run would leave it out too.

    Parameters
    ----------
    path
        As for :func:`load`.
    cache, columns
        As for :func:`analysis.cache.load_cached`.

    Raises
    ------
    BadInput
        If there is no session, a cell does not fit its column, values of a trial contradict each
        other, a trial is logged twice, or several designs are mixed, naming file, line and column.
    """
    from analysis.cache import load_cached

    return load_cached(Path(path), _read_log, cache, columns)


def _read_log(path: Path) -> Log:
    found: list[str] = []
    folders = session_folders(path)
    files = [folder / TRIALS for folder in folders]
    logged = read_files(files, _columns_of(files), found)
    read = [
        _read_session(folder, trials, found) for folder, trials in zip(folders, logged, strict=True)
    ]
    frames = [session.trials for session in read if len(session.trials)]
    if not frames:
        raise BadInput(f"{path}: the sessions there have no completed trial")
    trials = pd.concat(frames, ignore_index=True)
    _check_one_design(trials, path, found)
    _check_participants(read)
    sessions = pd.DataFrame([session.facts for session in read])
    sessions["observer"] = sessions["observer"].astype("string")
    trials = trials.sort_values(
        ["participant", "session", "trial_number"], kind="stable", ignore_index=True
    )
    return Log(trials, sessions, tuple(found))


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
    parts = [
        frames.assign(participant=participant, session=session)
        for frames, participant, session in zip(
            read_files(files, FRAME_COLUMNS, []),
            windowed["participant"],
            windowed["session"],
            strict=True,
        )
    ]
    filled = [part for part in parts if len(part)]
    if not filled:
        return empty_frame(FRAME_COLUMNS).assign(participant="", session=0)
    return pd.concat(filled, ignore_index=True)


@dataclass(frozen=True)
class _Session:
    trials: pd.DataFrame
    path: Path
    facts: dict[str, Any] = field(default_factory=dict)


def session_folders(path: Path) -> list[Path]:
    """Return the folders of sessions, in the order of their names on every file system."""
    if path.is_file():
        if path.name != TRIALS:
            raise BadInput(f"{path}: expected a trials.csv, or a folder of sessions")
        return [path.parent]
    if not path.is_dir():
        raise BadInput(f"{path}: no such file or folder")
    if (path / TRIALS).is_file() or (path / SESSION).is_file():
        return [path]
    for pattern in ("ses-*", "sub-*/ses-*"):
        folders = sorted(folder for folder in path.glob(pattern) if folder.is_dir())
        if folders:
            return folders
    designs = sorted({str(folder.parents[1].name) for folder in path.glob("*/sub-*/ses-*")})
    if designs:
        raise BadInput(
            f"{path}: holds the logs of {len(designs)} designs; give one of them, "
            f"such as {path / designs[0]}"
        )
    raise BadInput(f"{path}: no session there, expected folders such as sub-p001/ses-01")


def _read_session(folder: Path, trials: pd.DataFrame, found: list[str]) -> _Session:
    facts = read_session(folder)
    path = folder / TRIALS
    _check_trials(trials, path)
    if not facts:
        found.append(f"{folder}: session.json is missing, so the session counts as unfinished")
    state = "completed" if facts.get("end_reason") == "completed" else "unfinished"
    trials = trials.assign(
        session_state=pd.Series(state, index=trials.index, dtype="string"), unit=_unit_names(trials)
    )
    return _Session(trials, path, _facts_of(folder, trials, facts, state))


def read_files(
    files: list[Path], columns: tuple[Column, ...], found: list[str]
) -> list[pd.DataFrame]:
    """Read files that grow line by line; a missing one has no rows."""
    texts = [_read_text(file, found) if file.is_file() else None for file in files]
    there = [text for text in texts if text is not None]
    if there and all(list(text.columns) == names(columns) for text in there):
        # Checking a column of all files at once is many times faster than file by file.
        try:
            whole = parse(pd.concat(there, ignore_index=True), columns, "")
        except BadInput:
            pass  # Said again below, with the file and the line in it.
        else:
            ends = np.cumsum([0 if text is None else len(text) for text in texts])
            return [
                whole.iloc[end - (0 if text is None else len(text)) : end].reset_index(drop=True)
                for text, end in zip(texts, ends, strict=True)
            ]
    return [
        empty_frame(columns) if text is None else parse(text, columns, file)
        for file, text in zip(files, texts, strict=True)
    ]


def _columns_of(files: list[Path]) -> tuple[Column, ...]:
    """Return the columns by the first log that has trials: its task's, our own or imported."""
    for file in files:
        if file.is_file():
            text = _read_text(file, [])
            if len(text):
                is_imported = "import_flags" in text.columns
                return (imported_columns if is_imported else log_columns)(task_of(text, file))
    return log_columns(TASKS[0])


def _read_text(path: Path, found: list[str]) -> pd.DataFrame:
    """Read a file's cells as strings, without a last line that was cut off."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
    whole = whole_lines(content)
    if not whole:
        raise BadInput(f"{path}: no line is complete, expected a header and rows")
    text = read_cells(whole, path)
    if whole != content:
        found.append(
            f"{path}: line {len(text) + 2}, the last, was cut off while it was written and is "
            "left out"
        )
    return text


def _check_trials(trials: pd.DataFrame, path: Path) -> None:
    """Check what no column can know on its own."""
    for column in ("rt_s", "paused_s", "early_presses", "frames", "dropped_frames"):
        _refuse(trials, trials[column] < 0, path, column, "0 or more")
    gap = (trials["response_s"] - trials["onset_s"] - trials["rt_s"]).abs()
    _refuse(trials, gap > CLOCK_TOLERANCE_S, path, "rt_s", "response_s minus onset_s")
    if "choice" in trials.columns:
        _check_choices(trials, path)
    else:
        all_right = (trials["hits"] == trials["n_rows"]).mask(trials["hits"].isna())
        wrong_mark = (all_right != trials["correct"]).fillna(False)
        _refuse(trials, wrong_mark, path, "correct", "whether all rows are hits")
    keys = ["participant", "session", "observer", "trial_number"]
    _refuse(trials, trials.duplicated(keys), path, "trial_number", "each trial once in a session")


def _check_choices(trials: pd.DataFrame, path: Path) -> None:
    _refuse(
        trials,
        trials["rt_s"].isna() != trials["choice"].isna(),
        path,
        "rt_s",
        "a time if and only if there is a choice",
    )
    right = (trials["choice"] == trials["correct_choice"]).mask(trials["choice"].isna())
    wrong_mark = (right != trials["correct"]).fillna(False) | (
        right.isna() != trials["correct"].isna()
    )
    _refuse(trials, wrong_mark, path, "correct", "whether choice is correct_choice")


def _refuse(trials: pd.DataFrame, bad: pd.Series, path: Path, column: str, expected: str) -> None:
    if "import_flags" in trials.columns:
        bad = bad & trials["import_flags"].isna()  # known to be odd, and counted in the report
    places = np.flatnonzero(bad.fillna(False).to_numpy(bool))
    if len(places):
        found = trials[column].iloc[places[0]]
        raise BadInput(
            f"{path}, line {places[0] + 2}, column {column!r}: "
            f"found {'nothing' if pd.isna(found) else found}, expected {expected}"
        )


def _check_one_design(trials: pd.DataFrame, path: Path | str, found: list[str]) -> None:
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


def _check_participants(read: list[_Session]) -> None:
    """Check that each session lies in the folder of its participant, and none lies there twice."""
    seen: dict[tuple[Any, ...], Path] = {}
    for session in read:
        folder = session.path.parent
        ids = session.trials[["participant", "session"]].drop_duplicates()
        named = re.fullmatch(r"sub-(\w+)/ses-(\d+)", f"{folder.parent.name}/{folder.name}")
        if named and len(ids):
            expected = (named[1], int(named[2]))
            for row in ids.itertuples(index=False):
                if (row.participant, row.session) != expected:
                    raise BadInput(
                        f"{session.path}: found participant {row.participant}, session "
                        f"{row.session}, expected {expected[0]}, {expected[1]} as in the "
                        "folder's name"
                    )
        key = (session.facts["participant"], session.facts["session"], session.facts["observer"])
        if key in seen:
            raise BadInput(
                f"{session.path}: session {key[1]} of participant {key[0]} is in {seen[key]} too"
            )
        seen[key] = session.path


def _facts_of(
    folder: Path, trials: pd.DataFrame, facts: dict[str, Any], state: str
) -> dict[str, Any]:
    def known(name: str, default: Any) -> Any:
        if len(trials):
            value = trials[name].iloc[0]
            return default if pd.isna(value) else value
        return default if facts.get(name) is None else facts[name]

    runs = facts.get("runs")
    return {
        "participant": str(known("participant", folder.parent.name.removeprefix("sub-"))),
        "session": int(known("session", 1)),
        "observer_kind": str(known("observer_kind", "person")),
        "observer": known("observer", None),
        "session_state": state,
        "end_reason": str(facts.get("end_reason", "unknown")),
        "runs": max(
            len(runs) if isinstance(runs, list) else 0,
            int(trials["run"].max()) if len(trials) else 0,
        ),
        "trials": len(trials),
        "trials_planned": int(facts.get("trials") or 0) - int(facts.get("trials_skipped") or 0),
        "instruction_s": _number(facts.get("instruction_s")),
        "total_s": total_s(facts, trials),
        "practice_rounds": _number(facts.get("practice_rounds")),
        "windowed": (folder / FRAMES).is_file(),
        "folder": str(folder),
    }


def _number(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else float("nan")


def _unit_names(trials: pd.DataFrame) -> pd.Series:
    """Return each trial's unit; where it has several, their names together."""
    if "channel" not in trials.columns:
        rows = trials[[f"unit_{row}" for row in range(MAX_ROWS)]]
        found = ["+".join(map(str, row.dropna())) for _, row in rows.iterrows()]
    else:
        units = trials[["network", "layer", "branch", "channel"]].fillna({"branch": ""})
        found = [Unit(*unit).name for unit in units.itertuples(index=False, name=None)]
    return pd.Series(found, index=trials.index, dtype="string")
