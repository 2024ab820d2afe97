"""Who takes part in a study: the participants with a condition table, and how far each is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from conditions.design.design import Design
from conditions.trials.condition_tables import (
    participant_id,
    prepared_participants,
    read_table,
    table_path,
)
from experiments.runner.log import completed_trials, session_folder, sessions_of
from experiments.runner.request import how_it_ended
from unitscope.places import DATA, TABLES, shown
from unitscope.records import COMPLETED, FINAL
from unitscope.withdrawal import Withdrawal, read_withdrawal

OPEN, UNFINISHED, DONE, GONE = "open", "unfinished", "done", "declined"
AWAY = "withdrawn"
"""How far a participant is: ``done`` as soon as one session is completed."""


@dataclass(frozen=True)
class Scheduled:
    """A participant whose condition table is there.

    Parameters
    ----------
    participant
        Id.
    sessions
        Number of each session to how it ended, in order.
    trials
        Number of each session that can be resumed to its completed trials.
    withdrawal
        Of whoever withdrew, and then no sessions.
    """

    participant: str
    sessions: dict[int, str]
    trials: dict[int, int]
    withdrawal: Withdrawal | None = None

    @property
    def state(self) -> str:
        """How far the participant is."""
        if self.withdrawal:
            return AWAY
        ended = self.sessions.values()
        if COMPLETED in ended:
            return DONE
        return UNFINISHED if self.trials else GONE if ended else OPEN

    @property
    def words(self) -> str:
        """The same for each session, for readers."""
        if self.withdrawal:
            return AWAY
        return ", ".join(map(self._of, self.sessions)) or OPEN

    def _of(self, number: int) -> str:
        if number in self.trials:
            return f"session {number} {UNFINISHED} after {self.trials[number]} trials"
        return f"session {number} {how_it_ended(self.sessions[number])}"


def schedule(design: Design, data: Path = DATA, tables: Path = TABLES) -> list[Scheduled]:
    """Return the participants of a design whose condition tables are there, in order.

    Parameters
    ----------
    design
        Of the study.
    data, tables
        Folders of all logs and of all condition tables.
    """
    found = []
    for participant in prepared_participants(table_path(design, 1, tables).parent):
        subject = session_folder(data, design.name, participant, 1).parent
        if gone := read_withdrawal(subject):
            found.append(Scheduled(participant, {}, {}, gone))
            continue
        sessions = sessions_of(data, design.name, participant)
        trials = {
            number: completed_trials(session_folder(data, design.name, participant, number))
            for number, ended in sessions.items()
            if ended not in FINAL
        }
        found.append(Scheduled(participant, sessions, trials))
    return found


def next_open(scheduled: Iterable[Scheduled]) -> str | None:
    """Return the first participant without any session."""
    return next((one.participant for one in scheduled if one.state == OPEN), None)


def cell_of(design: Design, number: int) -> dict[str, str]:
    """Return the cell of the counterbalancing that a numbered participant is in.

    Parameters
    ----------
    design
        Of the study.
    number
        Of the participant.

    Returns
    -------
    dict of str to str
        ``group``, ``order`` (of the blocks) and ``schemes`` (their order), each where the design
        has more than one.
    """
    found = {"group": design.group(number)} if design.between else {}
    if len(design.orders) > 1:
        found["order"] = str(design.order_number(number))
    if design.schemes and len(design.schemes.orders) > 1:
        found["schemes"] = str(design.schemes.order_number(number))
    return found


def describe_schedule(design: Design, data: Path = DATA, tables: Path = TABLES) -> str:
    """Return who comes next and how many of each cell took part, as plain text."""
    scheduled = schedule(design, data, tables)
    folder = table_path(design, 1, tables).parent
    numbers = {one.participant: _number(folder, one.participant) for one in scheduled}
    cells = {participant: cell_of(design, number) for participant, number in numbers.items()}
    lines = [f"{design.name}: {len(scheduled)} condition tables in {shown(folder)}"]
    coming = next_open(scheduled)
    if coming:
        cell = ", ".join(f"{name} {value}" for name, value in cells[coming].items())
        lines.append(f"next: {coming}" + (f" ({cell})" if cell else ""))
    else:
        lines.append(
            "next: nobody; make further tables with: "
            f"python -m conditions make {design.name} --participants NUMBERS"
        )
    if scheduled:
        lines += ["", *_counts(scheduled, cells)]
    for one in scheduled:
        if one.state == UNFINISHED or len(one.sessions) > 1:
            lines.append(f"{one.participant}: {one.words}")
        if one.withdrawal:
            lines.append(_of_withdrawn(design, one.withdrawal, scheduled, numbers))
    return "\n".join(lines)


def _number(folder: Path, participant: str) -> int:
    table = read_table(folder / f"{participant}.csv")
    return int(table["participant_number"].iloc[0])


def _of_withdrawn(
    design: Design,
    gone: Withdrawal,
    scheduled: Sequence[Scheduled],
    numbers: dict[str, int],
) -> str:
    """Say who has the place of a participant who withdrew, or how somebody else gets it."""
    participant = gone["participant"]
    number = numbers[participant]
    said = f"{participant}: withdrawn on {gone['withdrawn_on']}, data {gone['data']}"
    others = [
        one.participant
        for one in scheduled
        if numbers[one.participant] == number and not one.withdrawal
    ]
    if others:
        return f"{said}; {others[0]} has the place"
    letter = next(
        c for c in "bcdefghijklmnopqrstuvwxyz" if participant_id(number) + c not in numbers
    )
    return (
        f"{said}; for somebody else in the same cell: python -m conditions make {design.name} "
        f"--participants {number} --id {participant_id(number)}{letter}"
    )


def _counts(scheduled: Sequence[Scheduled], cells: dict[str, dict[str, str]]) -> list[str]:
    """Return a table of the cells with the number of participants of each state."""
    counted: dict[tuple[str, ...], Counter[str]] = {}
    for one in scheduled:
        cell = tuple(cells[one.participant].values())
        counted.setdefault(cell, Counter())[one.state] += 1
    total = sum(counted.values(), Counter[str]())
    states = [DONE, UNFINISHED, OPEN, *(state for state in (GONE, AWAY) if total[state])]
    names = list(next(iter(cells.values())))
    rows = [[*names, *states]]
    rows += [[*cell, *(str(counted[cell][s]) for s in states)] for cell in sorted(counted)]
    if names:
        rows.append(["all", *[""] * (len(names) - 1), *(str(total[s]) for s in states)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
