"""Read and validate the logs of sessions as one tidy frame."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.durations import total_s
from analysis.log_checks import check_one_design, check_participants, check_trials
from analysis.log_files import columns_of, read_files
from conditions.columns import FRAME_COLUMNS, MAX_ROWS
from conditions.csv_files import empty_frame
from conditions.errors import BadInput
from conditions.records import COMPLETED, FRAMES, SESSION, TRIALS, read_session
from conditions.vocabulary import Unit


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
    rows = read_files(files, columns_of(files), found)
    if rows.frame.empty:
        raise BadInput(f"{path}: the sessions there have no completed trial")
    check_trials(rows)
    few = rows.frame[list(_OF_SESSIONS)]
    sessions = [
        _facts_of(folder, few.iloc[part], found)
        for folder, part in zip(folders, rows.parts(), strict=True)
    ]
    check_one_design(rows.frame, path, found)
    check_participants(rows, sessions)
    table = pd.DataFrame(sessions)
    table["observer"] = table["observer"].astype("string")
    states = pd.array(np.repeat(table["session_state"].to_numpy(), rows.lengths), dtype="string")
    trials = rows.frame.assign(session_state=states, unit=_unit_names(rows.frame))
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


_OF_SESSIONS = (
    *("participant", "session", "observer_kind", "observer", "run", "trial_number"),
    *("trial_began_utc", "fixation_onset_s", "onset_s", "trial_end_s"),
)
"""Columns of trials that tell of their session."""


def _facts_of(folder: Path, trials: pd.DataFrame, found: list[str]) -> dict[str, Any]:
    """Return a session's row from its record and its trials."""
    facts = read_session(folder)
    if not facts:
        found.append(f"{folder}: session.json is missing, so the session counts as unfinished")

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
        "session_state": "completed" if facts.get("end_reason") == COMPLETED else "unfinished",
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
    single = "channel" in trials.columns
    columns = ["network", "layer", "branch", "channel"]
    parts = trials[columns if single else [f"unit_{row}" for row in range(MAX_ROWS)]]
    # Few of many trials differ in their units.
    numbers = parts.groupby(list(parts.columns), dropna=False, sort=False).ngroup().to_numpy()
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
    order = np.lexsort((number, session, participant))
    if (np.diff(order) == 1).all():  # as it mostly is, and moving many columns takes a while
        return trials
    return trials.iloc[order].reset_index(drop=True)
