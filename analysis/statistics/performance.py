"""Accuracy, reaction times and confidence of any observers, by any factors."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import numpy as np
import pandas as pd

from analysis.statistics.estimates import LEVEL, CIUnit, not_computable
from analysis.statistics.intervals import mean_with_interval, proportion_with_interval
from unitscope.cells import natural_order
from unitscope.errors import BadInput, nearest
from unitscope.vocabulary import CONFIDENCES, REFERENCE_CONDITIONS

OUTCOMES = ("all", "right", "wrong")
"""Values of the column ``outcome``; ``right`` are the correct answers."""


def main_trials(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the answered main trials: neither practice nor catch nor repeated ones.

    Examples
    --------
    >>> roles = pd.DataFrame({"trial_role": ["practice", "main", "main"], "correct": [1, 1, None]})
    >>> main_trials(roles)
      trial_role  correct
    1       main      1.0
    """
    return trials[(trials["trial_role"] == "main") & trials["correct"].notna()]


def conditions_of(trials: pd.DataFrame) -> list[str]:
    """Return the reference conditions of a frame, in the vocabulary's order, then others.

    Examples
    --------
    >>> conditions_of(pd.DataFrame({"reference_condition": ["none", "natural", "sketch"]}))
    ['natural', 'none', 'sketch']
    >>> conditions_of(pd.DataFrame({"reference_condition": ["c100", "c5", "c30"]}))
    ['c5', 'c30', 'c100']
    """
    present = {str(name) for name in trials["reference_condition"].dropna().unique()}
    known = [condition for condition in REFERENCE_CONDITIONS if condition in present]
    return known + sorted(present - set(known), key=natural_order)


def accuracy(
    trials: pd.DataFrame,
    by: Sequence[str] = ("reference_condition",),
    ci_unit: CIUnit = "crossed",
    level: float = LEVEL,
) -> pd.DataFrame:
    """Return proportion correct and its confidence interval.

    Parameters
    ----------
    trials
        Rows of a log with correct, participant and unit; unanswered ones do not count.
    by
        Columns; there is a row for each combination of their levels, one row if empty.
    ci_unit
        What the interval generalises over
        (:func:`analysis.statistics.intervals.proportion_with_interval`).
    level
        Confidence level.

    Returns
    -------
    pandas.DataFrame
        One row per combination: the columns of ``by``, proportion (pooled over trials), low, high
        (within 0 and 1; one of them a bound where all or no answers are correct), standard_error,
        df, n_right (number of correct answers), n_trials, n_participants, n_units, ci_unit, reason
        (why there is no interval; empty otherwise).

    Raises
    ------
    BadInput
        If a factor is not a column.

    Examples
    --------
    >>> cells = [(p, u, c) for p in "abc" for u in "xyz" for c in ("blur", "natural")]
    >>> trials = pd.DataFrame(cells, columns=["participant", "unit", "reference_condition"])
    >>> trials["correct"] = [c == "natural" and p + u != "az" or u == "x" for p, u, c in cells]
    >>> accuracy(trials)[["reference_condition", "proportion", "n_right", "n_trials"]].round(2)
      reference_condition  proportion  n_right  n_trials
    0             natural        0.89        8         9
    1                blur        0.33        3         9
    """
    answered = trials[trials["correct"].notna()]
    rows = []
    for levels, part in split(answered, by):
        correct = part["correct"].to_numpy(float)
        estimate = proportion_with_interval(
            correct, part["participant"].to_numpy(), part["unit"].to_numpy(), ci_unit, level
        )
        rows.append(
            levels
            | {
                "proportion": estimate.value,
                "low": estimate.low,
                "high": estimate.high,
                "standard_error": estimate.standard_error,
                "df": estimate.df,
                "n_right": int(correct.sum()),
                "n_trials": estimate.n_trials,
                "n_participants": estimate.n_participants,
                "n_units": estimate.n_units,
                "ci_unit": estimate.ci_unit,
                "reason": estimate.reason,
            }
        )
    return pd.DataFrame(rows)


