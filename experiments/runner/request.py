"""Which session is asked for."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from conditions.design.design import Design
from conditions.trials.condition_tables import (
    participant_id,
    prepared_participants,
    table_path,
)
from experiments.runner.log import (
    check_participant,
    completed_trials,
    session_folder,
    sessions_of,
)
from unitscope.errors import BadInput, nearest
from unitscope.places import DATA, STIMULI
from unitscope.records import COMPLETED, FINAL
from unitscope.stimulus_set import StimulusSet
from unitscope.withdrawal import is_withdrawn


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
        Number from 1; None resumes the participant's unfinished session, or begins the first one.
    table
        Condition table; None for the participant's own.
    stimuli
        Folder of the stimulus set; None for the one that the table names.
    data
        Folder of all logs.
    observer_kind, observer
        Who responds.
    place
        ``lab``, or ``online`` where participants are at computers of their own.
    language
        Language of the screens; None for the design's.
    left_handed
        Whether the keys are those of left-handed participants.
    """

    design: Design
    participant: str
    session: int | None = None
    table: Path | None = None
    stimuli: Path | None = None
    data: Path = DATA
    observer_kind: str = "person"
    observer: str | None = None
    place: str = "lab"
    language: str | None = None
    left_handed: bool = False

    def table_file(self) -> Path:
        """Return where the participant's condition table lies."""
        own = table_path(self.design, 1).with_name(f"{check_participant(self.participant)}.csv")
        return self.table or own

    def check_table(self) -> Path:
        """Return the participant's condition table.

        Raises
        ------
        BadInput
            If the participant has withdrawn; or if there is no table, naming the participant with
            the nearest id who has one.
        """
        if is_withdrawn(self.folder(1).parent):
            raise BadInput(
                f"participant {self.participant} has withdrawn and takes no further part; 'python "
                "-m experiments schedule' says how somebody else takes the place"
            )
        path = self.table_file()
        if path.is_file():
            return path
        digits = re.sub(r"\D", "", self.participant)
        meant = participant_id(int(digits)) if digits else self.participant
        raise BadInput(
            f"{path}: participant {self.participant} has no condition table; make it with: "
            f"python -m conditions make {self.design.name} --participants NUMBERS"
            f"{nearest(meant, prepared_participants(path.parent))}"
        )

    def open_stimuli(self, table: pd.DataFrame) -> StimulusSet:
        """Open the stimulus set that is given, or else the one that the table names.

        Raises
        ------
        BadInput
            As for :meth:`unitscope.stimulus_set.StimulusSet.open`.
        """
        return StimulusSet.open(self.stimuli or STIMULI / str(table["stimulus_set"].iloc[0]))

    @property
    def sessions(self) -> dict[int, str]:
        """The participant's sessions and how each ended, in order."""
        return sessions_of(self.data, self.design.name, self.participant)

    @property
    def unfinished(self) -> int | None:
        """The participant's last session that can be resumed."""
        numbers = [number for number, ended in self.sessions.items() if ended not in FINAL]
        return numbers[-1] if numbers else None

    @property
    def next_session(self) -> int:
        """The number of a new session."""
        return max(self.sessions, default=0) + 1

    def session_number(self) -> int:
        """Return the session to run: as asked, else the unfinished one, else the first.

        Raises
        ------
        BadInput
            If the participant has taken part already: a further session is begun on purpose only.
        """
        number = self.session or self.unfinished
        if number is not None:
            return number
        if self.sessions:
            last, ended = list(self.sessions.items())[-1]
            raise BadInput(
                f"participant {self.participant} has {how_it_ended(ended)} session {last}; to "
                f"begin another one on purpose, give its number: --session {self.next_session}"
            )
        return 1

    def folder(self, number: int) -> Path:
        """Return where the record of one of the participant's sessions lies."""
        return session_folder(self.data, self.design.name, self.participant, number)

    def unfinished_at(self) -> int | None:
        """Return how many trials the session to run has already; None where it is a new one.

        They are counted in the log: after a crash ``session.json`` does not know of the last ones.
        """
        number = self.session or self.unfinished
        if number is None or self.sessions.get(number, COMPLETED) in FINAL:
            return None
        return completed_trials(self.folder(number))


def parse_distance_cm(text: str) -> float:
    """Read a measured viewing distance.

    Raises
    ------
    ArgumentTypeError
        If it is no number of centimetres at which anybody sits.
    """
    try:
        distance_cm = float(text.replace(",", "."))
    except ValueError:
        distance_cm = 0.0
    if not 10 <= distance_cm <= 1000:
        raise argparse.ArgumentTypeError(
            f"found {text!r} as the distance, expected centimetres from 10 to 1000, such as 57"
        )
    return distance_cm


def how_it_ended(end_reason: str) -> str:
    """Return what a participant did with a session that is over."""
    return "completed" if end_reason == COMPLETED else "declined"
