"""Whether the distribution of confidences is the same at the levels of a factor."""

from __future__ import annotations

import pandas as pd
from scipy import stats

from analysis.statistics.estimates import not_computable
from analysis.statistics.participant_means import levels_of


def compare_distributions(trials: pd.DataFrame, factor: str) -> pd.DataFrame:
    """Compare how often each confidence was given at the levels of a factor, by Pearson's test.

    The test takes answers of a participant as independent, which they are not, so that its p is too
    small; papers report it.

    Parameters
    ----------
    trials
        Rows with confidence and the factor; those where one is missing do not count.
    factor
        Column whose levels are compared.

    Returns
    -------
    pandas.DataFrame
        One row, none where fewer than two levels have confidences: factor, levels (joined by
        ``*``), chi_squared, df, p, cramers_v (0 to 1), smallest_expected (number of answers that a
        cell would have without a difference; below 5 the approximation is poor), n_trials,
        n_participants, reason.

    Examples
    --------
    >>> trials = pd.DataFrame({"participant": "a", "confidence": [1, 1, 2, 3, 3, 3, 2, 1]})
    >>> trials["reference_condition"] = ["none"] * 4 + ["natural"] * 4
    >>> found = compare_distributions(trials, "reference_condition")
    >>> found[["levels", "chi_squared", "df", "p"]].round(3)
             levels  chi_squared  df      p
    0  natural*none        0.667   2  0.717
    """
    if "confidence" not in trials.columns:
        return pd.DataFrame()
    told = trials[trials["confidence"].notna()]
    levels = levels_of(told, factor)
    if len(levels) < 2:
        return pd.DataFrame()
    told = told[told[factor].astype("string").isin(levels).fillna(False)]
    counts = pd.crosstab(told[factor].astype(str), told["confidence"].astype(int))
    row: dict[str, object] = {
        "factor": factor,
        "levels": "*".join(levels),
        "n_trials": len(told),
        "n_participants": told["participant"].nunique(),
        "reason": "",
    }
    if counts.shape[1] < 2:
        why = not_computable("all answers have the same confidence")
        return pd.DataFrame([row | {"chi_squared": float("nan"), "reason": why}])
    # chi^2 = sum (n_ij - e_ij)^2 / e_ij,  e_ij = n_i n_j / n,  without Yates' correction.
    found = stats.chi2_contingency(counts.to_numpy(), correction=False)
    chi, df = float(found.statistic), int(found.dof)
    v = (chi / (len(told) * (min(counts.shape) - 1))) ** 0.5
    row |= {"chi_squared": chi, "df": df, "p": float(found.pvalue), "cramers_v": v}
    return pd.DataFrame([row | {"smallest_expected": float(found.expected_freq.min())}])
