"""Studies of choices between two queries, whose answers are drawn and tested as in the report."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.planning.power_model import AT_ONCE, Assumptions, draw_answers, p_of
from analysis.statistics.crossed_difference import CrossedDifference
from analysis.statistics.estimates import LEVEL


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
        self._tests = [self._test(plan, *pair) for pair in pairs]

    def p_values(self, rng: np.random.Generator, simulations: int) -> Iterator[np.ndarray]:
        """Yield p of difference and of equivalence of each study, shape (2, pairs)."""
        for begin in range(0, simulations, AT_ONCE):
            answers = self._draw(rng, AT_ONCE)[:, : simulations - begin]
            tested = [test.estimates(answers[rows], LEVEL) for rows, test in self._tests]
            for estimates in zip(*tested, strict=True):
                yield np.array([p_of(one, self.smallest_effect) for one in estimates]).T

    @staticmethod
    def _test(plan: pd.DataFrame, first: int, second: int) -> tuple[np.ndarray, CrossedDifference]:
        """Return the trials of a pair of conditions, and what tests their difference."""
        rows = np.flatnonzero(plan["condition"].isin([first, second]))
        who, what, condition = (
            plan[name].to_numpy()[rows] for name in ("participant", "unit", "condition")
        )
        return rows, CrossedDifference(who, what, condition == first)

    def _draw(self, rng: np.random.Generator, number: int) -> np.ndarray:
        """Draw the answers of some studies, shape (trials, studies), 1 for correct."""
        participant, unit, condition = (
            self.plan[name].to_numpy() for name in ("participant", "unit", "condition")
        )
        return draw_answers(
            rng, number, self.assumptions, self.logits, participant, condition, unit[:, None]
        )
