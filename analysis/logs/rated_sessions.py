"""Sessions of which only ratings are there: imported ones, or ones that ended before a trial."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.logs.load import Log, load_log, session_folders, session_row
from unitscope.columns import log_columns
from unitscope.errors import BadInput
from unitscope.records import RATINGS, TRIALS, read_session
from unitscope.tables import empty_frame
from unitscope.vocabulary import TASKS


@dataclass(frozen=True)
class RatedLog(Log):
    """Sessions without any trial; their ratings are read as those of any log.

    Parameters
    ----------
    rated_design
        Name of the design that all sessions belong to.
    title
        Of the study, where its ratings were imported.
    """

    rated_design: str = ""
    title: str = ""

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
    imported = facts[0].get("imported") or []
    found: list[str] = []
    return RatedLog(
        _no_trials(),
        pd.DataFrame([session_row(folder, found) for folder in folders]),
        tuple(found),
        rated_design=designs[0],
        title=imported[0].get("title", "") if imported else "",
    )


def _has_rows(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as lines:
        lines.readline()
        return bool(lines.readline())


def _no_trials() -> pd.DataFrame:
    columns = log_columns(TASKS[0])
    return empty_frame(columns).assign(
        session_state=pd.Series(dtype="string"), unit=pd.Series(dtype="string")
    )
