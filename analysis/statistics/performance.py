"""How often, how fast and how surely observers are right, by any factors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from analysis.statistics.estimates import LEVEL, CIUnit, not_computable
from analysis.statistics.intervals import mean_with_interval
from unitscope.errors import BadInput, nearest
from unitscope.vocabulary import CONFIDENCES, REFERENCE_CONDITIONS

OUTCOMES = ("all", "right", "wrong")


def main_trials(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that results rest on: neither practice, catch nor repeat, and answered."""
    return trials[(trials["trial_role"] == "main") & trials["correct"].notna()]


def conditions_of(trials: pd.DataFrame) -> list[str]:
    """Return the reference conditions of a frame, in the vocabulary's order, then others."""
    present = {str(name) for name in trials["reference_condition"].dropna().unique()}
    known = [condition for condition in REFERENCE_CONDITIONS if condition in present]
    return known + sorted(present - set(known))


def accuracy(
    trials: pd.DataFrame,
    by: Sequence[str] = ("reference_condition",),
    ci_unit: CIUnit = "crossed",
    level: float = LEVEL,
) -> pd.DataFrame:
    """Return the share of right answers and its interval.

    Parameters
    ----------
    trials
        Rows of a log with correct, participant and unit; unanswered ones do not count.
    by
        Columns whose combinations are told apart; empty for one row.
    ci_unit
        Whom the interval speaks for.
    level
        Of the interval.

    Returns
    -------
    pandas.DataFrame
        One row per combination: the columns of ``by``, proportion (pooled over trials), low, high
        (within 0 and 1), standard_error, df, n_right, n_trials, n_participants, n_units, ci_unit,
        reason (why there is no interval; empty where there is one).

    Raises
    ------
    BadInput
        If a factor is no column.
    """
    answered = trials[trials["correct"].notna()]
    rows = []
    for levels, part in split(answered, by):
        right = part["correct"].to_numpy(float)
        estimate = asdict(
            mean_with_interval(
                right, part["participant"].to_numpy(), part["unit"].to_numpy(), ci_unit, level
            )
        )
        if len(right) and ci_unit != "trial" and np.ptp(right) == 0:
            every = "right" if right[0] else "wrong"
            estimate |= {
                "low": np.nan,
                "high": np.nan,
                "standard_error": np.nan,
                "df": np.nan,
                "reason": not_computable(f"every trial was {every}"),
            }
        low, high = np.clip([estimate["low"], estimate["high"]], 0, 1)
        rows.append(
            levels
            | {"proportion": estimate["value"], "low": low, "high": high}
            | {name: estimate[name] for name in ("standard_error", "df")}
            | {"n_right": int(right.sum())}
            | {name: estimate[name] for name in _NUMBERS}
            | {name: estimate[name] for name in ("ci_unit", "reason")}
        )
    return pd.DataFrame(rows)


_NUMBERS = ("n_trials", "n_participants", "n_units")


def response_times(
    trials: pd.DataFrame, by: Sequence[str] = ("reference_condition",)
) -> pd.DataFrame:
    """Return quartiles of the reaction times of all, right and wrong answers.

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
    """
    rows = []
    for levels, outcome, part in _split_by_outcome(trials, by):
        times = part["rt_s"].to_numpy(float)
        names = (
            "shortest_s",
            "lower_quartile_s",
            "median_s",
            "upper_quartile_s",
            "longest_s",
        )
        quartiles = np.quantile(times, [0, 0.25, 0.5, 0.75, 1]) if len(times) else [np.nan] * 5
        summary = dict(zip(names, map(float, quartiles), strict=True))
        order = ("median_s", "lower_quartile_s", "upper_quartile_s")
        rows.append(
            levels
            | {"outcome": outcome}
            | {name: summary[name] for name in order}
            | {"mean_s": float(times.mean()) if len(times) else np.nan}
            | {name: summary[name] for name in ("shortest_s", "longest_s")}
            | _rests_on(part, outcome)
        )
    return pd.DataFrame(rows)


def confidence(trials: pd.DataFrame, by: Sequence[str] = ("reference_condition",)) -> pd.DataFrame:
    """Return the distribution and mean of confidence for all, right and wrong answers.

    Parameters
    ----------
    trials, by
        As for :func:`accuracy`.

    Returns
    -------
    pandas.DataFrame
        Three rows per combination: the columns of ``by``, outcome (all, right, wrong), mean,
        share_1, share_2 and share_3 of the answers, n_trials, n_participants, n_units, reason.
    """
    rows = []
    for levels, outcome, part in _split_by_outcome(trials, by):
        given = part["confidence"].dropna().to_numpy(float)
        shares = {
            f"share_{step}": float((given == step).mean()) if len(given) else np.nan
            for step in CONFIDENCES
        }
        mean = float(given.mean()) if len(given) else np.nan
        rows.append(levels | {"outcome": outcome, "mean": mean} | shares | _rests_on(part, outcome))
    return pd.DataFrame(rows)


def _split_by_outcome(
    trials: pd.DataFrame, by: Sequence[str]
) -> Iterator[tuple[dict[str, Any], str, pd.DataFrame]]:
    for levels, part in split(trials[trials["correct"].notna()], by):
        right = part["correct"].astype(bool)
        for outcome, chosen in zip(OUTCOMES, (part, part[right], part[~right]), strict=True):
            yield levels, outcome, chosen


def _rests_on(part: pd.DataFrame, outcome: str) -> dict[str, Any]:
    what = "trial" if outcome == "all" else f"{outcome} answer"
    return {
        "n_trials": len(part),
        "n_participants": part["participant"].nunique(),
        "n_units": part["unit"].nunique(),
        "reason": "" if len(part) else not_computable(f"there is no {what}"),
    }


def split(trials: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Yield each combination of levels and its rows, reference conditions in their usual order.

    Raises
    ------
    BadInput
        If a factor is no column.
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