def response_times(
    trials: pd.DataFrame, by: Sequence[str] = ("reference_condition",)
) -> pd.DataFrame:
    """Return quartiles of the reaction times of all, correct and wrong answers.

    Parameters
    ----------
    trials, by
        As for :func:`accuracy`.

    Returns
    -------
    pandas.DataFrame
        Three rows per combination: the columns of ``by``, outcome (all, right, wrong), median_s,
        lower_quartile_s, upper_quartile_s, mean_s, shortest_s, longest_s, n_trials,
        n_participants, n_units, reason.

    Examples
    --------
    >>> trials = pd.DataFrame({"participant": "p1", "unit": "u1", "rt_s": [0.5, 1.0, 1.5, 4.0]})
    >>> trials["correct"] = [True, True, True, False]
    >>> response_times(trials, by=())[["outcome", "median_s", "mean_s", "n_trials"]]
      outcome  median_s  mean_s  n_trials
    0     all      1.25    1.75         4
    1   right      1.00    1.00         3
    2   wrong      4.00    4.00         1
    """
    rows = []
    for levels, outcome, part in _split_by_outcome(trials, by):
        times = part["rt_s"].to_numpy(float)
        places = [0, 0.25, 0.5, 0.75, 1]
        shortest, lower, median, upper, longest = (
            np.quantile(times, places).tolist() if len(times) else [np.nan] * 5
        )
        rows.append(
            levels
            | {
                "outcome": outcome,
                "median_s": median,
                "lower_quartile_s": lower,
                "upper_quartile_s": upper,
                "mean_s": float(times.mean()) if len(times) else np.nan,
                "shortest_s": shortest,
                "longest_s": longest,
            }
            | _counts(part, outcome)
        )
    return pd.DataFrame(rows)


def mean_response_times(
    trials: pd.DataFrame,
    by: Sequence[str] = ("reference_condition",),
    ci_unit: CIUnit = "participant",
    level: float = LEVEL,
) -> pd.DataFrame:
    """Return geometric means of the reaction times of all, correct and wrong answers.

    A geometric mean is the exponential of the mean of the logarithms, and its interval has the
    exponentials of the ends of theirs, since logarithms of times are far less skewed.

    Parameters
    ----------
    trials, by
        As for :func:`accuracy`; times of 0 or less do not count.
    ci_unit
        ``participant`` or ``paper``.
    level
        Confidence level.

    Returns
    -------
    pandas.DataFrame
        Three rows per combination: the columns of ``by``, outcome (all, right, wrong),
        geometric_mean_s, low, high, n_trials, n_participants, n_units, reason.

    Examples
    --------
    >>> trials = pd.DataFrame({"participant": list("aabb"), "unit": "u1", "correct": True})
    >>> trials["rt_s"] = [1.0, 4.0, 2.0, 8.0]
    >>> mean_response_times(trials, by=())[["outcome", "geometric_mean_s", "low", "high"]].round(2)
      outcome  geometric_mean_s   low    high
    0     all              2.83  0.03  231.22
    1   right              2.83  0.03  231.22
    2   wrong               NaN   NaN     NaN
    """
    rows = []
    for levels, outcome, part in _split_by_outcome(trials[trials["rt_s"] > 0], by):
        logs = np.log(part["rt_s"].to_numpy(float))
        found = mean_with_interval(logs, *_people(part), ci_unit, level)
        mean, low, high = np.exp([found.value, found.low, found.high]).tolist()
        rows.append(
            levels
            | {"outcome": outcome, "geometric_mean_s": mean, "low": low, "high": high}
            | _counts(part, outcome, found.reason)
        )
    return pd.DataFrame(rows)


def confidence(
    trials: pd.DataFrame,
    by: Sequence[str] = ("reference_condition",),
    ci_unit: CIUnit = "participant",
    level: float = LEVEL,
) -> pd.DataFrame:
    """Return the mean confidence of all, correct and wrong answers.

    Parameters
    ----------
    trials, by
        As for :func:`accuracy`; answers without a confidence do not count.
    ci_unit
        ``participant`` or ``paper``.
    level
        Confidence level.

    Returns
    -------
    pandas.DataFrame
        Three rows per combination: the columns of ``by``, outcome (all, right, wrong), mean, low,
        high (an interval as for a proportion, so that it stays on the scale), n_trials,
        n_participants, n_units, reason.

    Examples
    --------
    >>> trials = pd.DataFrame({"participant": list("aabb"), "unit": "u1"})
    >>> trials = trials.assign(confidence=[3, 3, 2, 1], correct=[True, True, True, False])
    >>> confidence(trials, by=())[["outcome", "mean", "n_trials"]].round(2)
      outcome  mean  n_trials
    0     all  2.25         4
    1   right  2.67         3
    2   wrong  1.00         1
    """
    lowest, highest = min(CONFIDENCES), max(CONFIDENCES)
    rows = []
    for levels, outcome, part in _split_by_outcome(trials[trials["confidence"].notna()], by):
        share = (part["confidence"].to_numpy(float) - lowest) / (highest - lowest)
        found = proportion_with_interval(share, *_people(part), ci_unit, level)
        ends = np.array([found.value, found.low, found.high]) * (highest - lowest) + lowest
        rows.append(
            levels
            | {"outcome": outcome}
            | dict(zip(("mean", "low", "high"), ends.tolist(), strict=True))
            | _counts(part, outcome, found.reason)
        )
    return pd.DataFrame(rows)


