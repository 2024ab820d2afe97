"""Differences between reference conditions, and claims of no difference."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.estimates import LEVEL, CIUnit, Estimate, not_computable
from analysis.statistics.evidence import equivalence, holm, jzs_bayes_factor
from analysis.statistics.intervals import difference_between, mean_with_interval
from analysis.statistics.performance import conditions_of

SMALLEST_EFFECT = 0.10
"""Difference in accuracy below which two conditions count as alike, unless another is stated."""


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
        not count. Crossed and unit intervals rest on the participants' differences for units that
        they met in both conditions, the others on each participant's difference of means. Where
        no participant met both conditions, participants are compared with others
        (:func:`analysis.statistics.intervals.difference_between`).
    ci_unit
        Whom interval and tests speak for; tests of ``paper`` are those of ``participant``.
    level
        Of the interval.
    smallest_effect
        Smallest difference in accuracy of interest, for the test of equivalence.

    Returns
    -------
    pandas.DataFrame
        One row per pair: first, second, comparison (within or between participants), difference
        (first minus second), low, high (within -1 and 1),
        standard_error, df, t, p, p_holm (Holm-corrected over the rows), smallest_effect,
        p_equivalence (TOST), equivalent (whether it is below 1 - level), bayes_factor (JZS, for a
        difference), n_trials, n_participants, n_units, ci_unit, reason.
    """
    answered = trials[trials["correct"].notna()]
    rows = [
        _compare(answered, first, second, ci_unit, level, smallest_effect)
        for first, second in combinations(conditions_of(answered), 2)
    ]
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    frame["p_holm"] = holm(frame["p"].to_numpy(float))
    return frame


_COLUMNS = [
    *(
        "first",
        "second",
        "comparison",
        "difference",
        "low",
        "high",
        "standard_error",
        "df",
        "t",
        "p",
        "p_holm",
    ),
    *("smallest_effect", "p_equivalence", "equivalent", "bayes_factor"),
    *("n_trials", "n_participants", "n_units", "ci_unit", "reason"),
]


def _compare(
    trials: pd.DataFrame,
    first: str,
    second: str,
    ci_unit: CIUnit,
    level: float,
    smallest_effect: float,
) -> dict[str, Any]:
    within = ["participant"] if ci_unit in ("participant", "paper") else ["participant", "unit"]
    pairs = _paired(trials, first, second, within)
    if pairs.empty and not _shared_participants(trials, first, second):
        return _compare_between(trials, first, second, ci_unit, level, smallest_effect)
    units = pairs["unit"] if "unit" in within else pairs["participant"]
    labels = pairs["participant"].to_numpy(), units.to_numpy()
    difference = pairs["difference"].to_numpy(float)
    estimate = mean_with_interval(difference, *labels, ci_unit, level)
    tested = estimate
    if ci_unit == "paper":
        tested = mean_with_interval(difference, *labels, "participant", level)
    row = {
        "first": first,
        "second": second,
        "comparison": "within",
        "difference": estimate.value,
        "low": float(np.clip(estimate.low, -1, 1)),
        "high": float(np.clip(estimate.high, -1, 1)),
        "standard_error": estimate.standard_error,
        "df": tested.df,
        **_tests(tested, smallest_effect, level),
        "n_trials": int(pairs["n_trials"].sum()),
        "n_participants": estimate.n_participants,
        "n_units": int(pairs["n_units"].max()) if "unit" not in within else estimate.n_units,
        "ci_unit": ci_unit,
    }
    if not len(pairs):
        who = "met the same unit" if "unit" in within else "took part"
        row["n_units"] = 0
        row["reason"] = not_computable(f"no participant {who} in both conditions")
    elif np.ptp(difference) == 0:
        row["reason"] = not_computable("all differences are the same")
    else:
        row["reason"] = tested.reason
    return row


def _compare_between(
    trials: pd.DataFrame,
    first: str,
    second: str,
    ci_unit: CIUnit,
    level: float,
    smallest_effect: float,
) -> dict[str, Any]:
    one, two = (trials[trials["reference_condition"] == name] for name in (first, second))
    found = difference_between(one, two, ci_unit, level)
    who = [part["participant"].nunique() for part in (one, two)]
    # Two groups say as much about their difference as one of this size about its mean.
    size = who[0] * who[1] / sum(who)
    return {
        "first": first,
        "second": second,
        "comparison": "between",
        "difference": found.value,
        **{name: float(np.clip(getattr(found, name), -1, 1)) for name in ("low", "high")},
        "standard_error": found.standard_error,
        "df": found.df,
        **_tests(found, smallest_effect, level, size),
        **{name: getattr(found, name) for name in ("n_trials", "n_participants", "n_units")},
        "ci_unit": ci_unit,
        "reason": found.reason,
    }


def _shared_participants(trials: pd.DataFrame, first: str, second: str) -> bool:
    who = [
        set(trials.loc[trials["reference_condition"] == name, "participant"])
        for name in (first, second)
    ]
    return bool(who[0] & who[1])


def _paired(trials: pd.DataFrame, first: str, second: str, within: Sequence[str]) -> pd.DataFrame:
    """Return the difference of mean accuracies of each cell that has both conditions."""
    means, counts = {}, {}
    for condition in (first, second):
        part = trials[trials["reference_condition"] == condition]
        grouped = part.assign(right=part["correct"].astype(float)).groupby(list(within))
        means[condition] = grouped["right"].mean()
        counts[condition] = grouped["right"].size()
    both = means[first].index.intersection(means[second].index)
    frame = pd.DataFrame(
        {
            "difference": means[first].loc[both] - means[second].loc[both],
            "n_trials": counts[first].loc[both] + counts[second].loc[both],
        },
        index=both,
    ).reset_index()
    chosen = trials[
        trials["reference_condition"].isin([first, second])
        & trials["participant"].isin(frame["participant"])
    ]
    return frame.assign(n_units=chosen["unit"].nunique())


def _tests(
    estimate: Estimate, smallest_effect: float, level: float, size: float | None = None
) -> dict[str, Any]:
    if not estimate.has_interval:
        nothing = ("t", "p", "p_equivalence", "bayes_factor")
        return {
            **dict.fromkeys(nothing, np.nan),
            "smallest_effect": smallest_effect,
            "equivalent": None,
        }
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
