"""Means of trials and differences of means, with intervals over participants, units or both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special, stats
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from analysis.statistics.estimates import CI_UNITS, LEVEL, CIUnit, Estimate, not_computable

Labels = np.ndarray
"""Shape (trials,): which participant or which unit each trial belongs to."""


def mean_with_interval(
    values: np.ndarray,
    participants: Labels,
    units: Labels,
    ci_unit: CIUnit = "crossed",
    level: float = LEVEL,
) -> Estimate:
    """Return the mean over trials and its confidence interval.

    Parameters
    ----------
    values
        Shape (trials,), finite; 0 and 1 for wrong and correct answers, or differences.
    participants, units
        Shape (trials,).
    ci_unit
        What the interval generalises over.
    level
        Confidence level, between 0 and 1; ``paper`` has none, it is always 2 SEM.

    Returns
    -------
    Estimate
        With a reason in place of the interval where the trials do not allow one.

    Raises
    ------
    ValueError
        If the ci_unit is unknown.

    Examples
    --------
    >>> correct = [1, 1, 1, 1, 1, 0, 1, 0, 0]
    >>> participants, units = np.repeat(["p1", "p2", "p3"], 3), np.tile(["u1", "u2", "u3"], 3)
    >>> found = mean_with_interval(correct, participants, units, "participant")
    >>> round(found.value, 3), round(found.standard_error, 3), found.df
    (0.667, 0.192, 2)
    >>> found = mean_with_interval(correct, participants, units)
    >>> round(found.value, 3), round(found.standard_error, 3), round(found.df, 2)
    (0.667, 0.236, 2.12)
    """
    if ci_unit not in CI_UNITS:
        raise ValueError(f"ci_unit is {ci_unit!r}, expected one of {', '.join(CI_UNITS)}")
    values = np.asarray(values, float)
    cells = _Cells.of(values, participants, units)
    estimate = Estimate(
        value=cells.mean,
        n_trials=len(values),
        n_participants=cells.n_participants,
        n_units=cells.n_units,
        ci_unit=ci_unit,
    )
    if not len(values):
        return replace(estimate, reason=not_computable("there are no trials"))
    if ci_unit == "trial" and set(np.unique(values)) <= {0.0, 1.0}:
        low, high = wilson(int(values.sum()), len(values), level)
        return replace(estimate, low=low, high=high)
    error = _trial_error(values) if ci_unit == "trial" else _ERRORS[ci_unit](cells)
    if isinstance(error, str):
        return replace(estimate, reason=not_computable(error))
    return with_interval(estimate, error, level)


def proportion_with_interval(
    correct: np.ndarray,
    participants: Labels,
    units: Labels,
    ci_unit: CIUnit = "crossed",
    level: float = LEVEL,
) -> Estimate:
    """Return a proportion and its confidence interval, which is between 0 and 1.

    With the proportion ``p``, its standard error ``s`` from :func:`mean_with_interval` and the
    quantile ``t``, the ends are ``expit(logit(p) -+ t s / (p (1 - p)))``, by the delta method. If
    all or no answers are correct, nothing tells how participants and units differ; there is a
    one-sided bound, that of Clopper & Pearson (Biometrika 1934, 26, 404-413) for as many trials, at
    ``1 - (1 - level) / 2``, as for each end elsewhere. Trial intervals are Wilson's, and those of
    ``paper`` 2 SEM, cut at 0 and 1.

    Parameters
    ----------
    correct
        Shape (trials,); 1 for correct and 0 for wrong, or a share of a trial's parts, whose bound
        of Clopper & Pearson is that of the worst case, all or no parts of a trial.
    participants, units, ci_unit, level
        As for :func:`mean_with_interval`.

    Examples
    --------
    >>> participants, units = np.repeat(["p1", "p2", "p3"], 20), np.tile(np.arange(20), 3)
    >>> correct = np.ones(60)
    >>> found = proportion_with_interval(correct, participants, units)
    >>> round(found.low, 3), found.high
    (0.94, 1.0)
    >>> correct[[0, 1, 25]] = 0
    >>> found = proportion_with_interval(correct, participants, units, "participant")
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.95, 0.582, 0.996)
    """
    correct = np.asarray(correct, float)
    found = mean_with_interval(correct, participants, units, ci_unit, level)
    is_extreme = len(correct) > 0 and np.ptp(correct) == 0 and correct[0] in (0, 1)
    nan = float("nan")
    if ci_unit in ("paper", "trial"):
        if ci_unit == "paper" and is_extreme:
            why = not_computable(f"the proportion is {correct[0]:g}")
            return replace(found, low=nan, high=nan, standard_error=nan, df=nan, reason=why)
        low, high = np.clip([found.low, found.high], 0, 1)
        return replace(found, low=float(low), high=float(high))
    numbers = {"participant": [found.n_participants], "unit": [found.n_units]}
    if is_extreme and min(numbers.get(ci_unit, [found.n_participants, found.n_units])) > 1:
        bound = ((1 - level) / 2) ** (1 / len(correct))
        ends = (bound, 1.0) if correct[0] else (0.0, 1 - bound)
        return replace(found, low=ends[0], high=ends[1], standard_error=nan, df=nan, reason="")
    if not found.has_interval:
        return found
    half = (found.high - found.value) / (found.value * (1 - found.value))
    low, high = special.expit(special.logit(found.value) + np.array([-half, half]))
    return replace(found, low=float(low), high=float(high))


def wilson(n_correct: int, n_trials: int, level: float = LEVEL) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion (J. Am. Stat. Assoc. 1927, 22, 209-212).

    With ``z`` the normal quantile and ``p`` the proportion its ends are
    ``(p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)``.

    Examples
    --------
    >>> [round(end, 4) for end in wilson(8, 10)]
    [0.4902, 0.9433]
    """
    found = stats.binomtest(n_correct, n_trials).proportion_ci(level, method="wilson")
    # Where all or none are correct an end is the proportion itself, which rounding must not pass.
    proportion = n_correct / n_trials
    return min(proportion, float(found.low)), max(proportion, float(found.high))