def confidence_shares(
    trials: pd.DataFrame,
    by: Sequence[str] = ("reference_condition",),
    ci_unit: CIUnit = "participant",
    level: float = LEVEL,
) -> pd.DataFrame:
    """Return which share of all, correct and wrong answers was given with each confidence.

    Parameters
    ----------
    trials, by, ci_unit, level
        As for :func:`confidence`.

    Returns
    -------
    pandas.DataFrame
        A row per combination, outcome (all, right, wrong) and confidence: the columns of ``by``,
        outcome, confidence, share, low, high, n_trials (answers of the outcome), n_participants,
        n_units, reason.

    Examples
    --------
    >>> trials = pd.DataFrame({"participant": list("aabb"), "unit": "u1"})
    >>> trials = trials.assign(confidence=[3, 3, 2, 1], correct=[True, True, True, False])
    >>> found = confidence_shares(trials, by=())[["outcome", "confidence", "share", "n_trials"]]
    >>> found.head(4).round(2)
      outcome  confidence  share  n_trials
    0     all           1   0.25         4
    1     all           2   0.25         4
    2     all           3   0.50         4
    3   right           1   0.00         3
    """
    rows = []
    for levels, outcome, part in _split_by_outcome(trials[trials["confidence"].notna()], by):
        for step in CONFIDENCES:
            given = (part["confidence"] == step).to_numpy(float)
            found = proportion_with_interval(given, *_people(part), ci_unit, level)
            rows.append(
                levels
                | {"outcome": outcome, "confidence": step, "share": found.value}
                | {"low": found.low, "high": found.high}
                | _counts(part, outcome, found.reason)
            )
    return pd.DataFrame(rows)


def _people(trials: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the participants of trials, and one unit for all, over which nothing generalises."""
    return trials["participant"].to_numpy(), np.zeros(len(trials))


Levels = dict[str, Hashable]
"""The level of each factor."""


def _split_by_outcome(
    trials: pd.DataFrame, by: Sequence[str]
) -> Iterator[tuple[Levels, str, pd.DataFrame]]:
    for levels, part in split(trials[trials["correct"].notna()], by):
        correct = part["correct"].astype(bool)
        for outcome, chosen in zip(OUTCOMES, (part, part[correct], part[~correct]), strict=True):
            yield levels, outcome, chosen


def _counts(part: pd.DataFrame, outcome: str, reason: str = "") -> dict[str, Hashable]:
    what = {"all": "trial", "right": "correct answer", "wrong": "wrong answer"}[outcome]
    return {
        "n_trials": len(part),
        "n_participants": part["participant"].nunique(),
        "n_units": part["unit"].nunique(),
        "reason": reason if len(part) else not_computable(f"there is no {what}"),
    }


def split(trials: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[Levels, pd.DataFrame]]:
    """Yield each combination of levels and its rows, reference conditions in their usual order.

    Raises
    ------
    BadInput
        If a factor is not a column.

    Examples
    --------
    >>> trials = pd.DataFrame({"reference_condition": ["blur", "natural", "blur"]})
    >>> [(levels, len(part)) for levels, part in split(trials, ["reference_condition"])]
    [({'reference_condition': 'natural'}, 1), ({'reference_condition': 'blur'}, 2)]
    """
    for name in by:
        if name not in trials.columns:
            raise BadInput(f"no column is named {name!r}{nearest(name, trials.columns)}")
    if not by:
        yield {}, trials
        return
    keys = list(by)
    if "reference_condition" in keys:
        ordered = pd.CategoricalDtype(conditions_of(trials), ordered=True)
        trials = trials.assign(reference_condition=trials["reference_condition"].astype(ordered))
    for levels, part in trials.groupby(keys, sort=True, dropna=False, observed=True):
        yield dict(zip(keys, levels, strict=True)), part
