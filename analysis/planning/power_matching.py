"""Studies of exemplar matching, whose answers are drawn and tested as in the report."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import sparse

from analysis.planning.power_model import AT_ONCE, CHANCE, Assumptions, draw_answers, p_of
from analysis.planning.trial_structure import conditions_in, matching_trials_of
from analysis.statistics.crossed_difference import difference_between
from analysis.statistics.estimates import LEVEL, Estimate
from analysis.statistics.intervals import mean_with_interval
from analysis.statistics.matching import chance
from conditions.design.design import Design


class MatchingStudy:
    """Trials that are correct or incorrect as a whole, each about one unit a row.

    What units add to a trial is the mean of their parts; a unit keeps its part for all trials and
    participants of a study. Tests generalise over participants.

    Parameters
    ----------
    design
        Of exemplar matching.
    participants
        How many take part.
    assumptions
        Accuracies are proportions of trials with all rows paired correctly.
    smallest_effect
        For the test of equivalence.
    """

    def __init__(
        self, design: Design, participants: int, assumptions: Assumptions, smallest_effect: float
    ) -> None:
        assert design.matching is not None
        self._conditions = conditions_in(design)
        self._assumptions, self._smallest_effect = assumptions, smallest_effect
        self._plan = matching_trials_of(design, participants)
        n_rows = design.matching.n_rows
        self._units = self._plan[[f"unit_{i}" for i in range(n_rows)]].to_numpy()
        self._logits = assumptions.logits(self._conditions, units_per_trial=n_rows)
        self._chance = chance(n_rows)["all_correct"]
        self._compared = list(combinations(range(len(self._conditions)), 2))
        accuracies = [assumptions.accuracies[name] for name in self._conditions]
        self.pairs = [
            (self._conditions[i], self._conditions[j], accuracies[i] - accuracies[j])
            for i, j in self._compared
        ] + [
            (name, CHANCE, share - self._chance)
            for name, share in zip(self._conditions, accuracies, strict=True)
        ]
        self.n_units = len(np.unique(self._units))
        self.n_trials = float(self._plan.groupby(["participant", "condition"]).size().mean())

    def p_values(self, rng: np.random.Generator, simulations: int) -> Iterator[np.ndarray]:
        """Yield p of difference and of equivalence of each study, shape (2, pairs)."""
        for begin in range(0, simulations, AT_ONCE):
            for shares in self.draw(rng, AT_ONCE)[: simulations - begin]:
                tested = [_difference(shares[:, i], shares[:, j]) for i, j in self._compared]
                tested += [_mean(own - self._chance) for own in shares.T]
                yield np.array([p_of(one, self._smallest_effect) for one in tested]).T

    def draw(self, rng: np.random.Generator, studies: int) -> np.ndarray:
        """Draw each participant's proportion correct, shape (studies, people, conditions).

        It is NaN where a participant never meets the condition.
        """
        who, condition = (self._plan[name].to_numpy() for name in ("participant", "condition"))
        correct = draw_answers(
            rng, studies, self._assumptions, self._logits, who, condition, self._units
        )
        shape = (int(who.max()) + 1, len(self._conditions))
        cells = np.ravel_multi_index((who, condition), shape)
        counts = np.bincount(cells, minlength=np.prod(shape))
        average = sparse.csr_matrix(
            (1 / counts[cells], (cells, np.arange(len(cells)))), (len(counts), len(cells))
        )
        shares = np.where(counts, (average @ correct).T, np.nan)
        return shares.reshape(studies, *shape)


def _difference(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Compare the shares of participants, or of the groups that met one condition each."""
    if np.isfinite(first - second).any():
        return _mean(first - second)
    one, two = (
        pd.DataFrame({"correct": own, "participant": range(len(own)), "unit": ""}).dropna()
        for own in (first, second)
    )
    return difference_between(one, two, "participant", LEVEL)


def _mean(of_people: np.ndarray) -> Estimate:
    met = of_people[np.isfinite(of_people)]
    return mean_with_interval(met, np.arange(len(met)), np.zeros(len(met)), "participant", LEVEL)