@dataclass(frozen=True)
class StandardError:
    """A standard error and its degrees of freedom."""

    standard_error: float
    df: float


VariancePart = tuple[float, float]
"""A part of a variance, negative if it is subtracted, and its degrees of freedom."""


def with_interval(estimate: Estimate, error: StandardError, level: float) -> Estimate:
    """Return an estimate with the interval of its error: t, or 2 standard errors for ``paper``.

    Examples
    --------
    >>> found = with_interval(Estimate(0.5), StandardError(0.1, 9), 0.95)
    >>> round(found.low, 3), round(found.high, 3)
    (0.274, 0.726)
    """
    half = 2.0 if estimate.ci_unit == "paper" else float(stats.t.ppf((1 + level) / 2, error.df))
    half *= error.standard_error
    return replace(
        estimate,
        low=estimate.value - half,
        high=estimate.value + half,
        standard_error=error.standard_error,
        df=error.df,
    )


def satterthwaite(parts: Sequence[VariancePart]) -> StandardError:
    """Return the error of a sum of independent parts of variance ``v_i``.

    Its degrees of freedom are ``(sum v_i)^2 / sum(v_i^2 / df_i)`` (Satterthwaite, Biometrics Bull.
    1946, 2, 110-114).

    Examples
    --------
    >>> round(satterthwaite([(0.03, 9), (0.01, 19)]).df, 3)
    15.2
    """
    variance = sum(part for part, _ in parts)
    spread = sum(part**2 / df for part, df in parts)
    return StandardError(float(variance) ** 0.5, float(variance**2 / spread))


@dataclass(frozen=True)
class _Cells:
    """Trials gathered by participant and unit.

    Parameters
    ----------
    means, counts
        Shape (participants, units): mean and number of the trials of a cell; a cell without
        trials has mean 0 and number 0.
    """

    means: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, participants: Labels, units: Labels) -> _Cells:
        row_names, rows = np.unique(np.asarray(participants, str), return_inverse=True)
        column_names, columns = np.unique(np.asarray(units, str), return_inverse=True)
        sums, counts = np.zeros((2, len(row_names), len(column_names)))
        np.add.at(sums, (rows, columns), values)
        np.add.at(counts, (rows, columns), 1)
        return cls(sums / np.maximum(counts, 1), counts)

    @property
    def n_participants(self) -> int:
        return len(self.means)

    @property
    def n_units(self) -> int:
        return int(self.means.shape[1])

    @property
    def mean(self) -> float:
        total = self.counts.sum()
        return float((self.means * self.counts).sum() / total) if total else float("nan")


def _trial_error(values: np.ndarray) -> StandardError | str:
    if len(values) < 2:
        return "there is only one trial"
    if np.ptp(values) == 0:
        return "all trials have the same value"
    return StandardError(float(stats.sem(values)), len(values) - 1)


def _clustered_error(cells: _Cells, axis: int, what: str) -> StandardError | str:
    """Return the error of a mean over clusters that weigh as many trials as they have.

    The mean is a ratio estimator: with ``w_i = n_i / N`` and ``m_i`` the share of trials and the
    mean of cluster i of k, ``var(m) = k / (k - 1) sum w_i^2 (m_i - m)^2`` (Cochran, Sampling
    Techniques, 3rd ed. 1977, single-stage cluster sampling).
    """
    weights = cells.counts.sum(axis=1 - axis) / cells.counts.sum()
    means = (cells.means * cells.counts).sum(axis=1 - axis) / cells.counts.sum(axis=1 - axis)
    number = len(means)
    if number < 2:
        return f"there is only one {what}"
    deviations = weights * (means - cells.mean)
    variance = number / (number - 1) * float((deviations**2).sum())
    if np.isclose(variance, 0, atol=1e-15):
        return f"all {what}s have the same mean"
    return StandardError(variance**0.5, number - 1)


