"""Analysis of variance of participants' means: factors within and between participants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from math import prod

import numpy as np
import pandas as pd
from scipy import linalg, stats

from analysis.statistics.estimates import not_computable
from analysis.statistics.participant_means import is_between, levels_of

_COLUMNS = [
    *(
        "effect",
        "comparison",
        "df",
        "df_error",
        "F",
        "p",
        "epsilon",
        "p_corrected",
        "eta_squared_partial",
    ),
    *("ss_effect", "ss_error", "n_participants", "n_incomplete", "reason"),
]

_ROUNDING = 1e-12
"""Share of the sum of squares below which a variance is rounding."""


def anova(means: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Test all main effects and interactions of factors that are crossed.

    A factor of which nobody has two levels is one between participants, any other one within. The
    model is the univariate one with a participant's own mean (repeated measures, split plot, or a
    plain analysis of variance without a factor within), with type III sums of squares: groups of
    different size count alike. Effects within participants of more than one degree of freedom
    assume that all differences of levels have the same variance; ``p_corrected`` does not
    (Greenhouse & Geisser, Psychometrika 1959, 24, 95-112).

    Parameters
    ----------
    means
        One row per participant and cell: participant, the factors, value
        (:func:`analysis.statistics.participant_means.participant_means`).
    factors
        Columns, of at least two levels each.

    Returns
    -------
    pandas.DataFrame
        One row per effect: effect (factors joined by ``*``), comparison (within or between
        participants, or mixed), df, df_error, F, p, epsilon (of
        Greenhouse and Geisser), p_corrected (with both degrees of freedom times epsilon; p where
        epsilon is 1), eta_squared_partial (SS of the effect / (SS of the effect + SS of its
        error)), ss_effect, ss_error, n_participants, n_incomplete (participants who lack a cell,
        and do not count), reason (why there is no F; empty otherwise).

    Examples
    --------
    >>> cells = [(p, c) for p in "abcd" for c in ("natural", "synthetic", "none")]
    >>> means = pd.DataFrame(cells, columns=["participant", "reference_condition"])
    >>> means["value"] = [0.9, 0.8, 0.5, 0.8, 0.8, 0.6, 1.0, 0.7, 0.5, 0.9, 0.8, 0.7]
    >>> anova(means, ["reference_condition"])[["effect", "df", "df_error", "F", "p"]].round(3)
                    effect  df  df_error       F      p
    0  reference_condition   2         6  14.333  0.005
    """
    between = [factor for factor in factors if is_between(means, factor)]
    within = [factor for factor in factors if factor not in between]
    table = _Table.of(means, within, between)
    effects = [e for size in range(1, len(factors) + 1) for e in combinations(factors, size)]
    rows = [
        {"effect": "*".join(effect), "comparison": _comparison(effect, within)}
        | table.counts
        | table.test(effect)
        for effect in effects
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _comparison(effect: Sequence[str], within: Sequence[str]) -> str:
    number = sum(factor in within for factor in effect)
    return "between" if not number else "within" if number == len(effect) else "mixed"


@dataclass(frozen=True)
class _Table:
    """Values of the participants who have every cell.

    Parameters
    ----------
    values
        Shape (participants, cells within).
    group
        Shape (participants,); everybody's combination of the levels between.
    within, between
        Factors and their numbers of levels, in the order in which they are crossed.
    n_incomplete
        Participants who lack a cell.
    """

    values: np.ndarray
    group: np.ndarray
    within: dict[str, int]
    between: dict[str, int]
    n_incomplete: int

    @classmethod
    def of(cls, means: pd.DataFrame, within: Sequence[str], between: Sequence[str]) -> _Table:
        n_levels = {factor: len(levels_of(means, factor)) for factor in (*within, *between)}
        shape_within, shape_between = (
            {factor: n_levels[factor] for factor in part} for part in (within, between)
        )
        cell, group = (
            np.ravel_multi_index([_codes(means, f) for f in shape], tuple(shape.values()))
            if shape
            else np.zeros(len(means), int)
            for shape in (shape_within, shape_between)
        )
        people, person = np.unique(means["participant"].to_numpy(str), return_inverse=True)
        values = np.full((len(people), prod(shape_within.values())), np.nan)
        values[person, cell] = means["value"].to_numpy(float)
        group_of = np.zeros(len(people), int)
        group_of[person] = group
        complete = np.isfinite(values).all(axis=1)
        n_incomplete = int((~complete).sum())
        own = values[complete], group_of[complete]
        return cls(*own, shape_within, shape_between, n_incomplete)

    @property
    def counts(self) -> dict[str, int]:
        return {"n_participants": len(self.values), "n_incomplete": self.n_incomplete}

    @property
    def sizes(self) -> np.ndarray:
        """Shape (groups,); participants of each."""
        return np.bincount(self.group, minlength=prod(self.between.values()))

    def _missing(self) -> str:
        """Return why nothing can be tested, or nothing."""
        if not (self.sizes > 0).all():
            cells = f"all {self.values.shape[1]} cells" if self.within else "a value"
            return f"no participant {'of some group ' if self.between else ''}has {cells}"
        if len(self.values) == len(self.sizes):
            return f"there is only one participant{' in each group' if self.between else ''}"
        return ""

    def test(self, effect: Sequence[str]) -> dict[str, object]:
        """Return F and what belongs to it, or why there is none."""
        if why := self._missing():
            return {"reason": not_computable(why)}
        # Contrasts of the cells, M = Y C, and of the groups' means, L M. With orthonormal C the
        # sums of squares are traces of the matrices of the multivariate test,
        #     H = (L M)' (L D^-1 L')^-1 (L M),  D = diag(n_1, ..., n_g),
        #     E = sum over participants of (m - m_group)(m - m_group)'.
        scores = self.values @ _contrasts(self.within, effect).T
        n_groups = len(self.sizes)
        means = np.array([scores[self.group == one].mean(axis=0) for one in range(n_groups)])
        of_groups = _contrasts(self.between, effect)
        found = of_groups @ means
        spread = of_groups @ (of_groups / self.sizes).T
        ss_effect = float(np.sum(found * np.linalg.solve(spread, found)))
        rest = scores - means[self.group]
        errors = rest.T @ rest
        ss_error = float(np.trace(errors))
        n_contrasts = scores.shape[1]
        df, df_error = n_contrasts * len(of_groups), n_contrasts * (len(rest) - n_groups)
        if ss_error <= _ROUNDING * float(np.sum(self.values**2)):
            why = "participants do not differ in this effect"
            return {"df": df, "df_error": df_error, "reason": not_computable(why)}
        f = (ss_effect / df) / (ss_error / df_error)
        # Greenhouse & Geisser 1959, from the covariance S of orthonormal contrasts:
        #     epsilon = tr(S)^2 / (k tr(S^2)),  1 / k <= epsilon <= 1.
        epsilon = ss_error**2 / (n_contrasts * float(np.sum(errors**2)))
        return {
            "df": df,
            "df_error": df_error,
            "F": f,
            "p": float(stats.f.sf(f, df, df_error)),
            "epsilon": epsilon,
            "p_corrected": float(stats.f.sf(f, epsilon * df, epsilon * df_error)),
            "eta_squared_partial": ss_effect / (ss_effect + ss_error),
            "ss_effect": ss_effect,
            "ss_error": ss_error,
            "reason": "",
        }


def _codes(means: pd.DataFrame, factor: str) -> np.ndarray:
    levels = {level: place for place, level in enumerate(levels_of(means, factor))}
    return np.array([levels[level] for level in means[factor].astype(str)], int)


def _contrasts(factors: dict[str, int], effect: Sequence[str]) -> np.ndarray:
    """Return orthonormal rows that span an effect over crossed factors: one row without any."""
    parts = [
        linalg.helmert(number) if factor in effect else np.full((1, number), number**-0.5)
        for factor, number in factors.items()
    ]
    return reduce(np.kron, parts, np.ones((1, 1)))
