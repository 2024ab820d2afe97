"""Differences between reference conditions, with tests of a difference and of equivalence."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.crossed_difference import difference_between
from analysis.statistics.estimates import (
    LEVEL,
    CIUnit,
    Estimate,
    not_computable,
    significance,
)
from analysis.statistics.evidence import equivalence, holm, jzs_bayes_factor
from analysis.statistics.intervals import mean_with_interval
from analysis.statistics.performance import conditions_of

SMALLEST_EFFECT = 0.10
"""Smallest difference in accuracy of interest, unless another is given."""

_COLUMNS = [
    *("first", "second", "comparison", "difference", "low", "high", "standard_error", "df"),
    *("t", "p", "p_holm", "smallest_effect", "p_equivalence", "p_equivalence_holm", "equivalent"),
    *("bayes_factor", "n_trials", "n_participants", "n_units", "ci_unit", "reason"),
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
        not count. Crossed and trial intervals use every trial: the difference is that of the
        accuracies (:class:`analysis.statistics.crossed_difference.CrossedDifference`), whoever met
        which unit in which condition. Participant and unit intervals are those of paired t tests of
        the participants' or units' means in both conditions, so that participants or units with one
        of them do not count; where no one has both, they are Welch's.
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
        p_equivalence (TOST), p_equivalence_holm (corrected likewise), equivalent (whether that is
        below 1 - level), bayes_factor (JZS, for a difference; the sample size is the number of
        participants whatever the ci_unit, :func:`analysis.statistics.evidence.jzs_bayes_factor`),
        n_trials, n_participants and n_units that the difference rests on, ci_unit, reason.

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
    frame["p_equivalence_holm"] = holm(frame["p_equivalence"].to_numpy(float))
    frame["equivalent"] = [
        None if np.isnan(p) else bool(p < significance(level)) for p in frame["p_equivalence_holm"]
    ]
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
    participants = [set(part["participant"]) for part in parts]
    is_within = bool(participants[0] & participants[1])
    estimate, tested = _difference(parts[0], parts[1], ci_unit, level)
    # Two groups are worth a sample of this size (Rouder et al. 2009): n1 n2 / (n1 + n2).
    sizes = [len(group) for group in participants]
    size = len(participants[0] & participants[1]) or sizes[0] * sizes[1] / sum(sizes)
    return {
        "first": first,
        "second": second,
        "comparison": "within" if is_within else "between",
        "difference": estimate.value,
        "low": float(np.clip(estimate.low, -1, 1)),
        "high": float(np.clip(estimate.high, -1, 1)),
        "standard_error": estimate.standard_error,
        "df": tested.df,
        **_tests(tested, smallest_effect, size),
        "n_trials": estimate.n_trials,
        "n_participants": estimate.n_participants,
        "n_units": estimate.n_units,
        "ci_unit": ci_unit,
        "reason": estimate.reason,
    }


def _difference(
    first: pd.DataFrame, second: pd.DataFrame, ci_unit: CIUnit, level: float
) -> tuple[Estimate, Estimate]:
    """Return the difference with its interval, and with the error that its tests use."""
    if ci_unit in ("crossed", "trial"):
        estimate = difference_between(first, second, ci_unit, level)
        return estimate, estimate
    by = "unit" if ci_unit == "unit" else "participant"
    pairs = _paired(first, second, by)
    if len(pairs):
        return _paired_difference(pairs, by, ci_unit, level)
    tested = difference_between(first, second, "participant", level) if ci_unit == "paper" else None
    estimate = difference_between(first, second, ci_unit, level)
    return estimate, tested or estimate


def _paired(first: pd.DataFrame, second: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return the difference of mean accuracies of each participant or unit with both conditions."""
    grouped = [
        part.assign(correct=part["correct"].astype(float)).groupby(by) for part in (first, second)
    ]
    means, counts = [one["correct"].mean() for one in grouped], [one.size() for one in grouped]
    both = means[0].index.intersection(means[1].index)
    other = "participant" if by == "unit" else "unit"
    others = pd.concat([part.loc[part[by].isin(both), other] for part in (first, second)])
    return pd.DataFrame(
        {
            "level": both,
            "difference": (means[0].loc[both] - means[1].loc[both]).to_numpy(),
            "n_trials": (counts[0].loc[both] + counts[1].loc[both]).to_numpy(),
            "n_others": others.nunique(),
        }
    )


def _paired_difference(
    pairs: pd.DataFrame, by: str, ci_unit: CIUnit, level: float
) -> tuple[Estimate, Estimate]:
    difference, labels = pairs["difference"].to_numpy(float), pairs["level"].to_numpy()
    estimate = tested = mean_with_interval(difference, labels, labels, ci_unit, level)
    if ci_unit == "paper":
        tested = mean_with_interval(difference, labels, labels, "participant", level)
    reason = tested.reason
    if np.ptp(difference) == 0 and len(pairs) > 1:
        reason = not_computable("all differences are the same")
    numbers = {"participant": len(pairs), "unit": len(pairs)}
    numbers["participant" if by == "unit" else "unit"] = int(pairs["n_others"].iloc[0])
    counted = replace(
        estimate,
        n_trials=int(pairs["n_trials"].sum()),
        n_participants=numbers["participant"],
        n_units=numbers["unit"],
        reason=reason,
    )
    return counted, replace(tested, reason=reason)


def _tests(estimate: Estimate, smallest_effect: float, size: float) -> dict[str, object]:
    if not estimate.has_interval:
        missing = dict.fromkeys(("t", "p", "p_equivalence", "bayes_factor"), np.nan)
        return {**missing, "smallest_effect": smallest_effect}
    error, df = estimate.standard_error, estimate.df
    t = estimate.value / error
    return {
        "t": t,
        "p": float(2 * stats.t.sf(abs(t), df)),
        "smallest_effect": smallest_effect,
        "p_equivalence": equivalence(estimate.value, error, df, smallest_effect),
        "bayes_factor": jzs_bayes_factor(t, df, size=size),
    }
