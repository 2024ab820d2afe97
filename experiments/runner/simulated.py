"""Simulated observers, each with known properties."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations

import numpy as np

from experiments.runner.answers import Answer, Choice, Pairing
from unitscope.row_types import TrialRow
from unitscope.rows import correct_slots, unit_names
from unitscope.vocabulary import TASKS


def generator(seed: int, *labels: object) -> np.random.Generator:
    """Return a generator of random numbers that a seed and labels fix on every machine."""
    digest = hashlib.sha256("/".join(map(str, labels)).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])


def best_matching(fit: np.ndarray) -> tuple[int, ...]:
    """Return the slot of each row, each slot once, that fit best together.

    Parameters
    ----------
    fit
        Shape (rows, rows): how well each row (first) fits each slot (second).
    """
    rows = range(len(fit))
    return max(permutations(rows), key=lambda slots: fit[rows, slots].sum())


class GradedObserver:
    """A simulated observer by signal detection: easier trials get faster, surer, better answers.

    In each trial the evidence for the correct query is normal with sd 1 and mean d'/sqrt(2), where
    d' depends on the reference condition, the participant's ability and the unit; its sign is the
    choice, its size gives confidence and reaction time. In exemplar matching the evidence for each
    pair is normal with sd 1 and mean d' if it is correct, else 0; the matching with the most
    evidence is taken.

    Parameters
    ----------
    seed
        Fixes ability and noise.
    d_prime
        Mean d' by reference condition.
    ability_sd, unit_sd
        Spread of d' over participants and over units.
    """

    name = "graded"
    kind = "simulated"
    tasks: tuple[str, ...] = TASKS

    def __init__(
        self,
        seed: int,
        d_prime: Mapping[str, float] | None = None,
        ability_sd: float = 0.3,
        unit_sd: float = 0.3,
    ) -> None:
        self._seed = seed
        self._d_prime = d_prime or {"natural": 2.0, "mixed": 1.7, "synthetic": 1.3, "blur": 1.3}
        self._unit_sd = unit_sd
        self._ability = ability_sd * float(generator(seed, "ability").standard_normal())

    def respond(self, row: TrialRow) -> Answer:
        """Return the answer to one trial, the same whenever the trial is asked again."""
        rng = generator(self._seed, "trial", row["trial_number"])
        if row["task"] == "exemplar_matching":
            return self._match(row, rng)
        d_prime = self._d_prime_of(row, row["channel"])
        if row["trial_role"] == "catch":
            d_prime += 2
        evidence = rng.normal(d_prime / np.sqrt(2), 1)
        correct = row["correct_choice"]
        confidence = 1 + int(abs(evidence) > 0.6) + int(abs(evidence) > 1.4)
        median_s = 0.4 + 1.6 / (1 + abs(evidence))
        return Choice(
            correct if evidence > 0 else "ab"[correct == "a"],
            confidence,
            float(median_s * np.exp(rng.normal(0, 0.25))),
        )

    def _match(self, row: TrialRow, rng: np.random.Generator) -> Pairing:
        n_rows = row["n_rows"]
        evidence = rng.standard_normal((n_rows, n_rows))
        for i, (slot, unit) in enumerate(zip(correct_slots(row), unit_names(row), strict=True)):
            evidence[i, slot] += self._d_prime_of(row, unit)
        return Pairing(best_matching(evidence), float(n_rows * rng.lognormal(0.7, 0.25)))

    def _d_prime_of(self, row: TrialRow, unit: object) -> float:
        """Return d' for a unit; without anything to go by it is 0."""
        d_prime = self._d_prime.get(row["reference_condition"], 0.0)
        if not d_prime:
            return 0.0
        labels = (row["network"], row["layer"], unit)
        own = float(generator(0, *labels).standard_normal())
        return d_prime + self._ability + self._unit_sd * own


class ChanceObserver:
    """A simulated observer that guesses.

    Parameters
    ----------
    seed
        Fixes the guesses.
    """

    name = "chance"
    kind = "simulated"
    tasks: tuple[str, ...] = TASKS

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def respond(self, row: TrialRow) -> Answer:
        """Return a guess, the same whenever the trial is asked again."""
        rng = generator(self._seed, "trial", row["trial_number"])
        if row["task"] == "exemplar_matching":
            slots = tuple(int(slot) for slot in rng.permutation(row["n_rows"]))
            return Pairing(slots, float(2 + rng.gamma(2, 0.3)))
        choice = "ab"[rng.integers(2)]
        return Choice(choice, int(rng.integers(1, 4)), float(0.4 + rng.gamma(2, 0.3)))


class IdealObserver:
    """A simulated observer that is always correct and confident."""

    name = "ideal"
    kind = "simulated"
    tasks: tuple[str, ...] = TASKS

    def respond(self, row: TrialRow) -> Answer:
        """Return the correct answer to one trial."""
        if row["task"] == "exemplar_matching":
            return Pairing(correct_slots(row), 2.0)
        return Choice(row["correct_choice"], 3, 0.8)


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

    def respond(self, row: TrialRow) -> Answer:
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

    def respond(self, row: TrialRow) -> Answer:
        """Return the answer to one trial, the same whenever the trial is asked again."""
        answer = super().respond(row)
        biased = generator(self._seed, "bias", row["trial_number"]).random() < self._rate
        return replace(answer, choice="a") if biased and isinstance(answer, Choice) else answer
