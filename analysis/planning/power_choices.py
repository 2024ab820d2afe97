"""Studies of choices between two queries, whose answers are drawn and tested as in the report."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import sparse

from analysis.planning.power_model import AT_ONCE, Assumptions, draw_answers, p_of
from analysis.statistics.estimates import LEVEL, Estimate
from analysis.statistics.intervals import difference_between, mean_with_interval


class ChoiceStudy:
    """A plan whose answers can be drawn and tested many times."""

    def __init__(
        self,
        plan: pd.DataFrame,
        conditions: list[str],
        assumptions: Assumptions,
        smallest_effect: float,
    ) -> None:
        self.plan = plan
        self.conditions = conditions
        self.assumptions = assumptions
        self.smallest_effect = smallest_effect
        self.logits = assumptions.logits(conditions)
        pairs = list(combinations(range(len(conditions)), 2))
        names = [(conditions[first], conditions[second]) for first, second in pairs]
        accuracies = assumptions.accuracies
        self.pairs = [(one, two, accuracies[one] - accuracies[two]) for one, two in names]
        self.n_units = int(plan["unit"].nunique())
        self.n_trials = float(plan.groupby(["participant", "condition"]).size().mean())
        self._tests = [_Test(plan, *pair) for pair in pairs]

    def p_values(self, rng: np.random.Generator, simulations: int) -> Iterator[np.ndarray]:
        """Yield p of difference and of equivalence of each study, shape (2, pairs)."""
        for begin in range(0, simulations, AT_ONCE):
            answers = self._draw(rng, AT_ONCE)[:, : simulations - begin]
            tested = [test.estimates(answers, LEVEL) for test in self._tests]
            for estimates in zip(*tested, strict=True):
                yield np.array([p_of(one, self.smallest_effect) for one in estimates]).T

    def _draw(self, rng: np.random.Generator, number: int) -> np.ndarray:
        """Draw the answers of some studies, shape (trials, studies), 1 for correct."""
        participant, unit, condition = (
            self.plan[name].to_numpy() for name in ("participant", "unit", "condition")
        )
        return draw_answers(
            rng, number, self.assumptions, self.logits, participant, condition, unit[:, None]
        )


class _Test:
    """The analysis' test of one pair of conditions on drawn answers."""

    def __init__(self, plan: pd.DataFrame, first: int, second: int) -> None:
        self._plan = plan.astype({"unit": str})
        chosen = [np.flatnonzero(plan["condition"] == one) for one in (first, second)]
        self._chosen = chosen
        cells = plan["participant"].to_numpy() * (plan["unit"].max() + 1) + plan["unit"].to_numpy()
        both = np.intersect1d(cells[chosen[0]], cells[chosen[1]])
        self._labels = np.divmod(both, plan["unit"].max() + 1)
        self._average = _averages(cells, both, chosen[0]) - _averages(cells, both, chosen[1])
        who = [set(plan["participant"].iloc[rows]) for rows in chosen]
        self._is_between = not who[0] & who[1]

    def estimates(self, answers: np.ndarray, level: float) -> list[Estimate]:
        """Return the difference and its interval of each study; answers (trials, studies)."""
        if self._is_between:
            return [self._between(one, level) for one in answers.T]
        return [
            mean_with_interval(one, *self._labels, "crossed", level)
            for one in (self._average @ answers).T
        ]

    def _between(self, answers: np.ndarray, level: float) -> Estimate:
        parts = [self._plan.iloc[rows].assign(correct=answers[rows]) for rows in self._chosen]
        return difference_between(parts[0], parts[1], "crossed", level)


def _averages(cells: np.ndarray, wanted: np.ndarray, rows: np.ndarray) -> sparse.csr_matrix:
    """Return a matrix, wanted cells x trials, that averages the given trials of each cell."""
    rows = rows[np.isin(cells[rows], wanted)]
    places = np.searchsorted(wanted, cells[rows])
    share = 1 / np.bincount(places, minlength=len(wanted))[places]
    return sparse.csr_matrix((share, (places, rows)), (len(wanted), len(cells)))
