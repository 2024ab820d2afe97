"""Which session is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conditions.design.design import Design
from conditions.trials.condition_tables import table_path
from experiments.runner.log import (
    check_participant,
    completed_trials,
    session_folder,
    sessions_of,
)
from unitscope.places import DATA
from unitscope.records import FINAL, read_session


@dataclass(frozen=True)
class Request:
    """Which session is asked for.

    Parameters
    ----------
    design
        What is run.
    participant
        Id: letters and digits.
    session
        Number from 1; None resumes the participant's unfinished session, or begins the next one.
    table
        Condition table; None for the participant's own.
    stimuli
        Folder of the stimulus set; None for the one that the table names.
    data
        Folder of all logs.
    observer_kind, observer
        Who responds.
    language
        Language of the screens; None for the design's.
    """

    design: Design
    participant: str
    session: int | None = None
    table: Path | None = None
    stimuli: Path | None = None
    data: Path = DATA
    observer_kind: str = "person"
    observer: str | None = None
    language: str | None = None

    def table_file(self) -> Path:
        """Return where the participant's condition table lies."""
        own = table_path(self.design, 1).with_name(f"{check_participant(self.participant)}.csv")
        return self.table or own

    def session_number(self) -> int:
        """Return the session to run: as asked, else the unfinished one, else the next."""
        if self.session is not None:
            return self.session
        found = sessions_of(self.data, self.design.name, self.participant)
        unfinished = [number for number, ended in found.items() if ended not in FINAL]
        return unfinished[-1] if unfinished else max(found, default=0) + 1

    def folder(self, number: int) -> Path:
        """Return where the record of one of the participant's sessions lies."""
        return session_folder(self.data, self.design.name, self.participant, number)

    def unfinished_at(self) -> int | None:
        """Return how many trials the session to run has already; None where it is a new one.

        They are counted in the log: after a crash ``session.json`` does not know of the last ones.
        """
        folder = self.folder(self.session_number())
        before = read_session(folder)
        if not before or before.get("end_reason") in FINAL:
            return None
        return completed_trials(folder)
