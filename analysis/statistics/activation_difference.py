"""Are choices better where the pictures differ more? Accuracy against activation difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.estimates import LEVEL, CIUnit, not_computable
from analysis.statistics.performance import accuracy

COLUMN = "relative_activation_difference"


@dataclass(frozen=True)
class Trend:
    """Rank correlation between the difference and accuracy over query pairs.

    Parameters
    ----------
    rho, low, high
        Spearman's correlation and its interval, pairs drawn anew.
    n_pairs, n_trials
        What it rests on.
    reason
        Why there is none; empty where there is one.
    """

    rho: float
    low: float
    high: float
    n_pairs: int
    n_trials: int
    reason: str = ""


def binned_accuracy(
    trials: pd.DataFrame, n_bins: int = 6, column: str = COLUMN, ci_unit: CIUnit = "crossed"
) -> pd.DataFrame:
    """Return accuracy in bins of about equally many trials by activation difference.

    Equal differences, as those of a query pair that several saw, stand in one bin, so that there
    may be fewer bins.

    Returns
    -------
    pandas.DataFrame
        One row per bin: bin (from 0), least, median, most (of the difference), and the columns of
        :func:`analysis.statistics.performance.accuracy`.
    """
    known = trials[trials[column].notna() & trials["correct"].notna()]
    if known.empty:
        return pd.DataFrame()
    below = (known[column].rank() - 0.5) / len(known)
    codes = pd.factorize((below * min(n_bins, len(known))).astype(int), sort=True)[0]
    cut = known.assign(bin=codes)
    table = accuracy(cut, ("bin",), ci_unit)
    ends = cut.groupby("bin")[column].agg(least="min", median="median", most="max").reset_index()
    return ends.merge(table, on="bin")


def trend(
    trials: pd.DataFrame,
    column: str = COLUMN,
    n_bootstrap: int = 1000,
    seed: int = 0,
    level: float = LEVEL,
) -> Trend:
    """Return the rank correlation of difference and accuracy over query pairs.

    All trials of a pair are averaged first, so that a pair shown to many counts once.
    """
    known = trials[trials[column].notna() & trials["correct"].notna()]
    pairs = known.assign(right=known["correct"].astype(float)).groupby(["unit", "batch"], sort=True)
    difference = pairs[column].mean().to_numpy(float)
    right = pairs["right"].mean().to_numpy(float)
    n_pairs, nan = len(right), float("nan")
    if n_pairs < 4 or np.ptp(right) == 0 or np.ptp(difference) == 0:
        why = "fewer than 4 query pairs" if n_pairs < 4 else "accuracy or difference never varies"
        return Trend(nan, nan, nan, n_pairs, len(known), not_computable(why))
    rho = float(stats.spearmanr(difference, right).statistic)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(n_bootstrap):
        who = rng.integers(n_pairs, size=n_pairs)
        if np.ptp(right[who]) > 0 and np.ptp(difference[who]) > 0:
            drawn.append(stats.spearmanr(difference[who], right[who]).statistic)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Trend(rho, float(low), float(high), n_pairs, len(known))
