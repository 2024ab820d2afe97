"""Studies of exemplar matching, whose answers are drawn and tested as in the report."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from scipy import special

from analysis.estimates import LEVEL, Estimate
from analysis.intervals import mean_with_interval
from analysis.matching import chance
from analysis.power_model import AT_ONCE, CHANCE, Assumptions, p_of
from analysis.trial_structure import check_participants, conditions_in
from conditions.design import Design


class MatchingStudy:
    """Trials that are right or wrong as a whole, each about units of its own.

    A unit's part is drawn for each trial anew, as its rows are of several units; tests speak for
    new participants.

    Parameters
    ----------
    design
        Of exemplar matching.
    participants
        How many take part.
    assumptions
        Accuracies are shares of trials with all rows right.
    smallest_effect
        For the test of equivalence.
    """

    def __init__(
        self, design: Design, participants: int, assumptions: Assumptions, smallest_effect: float
    ) -> None:
        check_participants(design, participants)
        self._conditions = conditions_in(design)
        self._assumptions, self._smallest_effect = assumptions, smallest_effect
        self._counts = np.array([_counts(design, i + 1) for i in range(participants)])
        self._logits = assumptions.logits(self._conditions)
        self._chance = chance(design.matching.n_rows)["all_correct"] if design.matching else 0.0
        self._compared = list(combinations(range(len(self._conditions)), 2))
        accuracies = [assumptions.accuracies[name] for name in self._conditions]
        self.pairs = [
            (self._conditions[i], self._conditions[j], accuracies[i] - accuracies[j])
            for i, j in self._compared
        ] + [
            (name, CHANCE, share - self._chance)
            for name, share in zip(self._conditions, accuracies, strict=True)
        ]
        depths = len(design.matching.depths) if design.matching else 1
        self.n_units = depths * design.units.sample.get("main", 0)
        self.n_trials = float(self._counts.mean())

    def p_values(self, rng: np.random.Generator, simulations: int) -> Iterator[np.ndarray]:
        """Yield p of difference and of equivalence of each study, shape (2, pairs)."""
        for begin in range(0, simulations, AT_ONCE):
            for shares in self.draw(rng, AT_ONCE)[: simulations - begin]:
                tested = [shares[:, i] - shares[:, j] for i, j in self._compared]
                tested += list((shares - self._chance).T)
                found = [p_of(self._estimate(one), self._smallest_effect) for one in tested]
                yield np.array(found).T

    def draw(self, rng: np.random.Generator, studies: int) -> np.ndarray:
        """Draw each participant's share of right trials, shape (studies, people, conditions)."""
        a, (people, conditions) = self._assumptions, self._counts.shape
        shape = (studies, people, conditions)
        own = self._logits + rng.normal(0, a.participant_sd, (studies, people, 1))
        own = own + rng.normal(0, a.participant_effect_sd, shape)
        most = int(self._counts.max())
        of_units = np.hypot(a.unit_sd, a.unit_effect_sd)
        logits = own[..., None] + rng.normal(0, of_units, (*shape, most))
        right = rng.random(logits.shape) < special.expit(logits)
        shown = np.arange(most) < self._counts[..., None]
        shares: np.ndarray = (right & shown).sum(axis=-1) / self._counts
        return shares

    def _estimate(self, of_people: np.ndarray) -> Estimate:
        labels = np.arange(len(of_people)), np.zeros(len(of_people))
        return mean_with_interval(of_people, *labels, "participant", LEVEL)


def _counts(design: Design, participant: int) -> list[int]:
    """Return a participant's main trials in each condition."""
    found = dict.fromkeys(conditions_in(design), 0)
    for planned in design.plan(participant):
        if planned.block.role == "main":
            trials = planned.block.trials or sum(planned.block.draw.values())
            found[planned.condition] += trials + planned.longer
    return list(found.values())
