"""Differences between reference conditions, with tests of a difference and of equivalence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.estimates import LEVEL, CIUnit, Estimate, not_computable
from analysis.statistics.evidence import equivalence, holm, jzs_bayes_factor
from analysis.statistics.intervals import difference_between, mean_with_interval
from analysis.statistics.performance import conditions_of

SMALLEST_EFFECT = 0.10
"""Smallest difference in accuracy of interest, unless another is given."""

_COLUMNS = [
    *("first", "second", "comparison", "difference", "low", "high", "standard_error", "df"),
    *("t", "p", "p_holm", "smallest_effect", "p_equivalence", "equivalent", "bayes_factor"),
    *("n_trials", "n_participants", "n_units", "ci_unit", "reason"),
]


def compare_conditions(
    trials: pd.DataFrame,
    ci_unit: CIUnit = "crossed",
    level: float = LEVEL,
    smallest_effect: float = SMALLEST_EFFECT,
) -> pd.DataFrame:
    """Compare the accuracies of all pairs of reference conditions.

    Parameters
    ----------
    trials
        Rows of a log with correct, participant, unit and reference_condition; unanswered ones do
        not count. Crossed and unit intervals are those of the participants' differences for units
        that they met in both conditions, the others those of each participant's difference of
        means. Where no participant met both conditions, groups of participants are compared
        (:func:`analysis.statistics.intervals.difference_between`).
    ci_unit
        What interval and tests generalise over; tests of ``paper`` are those of ``participant``.
    level
        Confidence level.
    smallest_effect
        Smallest difference in accuracy of interest, for the equivalence test.

    Returns
    -------
    pandas.DataFrame
        One row per pair: first, second, comparison (within or between participants), difference
        (first minus second), low, high (within -1 and 1),
        standard_error, df, t, p, p_holm (Holm-corrected over the rows), smallest_effect,
        p_equivalence (TOST), equivalent (whether it is below 1 - level), bayes_factor (JZS, for a
        difference), n_trials, n_participants, n_units, ci_unit, reason.

    Examples
    --------
    >>> cells = [(p, u, c) for p in "abcd" for u in "wxyz" for c in ("natural", "blur")]
    >>> trials = pd.DataFrame(cells, columns=["participant", "unit", "reference_condition"])
    >>> trials["correct"] = [i % 2 == 0 or i % 5 == 0 for i in range(len(trials))]
    >>> found = compare_conditions(trials, "participant")
    >>> found[["first", "second", "difference", "df", "p"]].round(3)
         first second  difference  df      p
    0  natural   blur       0.812   3  0.001
    """
    answered = trials[trials["correct"].notna()]
    rows = [
        _compare(answered, first, second, ci_unit, level, smallest_effect)
        for first, second in combinations(conditions_of(answered), 2)
    ]
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    frame["p_holm"] = holm(frame["p"].to_numpy(float))
    return frame


def _compare(
    trials: pd.DataFrame,
    first: str,
    second: str,
    ci_unit: CIUnit,
    level: float,
    smallest_effect: float,
) -> dict[str, object]:
    parts = [trials[trials["reference_condition"] == name] for name in (first, second)]
    within = ["participant"] if ci_unit in ("participant", "paper") else ["participant", "unit"]
    pairs = _paired(parts[0], parts[1], within)
    participants = [set(part["participant"]) for part in parts]
    size = None
    if pairs.empty and not participants[0] & participants[1]:
        comparison = "between"
        estimate = tested = difference_between(parts[0], parts[1], ci_unit, level)
        # Two groups are worth a sample of this size (Rouder et al. 2009): n1 n2 / (n1 + n2).
        sizes = [len(group) for group in participants]
        size = sizes[0] * sizes[1] / sum(sizes)
    else:
        comparison = "within"
        estimate, tested = _paired_difference(pairs, within, ci_unit, level)
    return {
        "first": first,
        "second": second,
        "comparison": comparison,
        "difference": estimate.value,
        "low": float(np.clip(estimate.low, -1, 1)),
        "high": float(np.clip(estimate.high, -1, 1)),
        "standard_error": estimate.standard_error,
        "df": tested.df,
        **_tests(tested, smallest_effect, level, size),
        "n_trials": estimate.n_trials,
        "n_participants": estimate.n_participants,
        "n_units": estimate.n_units,
        "ci_unit": ci_unit,
        "reason": estimate.reason,
    }


def _paired(first: pd.DataFrame, second: pd.DataFrame, within: Sequence[str]) -> pd.DataFrame:
    """Return the difference of mean accuracies of each cell that has both conditions."""
    cells = [
        part.assign(correct=part["correct"].astype(float)).groupby(list(within))["correct"]
        for part in (first, second)
    ]
    means, counts = [cell.mean() for cell in cells], [cell.size() for cell in cells]
    both = means[0].index.intersection(means[1].index)
    frame = pd.DataFrame(
        {
            "difference": means[0].loc[both] - means[1].loc[both],
            "n_trials": counts[0].loc[both] + counts[1].loc[both],
        },
        index=both,
    ).reset_index()
    units = [
        part.loc[part["participant"].isin(frame["participant"]), "unit"] for part in (first, second)
    ]
    return frame.assign(n_units=pd.concat(units).nunique())


def _paired_difference(
    pairs: pd.DataFrame, within: Sequence[str], ci_unit: CIUnit, level: float
) -> tuple[Estimate, Estimate]:
    """Return the mean difference with its interval, and with the error that its tests use."""
    by_unit = "unit" in within
    difference = pairs["difference"].to_numpy(float)
    labels = pairs["participant"].to_numpy(), pairs["unit" if by_unit else "participant"].to_numpy()
    estimate = tested = mean_with_interval(difference, *labels, ci_unit, level)
    if ci_unit == "paper":
        tested = mean_with_interval(difference, *labels, "participant", level)
    n_units, reason = estimate.n_units, tested.reason
    if not len(pairs):
        done = "met the same unit" if by_unit else "took part"
        n_units, reason = 0, not_computable(f"no participant {done} in both conditions")
    elif np.ptp(difference) == 0:
        reason = not_computable("all differences are the same")
    if len(pairs) and not by_unit:
        n_units = int(pairs["n_units"].max())
    n_trials = int(pairs["n_trials"].sum())
    return replace(estimate, n_trials=n_trials, n_units=n_units, reason=reason), tested


def _tests(
    estimate: Estimate, smallest_effect: float, level: float, size: float | None
) -> dict[str, object]:
    if not estimate.has_interval:
        missing = dict.fromkeys(("t", "p", "p_equivalence", "bayes_factor"), np.nan)
        return {**missing, "smallest_effect": smallest_effect, "equivalent": None}
    error, df = estimate.standard_error, estimate.df
    t = estimate.value / error
    p_equivalence = equivalence(estimate.value, error, df, smallest_effect)
    return {
        "t": t,
        "p": float(2 * stats.t.sf(abs(t), df)),
        "smallest_effect": smallest_effect,
        "p_equivalence": p_equivalence,
        "equivalent": p_equivalence < 1 - level,
        "bayes_factor": jzs_bayes_factor(t, df, size=size),
    }
