"""Each participant's accuracy, time and confidence, by any factors, and which factors there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from analysis.statistics.performance import conditions_of
from unitscope.vocabulary import DEPTHS

Measure = Literal["accuracy", "hit_share", "rt_s", "confidence", "rating"]
"""What a participant is measured by: mean, and for times the median."""

_COLUMNS = {"accuracy": "correct"}
"""Column of a measure where its name is another."""


def participant_means(
    trials: pd.DataFrame, by: Sequence[str] = (), measure: Measure = "accuracy"
) -> pd.DataFrame:
    """Return what each participant is measured by at each combination of the factors' levels.

    Parameters
    ----------
    trials
        Rows with participant, the measure's column (for accuracy ``correct``) and those of ``by``;
        rows where one of them is missing or blank do not count.
    by
        Factors.
    measure
        Reaction times are medians of those above 0, all else is a mean.

    Returns
    -------
    pandas.DataFrame
        participant, the columns of ``by`` as text, value.

    Examples
    --------
    >>> trials = pd.DataFrame({"participant": list("aaab"), "rt_s": [1.0, 2.0, 9.0, -0.1]})
    >>> participant_means(trials, measure="rt_s")
      participant  value
    0           a    2.0
    """
    column = _COLUMNS.get(measure, measure)
    if column not in trials.columns or not {*by} <= {*trials.columns}:
        return pd.DataFrame(columns=["participant", *by, "value"])
    known = trials[column].notna()
    if measure == "rt_s":
        known &= trials[column].gt(0)
    for factor in by:
        known &= _is_told(trials[factor])
    rows = trials.loc[known, ["participant", *by]].astype(str)
    rows = rows.assign(value=trials.loc[known, column].astype(float))
    grouped = rows.groupby(["participant", *by], sort=True)["value"]
    return (grouped.median() if measure == "rt_s" else grouped.mean()).reset_index()


def _is_told(values: pd.Series) -> pd.Series:
    return values.notna() & values.astype("string").fillna("").ne("")


def levels_of(frame: pd.DataFrame, factor: str) -> list[str]:
    """Return the levels of a factor: conditions and depths in their usual order, others sorted.

    Examples
    --------
    >>> levels_of(pd.DataFrame({"depth": ["late", "early", None]}), "depth")
    ['early', 'late']
    """
    if factor not in frame.columns:
        return []
    if factor == "reference_condition":
        return conditions_of(frame)
    found = set(frame.loc[_is_told(frame[factor]), factor].astype(str))
    known = [depth for depth in DEPTHS if depth in found]
    return known + sorted(found - set(known))


def is_between(frame: pd.DataFrame, factor: str) -> bool:
    """Return whether no participant has more than one level of a factor.

    Examples
    --------
    >>> trials = pd.DataFrame({"participant": list("aab"), "group": ["lay", "lay", "expert"]})
    >>> is_between(trials, "group")
    True
    """
    told = frame[_is_told(frame[factor])]
    return bool((told.groupby("participant")[factor].nunique() <= 1).all())


def pre_post(trials: pd.DataFrame) -> pd.Series:
    """Return whether a trial is of a block before (pre) or after (post) those of other conditions.

    Parameters
    ----------
    trials
        Main trials with participant, session, reference_condition and block_number.

    Returns
    -------
    pandas.Series
        Text, blank where neither holds, and in conditions that nobody met both before and after
        the others.

    Examples
    --------
    >>> trials = pd.DataFrame({"participant": "a", "session": 1, "block_number": [1, 2, 3, 4]})
    >>> trials["reference_condition"] = ["none", "natural", "blur", "none"]
    >>> pre_post(trials).tolist()
    ['pre', '', '', 'post']
    """
    session = trials["participant"].astype(str) + "/" + trials["session"].astype(str)
    block = trials["block_number"].astype(float)
    found = pd.Series("", index=trials.index)
    for condition in conditions_of(trials):
        own = trials["reference_condition"] == condition
        others = block[~own].groupby(session[~own])
        place = pd.Series("", index=trials.index[own])
        place[block[own] < session[own].map(others.min())] = "pre"
        place[block[own] > session[own].map(others.max())] = "post"
        if (place[place != ""].groupby(session[own]).nunique() == 2).any():
            found[own] = place
    return found
