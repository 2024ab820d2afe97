"""Answers of baselines, which are simple rules, to the query pairs that people met."""

from __future__ import annotations

import pandas as pd

from unitscope.queries import QUERY_PAIR

ITEM = list(QUERY_PAIR)


def baseline_answers(
    trials: pd.DataFrame, logged: pd.DataFrame, queries: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return each baseline's answers to the query pairs of some trials.

    Parameters
    ----------
    trials
        Main trials of people or other observers.
    logged
        Main trials of baselines that took part as observers.
    queries
        As from :func:`unitscope.queries.read_queries`; a baseline that is logged is taken from the
        log where it met the pair.

    Returns
    -------
    pandas.DataFrame
        One row per baseline and query pair: the pair's columns of ``trials``, with observer_kind
        ``baseline``, the baseline's name as observer and participant, and its correct.

    Examples
    --------
    >>> pair = {"network": ["toy"], "layer": ["conv1"], "channel": [0], "batch": [1]}
    >>> person = {"observer_kind": "person", "observer": None, "participant": "p1", "correct": True}
    >>> trials = pd.DataFrame(pair).assign(**person)
    >>> found = baseline_answers(trials, trials[:0], pd.DataFrame(pair).assign(centre=False))
    >>> found[["observer_kind", "observer", "channel", "batch", "correct"]]
      observer_kind observer  channel  batch  correct
    0      baseline   centre        0      1    False
    """
    pairs = trials.drop_duplicates(ITEM)
    found = []
    for name in sorted(set(logged["observer"].dropna())):
        own = logged[logged["observer"] == name].drop_duplicates(ITEM)
        found.append(own[[*ITEM, "correct"]].assign(observer=name))
    known = pd.DataFrame(columns=ITEM) if queries is None else queries
    for name in sorted(set(known.columns) - set(ITEM)):
        own = known[[*ITEM, name]].rename(columns={name: "correct"}).dropna(subset=["correct"])
        found.append(own.assign(observer=name))
    if not found or pairs.empty:
        return trials.iloc[:0]
    answers = pd.concat(found, ignore_index=True).drop_duplicates([*ITEM, "observer"])
    rest = pairs.drop(columns=["correct", "observer", "participant", "observer_kind"])
    joined = rest.merge(answers, on=ITEM, how="inner")
    joined["correct"] = joined["correct"].astype("boolean")
    joined = joined.sort_values(["observer", *ITEM], kind="stable", ignore_index=True)
    return joined.assign(participant=joined["observer"], observer_kind="baseline")


def paired_with(trials: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that a baseline answered too, with its answer as baseline_correct.

    Examples
    --------
    >>> pair = {"network": ["toy"] * 2, "layer": ["conv1"] * 2, "channel": [0, 1], "batch": [1, 1]}
    >>> trials = pd.DataFrame(pair).assign(correct=True)
    >>> paired_with(trials, trials[:1].assign(correct=False))[["channel", "baseline_correct"]]
       channel  baseline_correct
    0        0             False
    """
    own = answers[[*ITEM, "correct"]].rename(columns={"correct": "baseline_correct"})
    return trials.merge(own, on=ITEM, how="inner")
