"""Pairs of levels of a factor compared by t and by rank tests of participants' means."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.estimates import LEVEL, not_computable
from analysis.statistics.evidence import holm
from analysis.statistics.participant_means import Measure, levels_of, participant_means

MAX_EXACT = 50
"""Participants of a group from which rank tests are approximate, as in R."""

_COLUMNS = [
    *("measure", "factor", "at", "first", "second", "comparison", "mean_first", "mean_second"),
    *("difference", "low", "high", "t", "df", "p", "p_holm", "cohens_d"),
    *("rank_test", "rank_statistic", "p_rank", "p_rank_holm", "rank_biserial"),
    *("n_first", "n_second", "n_incomplete", "reason"),
]


def compare_levels(
    trials: pd.DataFrame,
    factor: str,
    measure: Measure = "accuracy",
    at: Sequence[str] = (),
    level: float = LEVEL,
) -> pd.DataFrame:
    """Compare all pairs of a factor's levels.

    Where some participants met both levels, the tests are those of their differences (paired t,
    Wilcoxon's signed-rank test), and participants with one of them do not count; else they are
    those of two groups (Welch's t, Mann and Whitney's test).

    Parameters
    ----------
    trials
        As for :func:`analysis.statistics.participant_means.participant_means`.
    factor
        Column whose levels are compared.
    measure
        What participants are measured by.
    at
        Other columns: the pairs are compared at each combination of their levels.
    level
        Confidence level.

    Returns
    -------
    pandas.DataFrame
        One row per combination of levels of ``at`` and pair: measure, factor, at (the levels,
        joined by ``*``, or ``all``), first, second, comparison (within or between participants),
        mean_first, mean_second, difference (first minus second, means of participants), low, high
        (t interval; of proportions within -1 and 1), t, df, p, p_holm (Holm-corrected over the
        rows), cohens_d (mean over standard deviation of the differences, or difference over the
        pooled standard deviation), rank_test (wilcoxon or mann_whitney), rank_statistic, p_rank,
        p_rank_holm, rank_biserial (-1 to 1),
        n_first, n_second, n_incomplete, reason (why there is no t test; empty otherwise).

    Examples
    --------
    >>> cells = [(p, c) for p in "abcdef" for c in ("natural", "none")]
    >>> trials = pd.DataFrame(cells, columns=["participant", "reference_condition"])
    >>> trials["rt_s"] = [2.1, 1.0, 1.9, 1.2, 2.6, 2.8, 3.0, 1.1, 1.5, 1.2, 2.0, 1.9]
    >>> found = compare_levels(trials, "reference_condition", "rt_s")
    >>> found[["first", "second", "difference", "t", "p", "rank_statistic", "p_rank"]].round(3)
         first second  difference      t      p  rank_statistic  p_rank
    0  natural   none        0.65  2.085  0.091            19.0   0.094
    """
    means = participant_means(trials, [factor, *at], measure)
    rows = []
    parts = means.groupby(list(at), sort=True) if at else [((), means)]
    for place, part in parts:
        named = {"measure": measure, "factor": factor, "at": "*".join(place) or "all"}
        for first, second in combinations(levels_of(part, factor), 2):
            values = part.pivot(index="participant", columns=factor, values="value")
            rows.append(
                named | {"first": first, "second": second} | _compare(values, first, second, level)
            )
    found = pd.DataFrame(rows, columns=_COLUMNS)
    if measure in ("accuracy", "hit_share"):
        found[["low", "high"]] = found[["low", "high"]].astype(float).clip(-1, 1)
    for name in ("p", "p_rank"):
        found[f"{name}_holm"] = holm(found[name].to_numpy(float))
    return found


def _compare(values: pd.DataFrame, first: str, second: str, level: float) -> dict[str, object]:
    pair = values[[first, second]].dropna(how="all")
    both = pair.dropna()
    compare = _within if len(both) else _between
    one, other = (
        (both if len(both) else pair)[name].dropna().to_numpy(float) for name in (first, second)
    )
    return {
        "comparison": "within" if len(both) else "between",
        "mean_first": float(one.mean()),
        "mean_second": float(other.mean()),
        "difference": float(one.mean() - other.mean()),
        "n_first": len(one),
        "n_second": len(other),
        "n_incomplete": len(pair) - len(both) if len(both) else 0,
        **compare(one, other, level),
    }


def _within(first: np.ndarray, second: np.ndarray, level: float) -> dict[str, object]:
    differences = first - second
    # Means of equal answers may differ by rounding.
    differences[np.isclose(first, second, rtol=1e-12, atol=1e-12)] = 0.0
    found: dict[str, object] = {"rank_test": "wilcoxon", **signed_rank(differences)}
    spread = float(np.std(differences, ddof=1)) if len(differences) > 1 else np.nan
    if len(differences) < 2:
        return found | {"reason": not_computable("there is only one participant")}
    if spread < 1e-12:
        return found | {"reason": not_computable("all differences are the same")}
    error, df = spread / len(differences) ** 0.5, len(differences) - 1
    return (
        found
        | _t(float(differences.mean()), error, df, level)
        | {"cohens_d": float(differences.mean()) / spread}
    )


def _between(first: np.ndarray, second: np.ndarray, level: float) -> dict[str, object]:
    found: dict[str, object] = {"rank_test": "mann_whitney", **rank_sum(first, second)}
    sizes = np.array([len(first), len(second)])
    if sizes.min() < 2:
        return found | {"reason": not_computable("a group has only one participant")}
    variances = np.array([np.var(first, ddof=1), np.var(second, ddof=1)])
    if variances.max() < 1e-24:
        return found | {"reason": not_computable("participants of a group do not differ")}
    # Welch: df = (a + b)^2 / (a^2 / (n_a - 1) + b^2 / (n_b - 1)),  a = s_a^2 / n_a.
    parts = variances / sizes
    df = float(parts.sum() ** 2 / (parts**2 / (sizes - 1)).sum())
    pooled = float((((sizes - 1) * variances).sum() / (sizes.sum() - 2)) ** 0.5)
    difference = float(first.mean() - second.mean())
    return (
        found
        | _t(difference, float(parts.sum() ** 0.5), df, level)
        | {"cohens_d": difference / pooled}
    )


def _t(difference: float, error: float, df: float, level: float) -> dict[str, object]:
    t, reach = difference / error, float(stats.t.ppf((1 + level) / 2, df)) * error
    return {
        "low": difference - reach,
        "high": difference + reach,
        "t": t,
        "df": df,
        "p": float(2 * stats.t.sf(abs(t), df)),
        "reason": "",
    }


def signed_rank(differences: np.ndarray) -> dict[str, float]:
    """Return Wilcoxon's signed-rank test of differences, as R's ``wilcox.test`` makes it.

    Differences of 0 do not count. Without ties and with fewer than ``MAX_EXACT`` participants p is
    exact; else it is that of the normal approximation with corrections for ties and continuity.

    Parameters
    ----------
    differences
        Shape (participants,).

    Returns
    -------
    dict
        rank_statistic (sum of the ranks of positive differences), p_rank (two-sided),
        rank_biserial ((positive - negative) / sum of ranks); NaN where all differences are 0.

    Examples
    --------
    >>> found = signed_rank(np.array([0.3, 0.1, -0.2, 0.5, 0.4]))
    >>> found["rank_statistic"], round(found["p_rank"], 4), round(found["rank_biserial"], 2)
    (13.0, 0.1875, 0.73)
    """
    found = differences[differences != 0]
    if not len(found):
        return dict.fromkeys(("rank_statistic", "p_rank", "rank_biserial"), float("nan"))
    ranks = stats.rankdata(np.round(np.abs(found), 12))
    exact = len(np.unique(ranks)) == len(differences) < MAX_EXACT
    test = stats.wilcoxon(
        np.sign(found) * ranks, correction=not exact, method="exact" if exact else "asymptotic"
    )
    positive = float(ranks[found > 0].sum())
    biserial = 2 * positive / float(ranks.sum()) - 1
    return {
        "rank_statistic": positive,
        "p_rank": float(test.pvalue),
        "rank_biserial": biserial,
    }


def rank_sum(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Return Mann and Whitney's test of two groups, as R's ``wilcox.test`` makes it.

    Without ties and with fewer than ``MAX_EXACT`` participants in both groups p is exact; else it
    is that of the normal approximation with corrections for ties and continuity.

    Parameters
    ----------
    first, second
        Shape (participants,) each.

    Returns
    -------
    dict
        rank_statistic (U: pairs in which the first is larger, ties count half), p_rank
        (two-sided), rank_biserial (2 U / (n1 n2) - 1); p_rank is NaN where all values are the same.

    Examples
    --------
    >>> found = rank_sum(np.array([0.9, 0.8, 0.7]), np.array([0.5, 0.6, 0.75, 0.4]))
    >>> found["rank_statistic"], round(found["p_rank"], 4), round(found["rank_biserial"], 2)
    (11.0, 0.1143, 0.83)
    """
    values = np.round(np.concatenate([first, second]), 12)
    one, other = values[: len(first)], values[len(first) :]
    exact = len(np.unique(values)) == len(values) and max(len(one), len(other)) < MAX_EXACT
    u = float(stats.rankdata(values)[: len(one)].sum()) - len(one) * (len(one) + 1) / 2
    p = float("nan")
    if np.ptp(values) > 0:
        test = stats.mannwhitneyu(one, other, method="exact" if exact else "asymptotic")
        p = float(test.pvalue)
    return {
        "rank_statistic": u,
        "p_rank": p,
        "rank_biserial": 2 * u / (len(one) * len(other)) - 1,
    }
