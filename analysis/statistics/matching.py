"""Scores of exemplar matching: trials with every row correct, and rows correct, against chance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.estimates import LEVEL, CIUnit
from analysis.statistics.intervals import mean_with_interval, proportion_with_interval
from analysis.statistics.performance import split

BY = ("matching", "n_images", "depth")

SCORES = ("all_correct", "hit_share")


def chance(n_rows: int) -> dict[str, float]:
    """Return the expected scores of pairing at random, which is a random permutation.

    One of the k! permutations of k rows has every row correct. A random permutation has one fixed
    point on average whatever k is, so that the expected proportion of correct rows is 1 / k.

    Examples
    --------
    >>> chance(2)
    {'all_correct': 0.5, 'hit_share': 0.5}
    """
    return {"all_correct": 1 / math.factorial(n_rows), "hit_share": 1 / n_rows}


def scores(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the answered trials with both scores and the chance level of each.

    Returns
    -------
    pandas.DataFrame
        The trials' rows and columns, and all_correct and hit_share (0 to 1), chance_all_correct
        and chance_hit_share.

    Examples
    --------
    >>> trials = pd.DataFrame({"hits": [4, 1, None], "n_rows": [4, 4, 4]})
    >>> scores(trials)[["all_correct", "hit_share", "chance_hit_share"]]
       all_correct  hit_share  chance_hit_share
    0          1.0       1.00              0.25
    1          0.0       0.25              0.25
    """
    done = trials[trials["hits"].notna()]
    rows = done["n_rows"].astype(int)
    return done.assign(
        all_correct=(done["hits"].astype(int) == rows).astype(float),
        hit_share=done["hits"].astype(float) / rows,
        chance_all_correct=[chance(k)["all_correct"] for k in rows],
        chance_hit_share=[chance(k)["hit_share"] for k in rows],
    )


def matching_scores(
    trials: pd.DataFrame,
    by: Sequence[str] = BY,
    ci_unit: CIUnit = "participant",
    level: float = LEVEL,
) -> pd.DataFrame:
    """Return both scores by factors, each with its interval and a t test against chance.

    A trial has several units, so that intervals generalise over participants, or over trials.

    Parameters
    ----------
    trials
        Main trials of exemplar matching.
    by
        Columns; there are rows for each combination of their levels.
    ci_unit
        ``participant`` or ``trial``.
    level
        Confidence level.

    Returns
    -------
    pandas.DataFrame
        Two rows per combination: the columns of ``by``, score, mean, low, high (within 0 and 1, see
        :func:`analysis.statistics.intervals.proportion_with_interval`), chance, above_chance (mean
        minus chance), p (two-sided, of a t test over participants), n_rows, n_trials,
        n_participants, reason (why there is no interval or no p; empty otherwise).

    Raises
    ------
    BadInput
        If a factor is not a column.

    Examples
    --------
    >>> trials = pd.DataFrame({"participant": list("aabbcc"), "n_rows": 2})
    >>> trials["hits"] = [2, 2, 2, 0, 2, 0]
    >>> matching_scores(trials, by=())[["score", "mean", "chance", "above_chance"]].round(3)
             score   mean  chance  above_chance
    0  all_correct  0.667     0.5         0.167
    1    hit_share  0.667     0.5         0.167
    """
    rows = []
    for levels, part in split(scores(trials), by):
        for score in SCORES:
            excess = (part[score] - part[f"chance_{score}"]).to_numpy(float)
            # A trial has no one unit: all get the same label.
            labels = part["participant"].to_numpy(), np.zeros(len(part)), ci_unit, level
            found = proportion_with_interval(part[score].to_numpy(float), *labels)
            test = mean_with_interval(excess, *labels)
            t = test.value / test.standard_error if test.standard_error else np.nan
            rows.append(
                levels
                | {"score": score, "mean": found.value, "low": found.low, "high": found.high}
                | {"chance": part[f"chance_{score}"].mean(), "above_chance": test.value}
                | {"p": float(2 * stats.t.sf(abs(t), test.df)) if test.df > 0 else np.nan}
                | {"n_rows": int(part["n_rows"].sum()), "n_trials": len(part)}
                | {"n_participants": found.n_participants, "reason": found.reason or test.reason}
            )
    return pd.DataFrame(rows)
