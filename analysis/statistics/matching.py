"""Exemplar matching: trials all right and rows right, against chance for so many rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.estimates import LEVEL, CIUnit
from analysis.statistics.intervals import mean_with_interval
from analysis.statistics.performance import split

BY = ("matching", "n_images", "depth")

SCORES = ("all_correct", "hit_share")


def chance(n_rows: int) -> dict[str, float]:
    """Return what a guesser scores on average: pairing at random is a random permutation.

    One permutation of k rows is all right among k!; of its rows one is right on average, for any
    k, so that the share of rows is 1 / k.
    """
    return {"all_correct": 1 / math.factorial(n_rows), "hit_share": 1 / n_rows}


def scores(trials: pd.DataFrame) -> pd.DataFrame:
    """Return answered trials with all_correct, hit_share, and the chance level of each.

    Returns
    -------
    pandas.DataFrame
        The trials' rows and columns, and all_correct and hit_share (0 to 1), chance_all_correct
        and chance_hit_share.
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
    """Return both scores by factors, each with its interval and a test against chance.

    A trial has several units, so that intervals speak for new participants, or for new trials.

    Parameters
    ----------
    trials
        Main trials of exemplar matching.
    by
        Columns whose combinations are told apart.
    ci_unit
        ``participant`` or ``trial``.
    level
        Of the interval.

    Returns
    -------
    pandas.DataFrame
        Two rows per combination: the columns of ``by``, score, mean, low, high (within 0 and 1),
        chance, above_chance (mean less chance), p (two-sided, of a t-test over participants; NaN
        where the interval cannot be computed), n_rows, n_trials, n_participants, reason.

    Raises
    ------
    BadInput
        If a factor is no column.
    """
    rows = []
    for levels, part in split(scores(trials), by):
        for score in SCORES:
            excess = (part[score] - part[f"chance_{score}"]).to_numpy(float)
            people = part["participant"].to_numpy()
            # Units are told apart by nothing here; one label stands for all.
            found = mean_with_interval(excess, people, np.zeros(len(part)), ci_unit, level)
            mean, base = part[score].mean(), part[f"chance_{score}"].mean()
            t = found.value / found.standard_error if found.standard_error else np.nan
            low, high = np.clip([found.low + base, found.high + base], 0, 1)
            rows.append(
                levels
                | {"score": score, "mean": mean, "low": low, "high": high}
                | {"chance": base, "above_chance": found.value}
                | {"p": float(2 * stats.t.sf(abs(t), found.df)) if found.df > 0 else np.nan}
                | {"n_rows": int(part["n_rows"].sum()), "n_trials": len(part)}
                | {"n_participants": found.n_participants, "reason": found.reason}
            )
    return pd.DataFrame(rows)
