"""Proportion correct against the relative activation difference of the two queries."""

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
    """Rank correlation, over query pairs, of activation difference and proportion correct.

    Parameters
    ----------
    rho, low, high
        Spearman's correlation and its bootstrap interval over query pairs.
    n_pairs, n_trials
        Numbers of query pairs and of their trials.
    reason
        Why there is no correlation; empty otherwise.
    """

    rho: float
    low: float
    high: float
    n_pairs: int
    n_trials: int
    reason: str = ""


def binned_accuracy(
    trials: pd.DataFrame, n_bins: int = 6, ci_unit: CIUnit = "crossed"
) -> pd.DataFrame:
    """Return accuracy in bins of the activation difference with about equal numbers of trials.

    Equal differences, such as those of a query pair that several participants met, fall into the
    same bin, so that there may be fewer bins.

    Returns
    -------
    pandas.DataFrame
        One row per bin: bin (from 0), least, median, most (of the difference), and the columns of
        :func:`analysis.statistics.performance.accuracy`.

    Examples
    --------
    >>> trials = pd.DataFrame({"participant": list("abab"), "unit": list("xxyy")})
    >>> trials = trials.assign(
    ...     relative_activation_difference=[0.2, 0.2, 0.9, 0.9], correct=[True, False, True, True]
    ... )
    >>> binned_accuracy(trials, 2)[["bin", "least", "most", "proportion"]]
       bin  least  most  proportion
    0    0    0.2   0.2         0.5
    1    1    0.9   0.9         1.0
    """
    known = trials[trials[COLUMN].notna() & trials["correct"].notna()]
    if known.empty:
        return pd.DataFrame()
    # A trial's bin is its mid-rank's place among n_bins quantiles; ties share their mid-rank.
    quantile = (known[COLUMN].rank() - 0.5) / len(known)
    codes = pd.factorize((quantile * min(n_bins, len(known))).astype(int), sort=True)[0]
    binned = known.assign(bin=codes)
    ends = binned.groupby("bin")[COLUMN].agg(least="min", median="median", most="max")
    return ends.reset_index().merge(accuracy(binned, ("bin",), ci_unit), on="bin")


def trend(
    trials: pd.DataFrame,
    n_bootstrap: int = 1000,
    seed: int = 0,
    level: float = LEVEL,
) -> Trend:
    """Return the rank correlation, over query pairs, of activation difference and accuracy.

    The trials of a pair are averaged first, so that a pair shown to many participants counts once.
    The interval is that of the percentile bootstrap (Efron & Tibshirani, An Introduction to the
    Bootstrap, 1993).

    Examples
    --------
    >>> trials = pd.DataFrame({"unit": "u1", "batch": [0, 1, 2, 3, 4] * 4})
    >>> trials["relative_activation_difference"] = trials["batch"] / 4
    >>> trials["correct"] = [i // 5 <= i % 5 for i in range(20)]
    >>> found = trend(trials, n_bootstrap=50)
    >>> round(found.rho, 3), found.n_pairs, found.n_trials
    (0.975, 5, 20)
    """
    known = trials[trials[COLUMN].notna() & trials["correct"].notna()]
    pairs = known.assign(correct=known["correct"].astype(float)).groupby(["unit", "batch"])
    difference = pairs[COLUMN].mean().to_numpy(float)
    proportion = pairs["correct"].mean().to_numpy(float)
    n_pairs, nan = len(proportion), float("nan")
    if n_pairs < 4 or np.ptp(proportion) == 0 or np.ptp(difference) == 0:
        why = "there are fewer than 4 query pairs"
        if n_pairs >= 4:
            why = "accuracy or activation difference is the same for all query pairs"
        return Trend(nan, nan, nan, n_pairs, len(known), not_computable(why))
    rho = float(stats.spearmanr(difference, proportion).statistic)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(n_bootstrap):
        sample = rng.integers(n_pairs, size=n_pairs)
        if np.ptp(proportion[sample]) > 0 and np.ptp(difference[sample]) > 0:
            drawn.append(stats.spearmanr(difference[sample], proportion[sample]).statistic)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Trend(rho, float(low), float(high), n_pairs, len(known))
