"""A log as a dataset in a format that others read: what all formats have in common."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from analysis.logs.load import load_log
from analysis.logs.sessions import Log
from unitscope.cells import read_content
from unitscope.columns import RATING_COLUMNS, Column, imported_columns, log_columns
from unitscope.disk import check_empty, whole_folder
from unitscope.errors import BadInput
from unitscope.records import RATINGS
from unitscope.tables import lines_of, read_cells, read_csv

PARTICIPANTS = "participants.tsv"
"""What an experimenter may put beside the logs: participant_id and whatever may be shared."""

SESSION_FACTS = (
    Column("observer_kind", "str", "Who responded."),
    Column("observer", "str", "Which simulated or machine observer.", blank=True),
    Column("place", "str", "Where it took place: lab or online.", blank=True),
    Column("session_state", "str", "Whether the session was completed."),
    Column("end_reason", "str", "How the session's last run ended."),
    Column("runs", "int", "Runs of the session; each resume adds one."),
    Column("trials", "int", "Trials that were completed."),
    Column("instruction_s", "float", "Time on the pages before the first trial.", "s", blank=True),
    Column(
        "total_s",
        "float",
        "Time from the first page to the end of the last trial, runs added up.",
        "s",
        blank=True,
    ),
    Column("practice_rounds", "float", "Rounds of practice that were used.", blank=True),
    Column("notes", "int", "Notes of the experimenter, whose texts are not exported."),
    Column("hidden", "int", "Times that the page of an online session could not be seen."),
    Column("language", "str", "Language of what the participant read.", blank=True),
    Column(
        "texts_sha256", "str", "SHA-256 of all texts, which says who read the same.", blank=True
    ),
    Column("consent_sha256", "str", "SHA-256 of the consent page as it was shown.", blank=True),
)
"""What is known of a session, by the names of :attr:`analysis.logs.sessions.Log.sessions`."""


@dataclass(frozen=True)
class Source:
    """A log on its way out.

    Parameters
    ----------
    folder
        Where it lies.
    log
        What it holds.
    """

    folder: Path
    log: Log

    @property
    def task(self) -> str:
        """Task of all trials."""
        return str(self.log.trials["task"].iloc[0])

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns of the trials."""
        imported = "import_flags" in self.log.trials.columns
        return (imported_columns if imported else log_columns)(self.task)

    @property
    def last_day(self) -> str:
        """Day of the last trial, ISO 8601; empty where it is not known."""
        return str(self.log.trials["trial_began_utc"].dropna().max())[:10].replace("nan", "")

    @property
    def recorded(self) -> pd.DataFrame:
        """What is known of the sessions that have a trial, in order."""
        sessions = self.log.sessions
        return sessions[sessions["trials"] > 0].sort_values(["participant", "session"])

    @cached_property
    def labels(self) -> dict[str, str]:
        """Participant to a label of letters and digits only.

        Raises
        ------
        BadInput
            If two participants would have the same label.
        """
        found: dict[str, str] = {}
        for participant in self.recorded["participant"].unique():
            label = letters_and_digits(participant)
            if not label or label in found.values():
                raise BadInput(
                    f"{self.folder}: participant {participant!r} has no label of its own once "
                    "only letters and digits are kept; rename its folder and its rows"
                )
            found[participant] = label
        return found

    def sessions(self) -> list[tuple[str, int, pd.DataFrame, pd.DataFrame | None]]:
        """Return participant, session, trials and ratings (None without any) of each session."""
        columns = [column.name for column in self.columns]
        found = []
        for row in self.recorded.itertuples():
            own = self.log.trials[
                (self.log.trials["participant"] == row.participant)
                & (self.log.trials["session"] == row.session)
            ]
            file = Path(str(row.folder)) / RATINGS
            ratings = None
            if file.is_file() and "import_flags" not in columns:
                ratings = read_csv(file, RATING_COLUMNS)
            found.append((str(row.participant), int(row.session), own[columns], ratings))
        return found

    def demographics(self) -> pd.DataFrame:
        """Return the cells of ``participants.tsv`` beside the logs, indexed by participant.

        Raises
        ------
        BadInput
            If it has no column participant_id, or a participant is listed twice.
        """
        for folder in (self.folder, self.folder.parent):
            path = folder / PARTICIPANTS
            if path.is_file() and not _is_private(path):
                return _demographics(path)
        return pd.DataFrame()


def _is_private(path: Path) -> bool:
    """Return whether a list is that of ``experiments demographics``, which is not shared."""
    cells = read_cells(read_content(path), path)
    return list(cells.columns[:2]) == ["participant", "design"]


def _demographics(path: Path) -> pd.DataFrame:
    cells = read_cells(read_content(path), path)
    if "participant_id" not in cells.columns:
        raise BadInput(f"{path}: column 'participant_id' is missing")
    ids = cells["participant_id"].str.removeprefix("sub-")
    if ids.duplicated().any():
        place = int(ids.duplicated().to_numpy().nonzero()[0][0])
        raise BadInput(
            f"{path}, line {lines_of(cells)[place]}, column 'participant_id': "
            f"{ids.iloc[place]!r} is listed twice"
        )
    return cells.drop(columns="participant_id").set_index(ids)


def export(data: Path | str, out: Path | str, write: Callable[[Source, Path], None]) -> Path:
    """Write a log as a dataset.

    Parameters
    ----------
    data
        As for :func:`analysis.logs.load.load`.
    out
        Folder to make; one that exists must be empty.
    write
        Writes the dataset into an empty folder, such as
        :func:`analysis.export.bids.write_bids`.

    Returns
    -------
    pathlib.Path
        The folder, which appears as a whole or not at all.

    Raises
    ------
    BadInput
        If the log cannot be used, or the folder holds anything or cannot be written.
    """
    data, out = Path(data), Path(out)
    if out.exists():
        check_empty(out)  # before the long work
    source = Source(data, load_log(data))
    with whole_folder(out) as making:
        write(source, making)
    return out


def letters_and_digits(text: str) -> str:
    """Return text as names of files want it: ``demo_two_afc`` becomes ``demoTwoAfc``."""
    first, *rest = re.split(r"[^A-Za-z0-9]+", text.strip("_- "))
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def introduction(source: Source, what: str) -> str:
    """Return a README for a dataset."""
    sessions = source.recorded
    counted = sessions["observer_kind"].value_counts()
    kinds = ", ".join(f"{number} {kind}" for kind, number in counted.items())
    return f"""\
# {source.log.design}

{len(sessions)} sessions ({kinds}) of {sessions["participant"].nunique()} participants, with
{len(source.log.trials)} trials of the task {source.task}. {what}

In each trial an observer answers a question about one unit of a neural network with the help of
images. Column `trial_role` tells practice, main, catch and repeated trials apart, column
`observer_kind` tells people from simulated and machine observers.

The study's design is named in column `design`, and `design_sha256` is the SHA-256 of its file;
`stimulus_set` and `manifest_sha256` do the same for the images, which are no part of this dataset.
"""
