"""Ratings of images, and sessions that have nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.logs.load import load_log
from analysis.logs.log_files import Rows, read_files
from analysis.logs.sessions import Log, session_folders, session_row, withdrawals
from unitscope.columns import RATING_COLUMNS, imported_columns, log_columns
from unitscope.errors import BadInput
from unitscope.records import RATINGS, TRIALS, read_session
from unitscope.tables import empty_frame
from unitscope.vocabulary import TASKS

RATING_RANGE = (-100, 100)
"""Ends of the scale."""

IMPORTED_COLUMNS = imported_columns(TASKS[0], "ratings")
"""Columns of imported ratings, whatever the task."""


def load_ratings(log: Log) -> pd.DataFrame:
    """Load the ratings of all sessions, our own or imported.

    Returns
    -------
    pandas.DataFrame
        The columns of ``ratings.csv``, for imported ones those that say where they come from and
        what is unusual, observer_kind and observer; no rows where nothing was rated.

    Raises
    ------
    BadInput
        If a file is damaged before its last line, or lies in the folder of another participant.
    """
    sessions = log.sessions
    files = [Path(folder) / RATINGS for folder in sessions["folder"]]
    there = [place for place, file in enumerate(files) if file.is_file()]
    imported = bool(there) and _is_imported(files[there[0]])
    columns = IMPORTED_COLUMNS if imported else RATING_COLUMNS
    rows = read_files([files[place] for place in there], columns, [])
    if rows.frame.empty:
        return empty_frame(columns).assign(observer_kind="", observer="")
    of_row = sessions.iloc[np.repeat(there, rows.lengths)].reset_index(drop=True)
    _check_owner(rows, of_row)
    return rows.frame.assign(**of_row[["observer_kind", "observer"]])


def _is_imported(file: Path) -> bool:
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        return "import_flags" in lines.readline()


def _check_owner(rows: Rows, sessions: pd.DataFrame) -> None:
    for column in ("participant", "session"):
        others = (rows.frame[column].astype(str) != sessions[column].astype(str)).to_numpy()
        if others.any():
            place = int(np.flatnonzero(others)[0])
            raise BadInput(
                f"{rows.place(place)}, column {column!r}: found {rows.frame[column][place]}, "
                f"expected {sessions[column][place]} as in the session"
            )


def outside(ratings: pd.DataFrame) -> pd.Series:
    """Return which ratings lie outside of the scale, as imported ones may."""
    low, high = RATING_RANGE
    return ((ratings["rating"] < low) | (ratings["rating"] > high)).fillna(False).astype(bool)


@dataclass(frozen=True)
class RatedLog(Log):
    """Sessions without any trial; their ratings are read as those of any log.

    Parameters
    ----------
    rated_design
        Name of the design that all sessions belong to.
    """

    rated_design: str = ""

    @property
    def design(self) -> str:
        """Name of the design that all sessions belong to."""
        return self.rated_design


def load_study(path: Path | str) -> Log:
    """Load every session below a path; ratings without a trial are a study too.

    Parameters
    ----------
    path
        As for :func:`analysis.logs.load.load_log`.

    Returns
    -------
    Log
        A :class:`RatedLog` where there are ratings but no trial.

    Raises
    ------
    BadInput
        As for :func:`analysis.logs.load.load_log`, or if sessions of several designs are mixed.
    """
    path = Path(path)
    folders = session_folders(path)
    has_trials = any(_has_rows(folder / TRIALS) for folder in folders)
    if has_trials or not any(_has_rows(folder / RATINGS) for folder in folders):
        return load_log(path)
    facts = [read_session(folder) for folder in folders]
    designs = sorted({str(one.get("design", path.name)) for one in facts})
    if len(designs) > 1:
        raise BadInput(
            f"{path}: ratings of {len(designs)} designs are mixed ({', '.join(designs)}); "
            "expected one"
        )
    found = withdrawals(path)
    return RatedLog(
        _no_trials(),
        pd.DataFrame([session_row(folder, found) for folder in folders]),
        tuple(found),
        rated_design=designs[0],
    )


def _has_rows(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as lines:
        lines.readline()
        return bool(lines.readline())


def _no_trials() -> pd.DataFrame:
    columns = log_columns(TASKS[0])
    told = ("session_state", "place", "unit")
    return empty_frame(columns).assign(**{name: pd.Series(dtype="string") for name in told})
