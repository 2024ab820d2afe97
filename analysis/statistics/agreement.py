"""Do observers err on the same trials? Error consistency between people, machines and baselines."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.statistics.estimates import LEVEL, not_computable
from unitscope.errors import BadInput, nearest

LEAST_PAIRS = 3
"""Pairs of observers below which drawing them anew says nothing."""

OBSERVER = ("observer_kind", "observer", "participant")


@dataclass(frozen=True)
class Answers:
    """Who was right on what.

    Parameters
    ----------
    correct
        Shape (observers, items); 1 right, 0 wrong, NaN where an observer never met the item.
    groups
        Shape (observers,); the group of each, such as a reference condition or a baseline's name.
    observers
        Name of each observer.
    """

    correct: np.ndarray
    groups: tuple[str, ...]
    observers: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.correct.shape[0] != len(self.groups):
            raise ValueError(
                f"{self.correct.shape[0]} rows of answers, but {len(self.groups)} groups"
            )


def answers(trials: pd.DataFrame, group: str = "reference_condition") -> Answers:
    """Bring trials to one row per observer and one column per item.

    An item is a unit with one pair of queries, whatever their sides and the references shown. An
    observer who met it several times counts with the first.

    Parameters
    ----------
    trials
        Main trials of a log; unanswered ones do not count. Baselines and machines are groups of
        their own, named after them.
    group
        Column that tells people apart.

    Raises
    ------
    BadInput
        If there is no such column.
    """
    if group not in trials.columns:
        raise BadInput(f"no column {group!r} in the trials{nearest(group, trials.columns)}")
    known = trials[trials["correct"].notna()]
    first = np.minimum(known["query_a"].astype(str), known["query_b"].astype(str))
    second = np.maximum(known["query_a"].astype(str), known["query_b"].astype(str))
    items = known["unit"].astype(str) + "|" + first + "|" + second
    people = known["observer_kind"].isin(["person", "simulated"])
    groups = known[group].astype(str).where(people, known["observer"].astype(str))
    who = groups + "|" + known["observer_kind"].astype(str) + "|" + known["participant"].astype(str)
    table = pd.DataFrame({"who": who, "item": items, "right": known["correct"].astype(float)})
    wide = table.groupby(["who", "item"], sort=True)["right"].first().unstack()
    names = [str(name) for name in wide.index]
    return Answers(
        wide.to_numpy(float),
        tuple(name.partition("|")[0] for name in names),
        tuple(name.rpartition("|")[2] for name in names),
    )


def kappa_matrix(correct: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Cohen's kappa between all observers, on the items that each two share.

    Parameters
    ----------
    correct
        Shape (observers, items); 1, 0 or NaN.

    Returns
    -------
    kappa : numpy.ndarray
        Shape (observers, observers); NaN on the diagonal, where two share no item, and where the
        agreement expected by chance is 1 (both always right or both always wrong).
    n_shared : numpy.ndarray
        Same shape; number of items that two observers share.
    """
    met = np.isfinite(correct)
    right = np.where(met, correct, 0.0)
    wrong = met - right
    shared = met.astype(float) @ met.T
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = (right @ right.T + wrong @ wrong.T) / shared
        mine = (right @ met.T) / shared
        yours = mine.T
        expected = mine * yours + (1 - mine) * (1 - yours)
        kappa = (observed - expected) / (1 - expected)
    kappa[~(expected < 1 - 1e-12)] = np.nan
    np.fill_diagonal(kappa, np.nan)
    return kappa, shared.astype(int)


def kappa_bounds(first: float, second: float) -> tuple[float, float]:
    """Return the least and greatest kappa that two accuracies allow; NaN where none is defined."""
    expected = first * second + (1 - first) * (1 - second)
    if expected >= 1 - 1e-12:
        return np.nan, np.nan
    least, most = abs(first + second - 1), 1 - abs(first - second)
    return (least - expected) / (1 - expected), (most - expected) / (1 - expected)


