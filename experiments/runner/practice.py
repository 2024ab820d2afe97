"""Practice that is repeated, each time with other trials, until a whole round is correct."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from unitscope.row_types import TrialRow

Outcomes = Mapping[int, bool | None]
"""Number of each completed trial to whether it was correct."""


@dataclass(frozen=True)
class PracticeLoop:
    """Rounds of practice that stand in a table one after the other.

    Parameters
    ----------
    rounds
        The trial numbers of each round.
    """

    rounds: tuple[tuple[int, ...], ...]

    def passed_in(self, outcomes: Outcomes) -> int | None:
        """Return the first round, from 1, whose trials were all correct; None if there is none."""
        for number, trials in enumerate(self.rounds, start=1):
            if all(outcomes.get(trial) for trial in trials):
                return number
        return None

    def failed(self, outcomes: Outcomes) -> bool:
        """Return whether every round was gone through without one that was all correct."""
        return self.passed_in(outcomes) is None and all(
            trial in outcomes for trials in self.rounds for trial in trials
        )

    def used(self, outcomes: Outcomes) -> int:
        """Return how many rounds were begun."""
        return sum(any(trial in outcomes for trial in trials) for trials in self.rounds)

    def skipped(self, outcomes: Outcomes) -> set[int]:
        """Return the trials to skip, as every trial of a round before theirs was correct."""
        passed = self.passed_in(outcomes)
        later = self.rounds[passed:] if passed else ()
        return {trial for trials in later for trial in trials}


def practice_loops(rows: Iterable[TrialRow]) -> tuple[PracticeLoop, ...]:
    """Find the loops of a condition table: their ``practice_round`` begins at 1 and rises."""
    loops: list[list[list[int]]] = []
    last: int | None = None
    for row in rows:
        practice_round = row["practice_round"]
        if practice_round is not None:
            if last is None or practice_round < last:
                loops.append([[]])
            elif practice_round > last:
                loops[-1].append([])
            loops[-1][-1].append(row["trial_number"])
        last = practice_round
    return tuple(PracticeLoop(tuple(map(tuple, loop))) for loop in loops)


def skipped_trials(loops: Sequence[PracticeLoop], outcomes: Outcomes) -> set[int]:
    """Return the trials of all loops to skip."""
    return {trial for loop in loops for trial in loop.skipped(outcomes)}


def rounds_used(loops: Sequence[PracticeLoop], outcomes: Outcomes) -> int | None:
    """Return the most rounds that a loop took so far; None where no practice is repeated."""
    return max((loop.used(outcomes) for loop in loops), default=None)
