"""The difference of two conditions, whoever met which unit in which of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from analysis.statistics.estimates import LEVEL, CIUnit, Estimate, not_computable
from analysis.statistics.intervals import Labels, satterthwaite, with_interval

SMALLEST_VARIANCE = 1e-15
"""Variances of proportions below this are rounding errors."""


@dataclass(frozen=True)
class _Quadratic:
    """A sum of squares ``|L r|^2`` of the residuals ``r``, with ``L`` a sum over levels."""

    sums: sparse.csr_matrix
    levels: sparse.csr_matrix
    """Shape (trials, levels), the design of the random effect that it is sensitive to."""


class CrossedDifference:
    """Where and by whom two conditions were met, and what follows for their difference.

    The model is ``y = mu_c + P_p + (Pc)_pc + U_u + (Uc)_uc + (PU)_pu + e``: participants p and
    units u are crossed samples that differ in accuracy and in the effect of the condition c. No
    cell needs trials: the conditions may be met by the same or by other participants, and with the
    same or with other units. The difference ``d = w'y`` is that of the conditions' means, so that
    it never contradicts the accuracies. With ``G_k = Z_k Z_k'`` its variance is
    ``sum_k s2_k w' G_k w``.

    The six variances ``s2_k`` come from as many quadratic forms ``Q_k = |L_k r|^2`` of the
    deviations ``r = M y`` from the conditions' means, whose expectations
    ``sum_j s2_j |L_k M Z_j|^2`` are exact for any numbers of trials (the method of moments; Searle,
    Casella & McCulloch, Variance Components, 1992, chapter 5). ``L_k`` sums the weighted trials of
    a participant, a unit or both, with and without the sign of the condition, or takes single
    trials. Where every participant met every unit equally often in both conditions, the result is
    the quasi-F of Clark (J. Verb. Learn. Verb. Behav. 1973, 12, 335-359). What participants (or
    units) add to the variance counts as 0 where its estimate is negative.

    Parameters
    ----------
    participants, units
        Of each trial, shape (trials,).
    is_first
        Shape (trials,), whether a trial is of the first condition, else of the second.
    """

    def __init__(self, participants: Labels, units: Labels, is_first: np.ndarray) -> None:
        is_first = np.asarray(is_first, bool)
        who, what = _codes(participants), _codes(units)
        pairs = np.unique(who * (what.max() + 1) + what, return_inverse=True)[1]
        self.n_participants, self.n_units = int(who.max()) + 1, int(what.max()) + 1
        self.n_trials = len(who)
        numbers = np.array([is_first.sum(), (~is_first).sum()])
        weights = np.where(is_first, 1 / numbers[0], -1 / numbers[1])
        self._weights = weights
        self._conditions = np.stack([is_first, ~is_first], axis=1).astype(float)
        self._numbers = numbers
        self._factors = [_Factor.of(codes, is_first) for codes in (who, what)]
        self._df_residual = max(int(pairs.max()) + 1 - self.n_participants - self.n_units + 1, 1)
        sign = np.sign(weights)
        self._forms = []
        for codes in (who, what, pairs):
            levels = _indicators(codes)
            for values, columns in (
                (weights, levels.multiply(sign[:, None] / 2)),
                (abs(weights), levels),
            ):
                sums = sparse.csr_matrix(levels.multiply(values[:, None]).T)
                self._forms.append(_Quadratic(sums, sparse.csr_matrix(columns)))
        if not (_counts(pairs, is_first) > 0).all(axis=0).any():
            # Where no pair met both conditions, both sums over pairs are the same, and could not
            # tell the interaction of participants and units from the residual of unequal numbers of
            # trials. Sums of single trials do.
            self._forms[5] = replace(self._forms[5], sums=sparse.diags(weights).tocsr())
        # The residual takes the place of the interaction of participants, units and conditions.
        self._effects = [form.levels for form in self._forms]
        self._effects[4] = sparse.identity(self.n_trials, format="csr")
        self._solution, self.reason = self._solve()

    def estimates(self, correct: np.ndarray, level: float = LEVEL) -> Iterator[Estimate]:
        """Yield the difference in proportion correct and its interval in each of some studies.

        Parameters
        ----------
        correct
            1 for correct and 0 for wrong, shape (trials, studies).
        level
            Confidence level.
        """
        means = (self._conditions.T @ correct) / self._numbers[:, None]
        residuals = correct - self._conditions @ means
        parts = [form.sums @ residuals for form in self._forms]
        squares = np.array([(part**2).sum(axis=0) for part in parts])
        variances = self._solution @ squares
        for study, (people, units, residual) in enumerate(variances.T):
            estimate = Estimate(
                value=float(means[0, study] - means[1, study]),
                n_trials=self.n_trials,
                n_participants=self.n_participants,
                n_units=self.n_units,
                ci_unit="crossed",
                reason=self.reason,
            )
            if self.reason:
                yield estimate
                continue
            # As in a quasi-F, a mean square of participants holds their part and the residual.
            residual, remaining, found = max(residual, 0.0), 1, []
            for factor, variance, sums in zip(
                self._factors, (people, units), (parts[0], parts[2]), strict=True
            ):
                if variance > 0:
                    found.append((variance + residual, factor.df(sums[:, study])))
                    remaining -= 1
            found.append((residual * remaining, self._df_residual))
            if sum(part for part, _ in found) < SMALLEST_VARIANCE:
                alike = not np.any(residuals[:, study])
                why = "all differences are the same" if alike else "there are too few trials"
                yield replace(estimate, reason=not_computable(why))
            else:
                yield with_interval(estimate, satterthwaite(found), level)

    def _solve(self) -> tuple[np.ndarray, str]:
        """Return what turns the quadratic forms into the parts of the variance, shape (3, 6).

        The parts are those of participants, of units and of the rest.
        """
        nothing = np.full((3, 6), np.nan)
        for name, factor in zip(("participant", "unit"), self._factors, strict=True):
            if len(factor.share) < 2:
                return nothing, not_computable(f"there is only one {name}")
            if factor.is_nested and min(factor.n_levels) < 2:
                return nothing, not_computable(f"a condition has fewer than 2 {name}s")
        expected = np.array(
            [[self._expectation(form, effect) for effect in self._effects] for form in self._forms]
        )
        target = np.array([_squares(effect.T @ self._weights) for effect in self._effects])
        # Rows and columns differ by orders of magnitude; without scaling, small ones would be lost.
        rows = np.maximum(expected.max(axis=1), 1e-300)
        columns = np.maximum((expected / rows[:, None]).max(axis=0), 1e-300)
        scaled = expected / rows[:, None] / columns
        inverse = np.linalg.pinv(scaled, rcond=1e-9)
        parts = np.zeros((3, 6))
        for part, terms in enumerate(((0, 1), (2, 3), (4, 5))):
            parts[part, terms] = target[list(terms)]
        total = target / columns
        if not np.allclose(total @ inverse @ scaled, total, atol=1e-6 * abs(total).max()):
            return nothing, not_computable("too few participants met the same units")
        solution = (parts / columns) @ inverse / rows
        return solution, ""

    def _expectation(self, form: _Quadratic, effect: sparse.csr_matrix) -> float:
        """Return ``|L M Z|^2 = |S - a b|^2``: ``S = L Z``, ``a = L X``, ``b = (X'X)^-1 X' Z``."""
        sums = sparse.csr_matrix(form.sums @ effect)
        left = form.sums @ self._conditions
        right = (effect.T @ self._conditions / self._numbers).T
        crossed = sums.tocoo()
        product = (left[crossed.row] * right[:, crossed.col].T).sum(axis=1)
        own = float((left.T @ left * (right @ right.T)).sum())
        return _squares(sums.data) - 2 * float(crossed.data @ product) + own


def difference_between(
    first: pd.DataFrame, second: pd.DataFrame, ci_unit: CIUnit = "crossed", level: float = LEVEL
) -> Estimate:
    """Return the difference in proportion correct between the trials of two conditions.

    Crossed intervals are those of :class:`CrossedDifference`. The others are Welch's, of the means
    of participants or units who each met one condition, or of trials.

    Parameters
    ----------
    first, second
        Answered trials with correct, participant and unit.
    ci_unit
        What the interval generalises over; ``paper`` gives 2 standard errors over participants.
    level
        Confidence level.

    Examples
    --------
    >>> first = pd.DataFrame({"participant": list("aabbcc"), "unit": list("xyxyxy")})
    >>> second = first.assign(participant=list("ddeeff"), correct=[0, 1, 0, 0, 1, 0])
    >>> first = first.assign(correct=[1, 1, 1, 0, 1, 1])
    >>> found = difference_between(first, second, "participant")
    >>> round(found.value, 3), round(found.standard_error, 3), round(found.df, 3)
    (0.5, 0.236, 4.0)
    """
    parts = (first, second)
    correct = [part["correct"].to_numpy(float) for part in parts]
    if ci_unit == "crossed":
        together = pd.concat([part[["participant", "unit"]] for part in parts])
        difference = CrossedDifference(
            together["participant"].to_numpy(),
            together["unit"].to_numpy(),
            np.repeat([True, False], [len(part) for part in parts]),
        )
        return next(difference.estimates(np.concatenate(correct)[:, None], level))
    estimate = Estimate(
        value=float(correct[0].mean() - correct[1].mean()),
        n_trials=len(first) + len(second),
        n_participants=len({*first["participant"], *second["participant"]}),
        n_units=len({*first["unit"], *second["unit"]}),
        ci_unit=ci_unit,
    )
    what = {"trial": "trial", "unit": "unit"}.get(ci_unit, "participant")
    # Welch's test: the variances of both groups' means add up.
    samples = correct if what == "trial" else [_means(part, what).to_numpy() for part in parts]
    if min(map(len, samples)) < 2:
        return replace(estimate, reason=not_computable(f"a condition has fewer than 2 {what}s"))
    variances = [(float(np.var(one, ddof=1)) / len(one), len(one) - 1) for one in samples]
    if not sum(variance for variance, _ in variances) > 0:
        return replace(estimate, reason=not_computable("nothing varies"))
    return with_interval(estimate, satterthwaite(variances), level)


def _means(trials: pd.DataFrame, by: str) -> pd.Series:
    return trials["correct"].astype(float).groupby(trials[by].astype(str)).mean()


@dataclass(frozen=True)
class _Factor:
    """Participants or units, and how much each tells of the difference."""

    share: np.ndarray
    """Shape (levels,): square of the trials' share in the conditions."""
    is_first: np.ndarray
    """Shape (levels,), whether the first condition has trials of the level."""
    is_nested: bool
    """Whether no level met both conditions."""

    @classmethod
    def of(cls, codes: np.ndarray, is_first: np.ndarray) -> _Factor:
        counts = _counts(codes, is_first)
        shares = counts / counts.sum(axis=1, keepdims=True)
        return cls((shares**2).sum(axis=0), counts[0] > 0, not (counts > 0).all(axis=0).any())

    @property
    def n_levels(self) -> tuple[int, int]:
        return int(self.is_first.sum()), int((~self.is_first).sum())

    def df(self, sums: np.ndarray) -> float:
        """Return degrees of freedom: levels less one, or Welch's where each met one condition.

        Levels with few trials count for less: ``n = (sum v)^2 / sum v^2`` of their shares ``v``.
        """
        if not self.is_nested:
            return max(_effective(self.share) - 1, 1.0)
        groups = (self.is_first, ~self.is_first)
        variances = np.array([_squares(sums[group]) for group in groups])
        df = np.array([max(_effective(self.share[group]) - 1, 1.0) for group in groups])
        total = variances.sum()
        return float(total**2 / (variances**2 / df).sum()) if total > 0 else float(df.sum())


def _counts(codes: np.ndarray, is_first: np.ndarray) -> np.ndarray:
    """Return the trials of each level in both conditions, shape (2, levels)."""
    size = codes.max() + 1
    return np.stack([np.bincount(codes[of], minlength=size) for of in (is_first, ~is_first)])


def _effective(share: np.ndarray) -> float:
    return float(share.sum() ** 2 / (share**2).sum())


def _squares(values: np.ndarray) -> float:
    return float((np.asarray(values) ** 2).sum())


def _codes(labels: Labels) -> np.ndarray:
    return np.unique(np.asarray(labels, str), return_inverse=True)[1]


def _indicators(codes: np.ndarray) -> sparse.csr_matrix:
    number = len(codes)
    return sparse.csr_matrix((np.ones(number), (np.arange(number), codes)))