def agreement(
    found: Answers,
    n_bootstrap: int = 2000,
    seed: int = 0,
    level: float = LEVEL,
    order: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the mean kappa between and within groups, with intervals over participants.

    Pairs share members, so observers are drawn anew, never pairs; a group of one, such as a
    baseline, stands as it is. A pair of an observer with a copy of itself does not count.

    Parameters
    ----------
    found
        Who was right on what.
    n_bootstrap, seed
        Draws of observers, and what fixes them.
    level
        Of the percentile interval.
    order
        Groups in the order wanted; others follow, sorted.

    Returns
    -------
    pandas.DataFrame
        One row per two groups (each with itself too): group_1, group_2, kappa, low, high,
        lowest_possible, highest_possible (given the groups' accuracies), n_pairs (with a kappa),
        n_undefined, n_observers_1, n_observers_2, reason.
    """
    kappa, shared = kappa_matrix(found.correct)
    defined = np.isfinite(kappa)
    filled = np.where(defined, kappa, 0.0)
    names = [g for g in order if g in found.groups]
    names += sorted(set(found.groups) - set(names))
    members = {name: np.array([g == name for g in found.groups]) for name in names}
    drawn = _draws(members, len(found.groups), n_bootstrap, seed)
    rows = []
    for place, one in enumerate(names):
        for two in names[place:]:
            inside = np.outer(members[one], members[two])
            np.fill_diagonal(inside, False)
            pairs = inside & defined
            interval = _interval(filled, pairs, drawn[one], drawn[two], level)
            sharing = inside & (shared > 0)
            rows.append(
                _row(one, two, members, found.correct)
                | _mean(filled, pairs, inside, one == two)
                | interval
                | {"reason": _why(pairs, sharing, members[one], members[two], interval)}
            )
    return pd.DataFrame(rows)


def _draws(
    members: dict[str, np.ndarray], n_observers: int, n_bootstrap: int, seed: int
) -> dict[str, np.ndarray]:
    """Return, for each group, draws x observers with how often each was drawn."""
    rng = np.random.default_rng(seed)
    drawn = {}
    for name in sorted(members):
        inside = members[name]
        counts = np.zeros((n_bootstrap, n_observers))
        share = np.full(inside.sum(), 1 / inside.sum())
        counts[:, inside] = rng.multinomial(inside.sum(), share, n_bootstrap)
        drawn[name] = counts
    return drawn


def _row(
    one: str, two: str, members: dict[str, np.ndarray], correct: np.ndarray
) -> dict[str, Hashable]:
    low, high = kappa_bounds(*(float(np.nanmean(correct[members[name]])) for name in (one, two)))
    return {
        "group_1": one,
        "group_2": two,
        "lowest_possible": low,
        "highest_possible": high,
        "n_observers_1": int(members[one].sum()),
        "n_observers_2": int(members[two].sum()),
    }


def _mean(
    filled: np.ndarray, pairs: np.ndarray, inside: np.ndarray, same: bool
) -> dict[str, Hashable]:
    n_pairs, n_inside = int(pairs.sum()), int(inside.sum())
    per = 2 if same else 1
    return {
        "kappa": float(filled[pairs].mean()) if n_pairs else np.nan,
        "n_pairs": n_pairs // per,
        "n_undefined": (n_inside - n_pairs) // per,
    }


def _interval(
    filled: np.ndarray, pairs: np.ndarray, first: np.ndarray, second: np.ndarray, level: float
) -> dict[str, float]:
    if not _enough(pairs, first is second):
        return {"low": np.nan, "high": np.nan}
    weights = ((first @ pairs) * second).sum(1)
    sums = ((first @ np.where(pairs, filled, 0.0)) * second).sum(1)
    means = sums[weights > 0] / weights[weights > 0]
    varies = len(means) > 1 and np.ptp(means) > 0
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2]) if varies else (np.nan,) * 2
    return {"low": float(low), "high": float(high)}


def _enough(pairs: np.ndarray, same: bool) -> bool:
    return bool(pairs.sum() >= LEAST_PAIRS * (2 if same else 1))


def _why(
    pairs: np.ndarray,
    sharing: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    interval: dict[str, float],
) -> str:
    if pairs.any():
        if first.sum() + second.sum() < 3:
            return not_computable("one observer a group says nothing of others")
        if not _enough(pairs, first is second):
            return not_computable(f"fewer than {LEAST_PAIRS} pairs have a kappa to draw from")
        if not np.isfinite(interval["low"]):
            return not_computable("whoever is drawn, kappa is the same")
        return ""
    if not sharing.any():
        return not_computable("no two observers share a trial")
    return not_computable("chance agreement is 1: answers are all right or all wrong")
