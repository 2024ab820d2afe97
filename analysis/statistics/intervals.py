"""The mean of trials in which participants meet units, with an interval for whom it speaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats
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
    """Return the mean over trials and its interval.

    Parameters
    ----------
    values
        Shape (trials,), finite; 0 and 1 for wrong and right, or differences.
    participants, units
        Shape (trials,).
    ci_unit
        Whom the interval speaks for.
    level
        Between 0 and 1; ``paper`` has none, it is always 2 SEM.

    Returns
    -------
    Estimate
        With a reason in place of the interval where the trials do not allow one.

    Raises
    ------
    ValueError
        If the ci_unit is unknown.
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
    half = 2.0 if ci_unit == "paper" else float(stats.t.ppf((1 + level) / 2, error.df))
    half *= error.standard_error
    return replace(
        estimate,
        low=cells.mean - half,
        high=cells.mean + half,
        standard_error=error.standard_error,
        df=error.df,
    )


def wilson(n_right: int, n_trials: int, level: float = LEVEL) -> tuple[float, float]:
    """Return Wilson's interval of a proportion (J. Am. Stat. Assoc. 1927, 22, 209-212)."""
    z = float(stats.norm.ppf((1 + level) / 2))
    share = n_right / n_trials
    middle = (share + z**2 / (2 * n_trials)) / (1 + z**2 / n_trials)
    spread = np.sqrt(share * (1 - share) / n_trials + z**2 / (4 * n_trials**2))
    half = z * float(spread) / (1 + z**2 / n_trials)
    # Where all or none are right an end is the share itself, which rounding must not pass.
    return min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))


@dataclass(frozen=True)
class _Error:
    standard_error: float
    df: float


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


def _trial_error(values: np.ndarray) -> _Error | str:
    if len(values) < 2:
        return "there is only one trial"
    if np.ptp(values) == 0:
        return "all trials have the same value"
    return _Error(float(stats.sem(values)), len(values) - 1)


def _clustered_error(cells: _Cells, axis: int, what: str) -> _Error | str:
    """Return the error of a mean whose clusters weigh as many trials as they have."""
    weights = cells.counts.sum(axis=1 - axis) / cells.counts.sum()
    means = (cells.means * cells.counts).sum(axis=1 - axis) / cells.counts.sum(axis=1 - axis)
    number = len(means)
    if number < 2:
        return f"there is only one {what}"
    deviations = weights * (means - cells.mean)
    variance = number / (number - 1) * float((deviations**2).sum())
    if np.isclose(variance, 0, atol=1e-15):
        return f"all {what}s have the same mean"
    return _Error(variance**0.5, number - 1)


def _participant_error(cells: _Cells) -> _Error | str:
    return _clustered_error(cells, 0, "participant")


def _unit_error(cells: _Cells) -> _Error | str:
    return _clustered_error(cells, 1, "unit")


def _paper_error(cells: _Cells) -> _Error | str:
    means = (cells.means * cells.counts).sum(axis=1) / cells.counts.sum(axis=1)
    if len(means) < 2:
        return "there is only one participant"
    return _Error(float(np.std(means)) / len(means) ** 0.5, float("nan"))


def _crossed_error(cells: _Cells) -> _Error | str:
    """Return the error of a mean for participants and units that are both samples.

    The variance components of participants, units and what remains are those of fitting constants
    (Henderson, Biometrics 1953, 9, 226-252), which need no balance; where a participant met every
    unit, they give the quasi-F of Clark (J. Verb. Learn. Verb. Behav. 1973, 12, 335-359). A
    component estimated below zero counts as zero, which errs on the wide side. The degrees of
    freedom are Satterthwaite's (Biometrics Bull. 1946, 2, 110-114).
    """
    rows, columns = cells.means.shape
    if rows < 2:
        return "there is only one participant"
    if columns < 2:
        return "there is only one unit"
    present = (cells.counts > 0).astype(float)
    n_cells = present.sum()
    df_rest = int(n_cells) - rows - columns + _n_islands(present)
    if df_rest < 1:
        return "too few participants met the same units"
    squares = _sums_of_squares(cells.means, present)
    weights = cells.counts / cells.counts.sum()
    per_row, per_column = present.sum(axis=1), present.sum(axis=0)
    rest = squares.rest / df_rest
    # Each component: degrees of freedom, mean square, cells that share a level, and how much of
    # the mean's variance a component of 1 makes.
    terms = [(rest, df_rest, float((weights**2).sum()))]
    for square, count, others, share in (
        (squares.participants, per_row, present @ (1 / per_column), weights.sum(axis=1)),
        (squares.units, per_column, (1 / per_row) @ present, weights.sum(axis=0)),
    ):
        df = len(count) - _n_islands(present)
        if df < 1:
            return "no two participants met the same unit"
        cells_per_level = float((count - others).sum()) / df
        portion = float((share**2).sum()) / cells_per_level
        if square / df > rest:
            terms.append((square / df, df, portion))
            terms[0] = (rest, df_rest, terms[0][2] - portion)
    variance = sum(mean_square * portion for mean_square, _, portion in terms)
    if np.isclose(variance, 0, atol=1e-15):
        return "all trials have the same value"
    spread = sum((mean_square * portion) ** 2 / df for mean_square, df, portion in terms)
    return _Error(float(variance) ** 0.5, float(variance**2 / spread))


@dataclass(frozen=True)
class _Squares:
    participants: float
    units: float
    rest: float


def _sums_of_squares(means: np.ndarray, present: np.ndarray) -> _Squares:
    """Fit participants and units to cell means; each factor's square is beyond the other's."""
    centred = np.where(present > 0, means - means[present > 0].mean(), 0.0)
    per_row, per_column = present.sum(axis=1), present.sum(axis=0)
    row_sums, column_sums = centred.sum(axis=1), centred.sum(axis=0)
    rows_alone = float((row_sums**2 / per_row).sum())
    columns_alone = float((column_sums**2 / per_column).sum())
    # Normal equations of the units, the participants being swept out.
    matrix = np.diag(per_column) - present.T @ (present / per_row[:, None])
    right = column_sums - present.T @ (row_sums / per_row)
    units = float(right @ np.linalg.pinv(matrix, hermitian=True) @ right)
    rest = float((centred**2).sum()) - rows_alone - units
    return _Squares(rows_alone + units - columns_alone, units, max(rest, 0.0))


def _n_islands(present: np.ndarray) -> int:
    """Return how many sets of participants and units share no trial with one another."""
    rows, columns = np.nonzero(present)
    size = sum(present.shape)
    graph = csr_matrix((np.ones(len(rows)), (rows, columns + len(present))), shape=(size, size))
    return int(connected_components(graph, directed=False)[0])


_ERRORS: dict[str, Callable[[_Cells], _Error | str]] = {
    "crossed": _crossed_error,
    "participant": _participant_error,
    "unit": _unit_error,
    "paper": _paper_error,
}
