"""Simulated observers with one known property each, for checking what an analysis finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from experiments.runner.answers import Answer, Choice, Matching
from experiments.runner.simulated import ChanceObserver, GradedObserver, generator
from unitscope.vocabulary import TASKS


class IdealObserver:
    """A simulated observer that is always right and sure."""

    name = "ideal"
    kind = "simulated"
    tasks: tuple[str, ...] = TASKS

    def respond(self, row: Mapping[str, Any]) -> Answer:
        """Return the right answer to one trial."""
        if row["task"] == "exemplar_matching":
            slots = tuple(int(row[f"correct_slot_{i}"]) for i in range(int(row["n_rows"])))
            return Matching(slots, 2.0)
        return Choice(str(row["correct_choice"]), 3, 0.8)


class LapsingObserver(GradedObserver):
    """The graded observer that guesses in some of the trials.

    Parameters
    ----------
    seed
        Fixes ability, noise and lapses.
    rate
        Share of trials that are guessed, 0 to 1.
    """

    name = "lapsing"

    def __init__(self, seed: int, rate: float = 0.2) -> None:
        super().__init__(seed)
        self._guesser = ChanceObserver(seed)
        self._rate = rate

    def respond(self, row: Mapping[str, Any]) -> Answer:
        """Return the answer to one trial, the same whenever the trial is asked again."""
        lapses = generator(self._seed, "lapse", row["trial_number"]).random() < self._rate
        return self._guesser.respond(row) if lapses else super().respond(row)


class SideBiasedObserver(GradedObserver):
    """The graded observer that chooses query a in some of the trials, whatever it sees.

    Parameters
    ----------
    seed
        Fixes ability, noise and bias.
    rate
        Share of trials that are answered with a, 0 to 1.
    """

    name = "side_biased"
    tasks: tuple[str, ...] = ("two_afc", "occlusion")

    def __init__(self, seed: int, rate: float = 0.5) -> None:
        super().__init__(seed)
        self._rate = rate

    def respond(self, row: Mapping[str, Any]) -> Answer:
        """Return the answer to one trial, the same whenever the trial is asked again."""
        answer = super().respond(row)
        biased = generator(self._seed, "bias", row["trial_number"]).random() < self._rate
        return replace(answer, choice="a") if biased and isinstance(answer, Choice) else answer