def _participant_error(cells: _Cells) -> StandardError | str:
    return _clustered_error(cells, 0, "participant")


def _unit_error(cells: _Cells) -> StandardError | str:
    return _clustered_error(cells, 1, "unit")


def _paper_error(cells: _Cells) -> StandardError | str:
    means = (cells.means * cells.counts).sum(axis=1) / cells.counts.sum(axis=1)
    if len(means) < 2:
        return "there is only one participant"
    return StandardError(float(np.std(means)) / len(means) ** 0.5, float("nan"))


def _crossed_error(cells: _Cells) -> StandardError | str:
    """Return the error of a mean for participants and units that are both samples.

    The variance components of participants, units and residuals are those of fitting constants
    (Henderson's method 3, Biometrics 1953, 9, 226-252), which need no balance; where every
    participant met every unit, they give the quasi-F of Clark (J. Verb. Learn. Verb. Behav. 1973,
    12, 335-359). A component estimated below zero counts as zero, which makes the interval wider.
    """
    rows, columns = cells.means.shape
    if rows < 2:
        return "there is only one participant"
    if columns < 2:
        return "there is only one unit"
    present = (cells.counts > 0).astype(float)
    n_islands = _n_islands(present)
    df_residual = int(present.sum()) - rows - columns + n_islands
    if df_residual < 1:
        return "too few participants met the same units"
    squares = _sums_of_squares(cells.means, present)
    residual = squares.residual / df_residual
    # The mean is sum w_pu y_pu with y_pu = mu + P_p + U_u + e_pu, so that
    #     var(mean) = s2_P sum_p w_p.^2 + s2_U sum_u w_.u^2 + s2_e sum_pu w_pu^2.
    weights = cells.counts / cells.counts.sum()
    residual_weight = float((weights**2).sum())
    per_row, per_column = present.sum(axis=1), present.sum(axis=0)
    parts: list[VariancePart] = []
    for square, count, others, share in (
        (squares.participants, per_row, present @ (1 / per_column), weights.sum(axis=1)),
        (squares.units, per_column, (1 / per_row) @ present, weights.sum(axis=0)),
    ):
        df = len(count) - n_islands
        if df < 1:
            return "no two participants met the same unit"
        # E(MS_P) = s2_e + k s2_P,  k = (sum_p n_p. - sum_u sum_p n_pu^2 / n_.u) / df, where n_pu is
        # 1 for a cell with trials; so s2_P = (MS_P - MS_e) / k. Units likewise.
        cells_per_level = float((count - others).sum()) / df
        weight = float((share**2).sum()) / cells_per_level
        if square / df > residual:
            parts.append((square / df * weight, df))
            residual_weight -= weight
    parts.insert(0, (residual * residual_weight, df_residual))
    if np.isclose(sum(part for part, _ in parts), 0, atol=1e-15):
        return "all trials have the same value"
    return satterthwaite(parts)


@dataclass(frozen=True)
class _Squares:
    participants: float
    units: float
    residual: float


def _sums_of_squares(means: np.ndarray, present: np.ndarray) -> _Squares:
    """Return the sum of squares of participants given units, of units given participants, and rest.

    With R(.) the reduction in the sum of squares by fitting constants (Henderson's method 3):
    R(units | participants) from the normal equations of the units with participants absorbed, and
    R(participants | units) = R(participants) + R(units | participants) - R(units).
    """
    centred = np.where(present > 0, means - means[present > 0].mean(), 0.0)
    per_row, per_column = present.sum(axis=1), present.sum(axis=0)
    row_sums, column_sums = centred.sum(axis=1), centred.sum(axis=0)
    participants_alone = float((row_sums**2 / per_row).sum())
    units_alone = float((column_sums**2 / per_column).sum())
    # C u = q,  C = diag(n_.u) - N' diag(1 / n_p.) N,  q = y_.u - N' (y_p. / n_p.);  R = q' C^- q.
    matrix = np.diag(per_column) - present.T @ (present / per_row[:, None])
    adjusted = column_sums - present.T @ (row_sums / per_row)
    units = float(adjusted @ np.linalg.pinv(matrix, hermitian=True) @ adjusted)
    residual = float((centred**2).sum()) - participants_alone - units
    return _Squares(participants_alone + units - units_alone, units, max(residual, 0.0))


def _n_islands(present: np.ndarray) -> int:
    """Return the number of connected parts of the graph that joins participants to their units."""
    rows, columns = np.nonzero(present)
    size = sum(present.shape)
    graph = csr_matrix((np.ones(len(rows)), (rows, columns + len(present))), shape=(size, size))
    return int(connected_components(graph, directed=False)[0])


_ERRORS: dict[str, Callable[[_Cells], StandardError | str]] = {
    "crossed": _crossed_error,
    "participant": _participant_error,
    "unit": _unit_error,
    "paper": _paper_error,
}
