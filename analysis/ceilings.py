"""How reliable the data are: the ceiling that any model of them can reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.estimates import LEVEL, not_computable


@dataclass(frozen=True)
class Reliability:
    """Split-half reliability of the units' accuracies.

    Parameters
    ----------
    half
        Mean correlation of two random halves of the participants.
    full
        The same for all participants, by Spearman and Brown.
    low, high
        Interval of ``full``, over participants drawn anew.
    n_units, n_participants
        What it rests on.
    reason
        Why there is no number; empty where there is one.
    """

    half: float
    full: float
    low: float
    high: float
    n_units: int
    n_participants: int
    reason: str = ""


def spearman_brown(half: float) -> float:
    """Return the reliability of a test twice as long."""
    return 2 * half / (1 + half) if half > -1 else float("nan")


def split_half(
    trials: pd.DataFrame,
    n_splits: int = 200,
    n_bootstrap: int = 200,
    seed: int = 0,
    level: float = LEVEL,
) -> Reliability:
    """Return how well units' accuracies in one half of the participants predict the other half's.

    Parameters
    ----------
    trials
        Main trials with correct, participant and unit.
    n_splits
        Random halves that the correlation is averaged over.
    n_bootstrap
        Draws of participants for the interval.
    seed
        Fixes both.
    level
        Of the interval.
    """
    known = trials[trials["correct"].notna()]
    cells = known.assign(right=known["correct"].astype(float)).groupby(["participant", "unit"])
    right = cells["right"].sum().unstack(fill_value=0).to_numpy(float)
    met = cells["right"].size().unstack(fill_value=0).to_numpy(float)
    n_participants, n_units = right.shape
    if n_participants < 4:
        return _nothing(n_units, n_participants, "there are fewer than 4 participants")
    if n_units < 3:
        return _nothing(n_units, n_participants, "there are fewer than 3 units")
    rng = np.random.default_rng(seed)
    half = _mean_correlation(right, met, rng, n_splits)
    if not np.isfinite(half):
        return _nothing(n_units, n_participants, "the units' accuracies do not differ")
    drawn = []
    for _ in range(n_bootstrap):
        who = rng.integers(n_participants, size=n_participants)
        # A participant drawn twice must not stand in both halves, which would agree with itself.
        drawn.append(spearman_brown(_mean_correlation(right, met, rng, 10, who)))
    known_draws = np.array(drawn)[np.isfinite(drawn)]
    ends = np.quantile(known_draws, [(1 - level) / 2, (1 + level) / 2])
    full = spearman_brown(half)
    return Reliability(half, full, float(ends[0]), float(ends[1]), n_units, n_participants)


def _mean_correlation(
    right: np.ndarray,
    met: np.ndarray,
    rng: np.random.Generator,
    n_splits: int,
    who: np.ndarray | None = None,
) -> float:
    people = np.arange(len(right)) if who is None else np.unique(who)
    weights = np.ones(len(people)) if who is None else np.bincount(who)[people].astype(float)
    found = []
    for _ in range(n_splits):
        order = rng.permutation(len(people))
        halves = (order[: len(order) // 2], order[len(order) // 2 :])
        means = []
        for half in halves:
            weight = weights[half][:, None]
            total = (met[people[half]] * weight).sum(0)
            with np.errstate(invalid="ignore", divide="ignore"):
                means.append((right[people[half]] * weight).sum(0) / total)
        both = np.isfinite(means[0]) & np.isfinite(means[1])
        one, two = means[0][both], means[1][both]
        if len(one) > 2 and np.ptp(one) > 0 and np.ptp(two) > 0:
            found.append(np.corrcoef(one, two)[0, 1])
    return float(np.mean(found)) if found else float("nan")


def _nothing(n_units: int, n_participants: int, why: str) -> Reliability:
    nan = float("nan")
    return Reliability(nan, nan, nan, nan, n_units, n_participants, not_computable(why))


def repeat_consistency(trials: pd.DataFrame) -> pd.DataFrame:
    """Return how often a repeated trial was answered as before.

    Parameters
    ----------
    trials
        All trials of a log, repeats and those that they repeat.

    Returns
    -------
    pandas.DataFrame
        One row per reference condition and ``which`` (least or most confident): n_pairs,
        same_choice, same_correct (shares), confidence_change (mean), n_participants.
    """
    keys = ["participant", "session", "trial_number"]
    repeats = trials[(trials["trial_role"] == "repeat") & trials["repeated_trial"].notna()]
    columns = ["reference_condition", "which", "n_pairs", "same_choice", "same_correct"]
    columns += ["confidence_change", "n_participants"]
    if repeats.empty:
        return pd.DataFrame(columns=columns)
    # An observer of another kind may have the same id.
    keys = ["observer_kind", *keys]
    first = trials.set_index(keys)[["choice", "correct", "confidence"]]
    first = first[~first.index.duplicated()]
    places = pd.MultiIndex.from_frame(
        repeats[keys[:-1]].assign(trial_number=repeats["repeated_trial"].astype(int))
    )
    before = first.reindex(places).set_axis(repeats.index)
    pairs = pd.DataFrame(
        {
            "reference_condition": repeats["reference_condition"],
            "which": repeats["repeat_of"].astype("string").str.split("-").str[-2].fillna("unknown"),
            "participant": repeats["participant"],
            "same_choice": (repeats["choice"] == before["choice"]).astype(float),
            "same_correct": (repeats["correct"] == before["correct"]).astype(float),
            "confidence_change": (
                repeats["confidence"].astype(float) - before["confidence"].astype(float)
            ),
        }
    )[before["choice"].notna() & repeats["choice"].notna()]
    rows = []
    for (condition, which), part in pairs.groupby(["reference_condition", "which"], sort=True):
        shares = part[["same_choice", "same_correct", "confidence_change"]].mean()
        rows.append(
            {"reference_condition": condition, "which": which, "n_pairs": len(part)}
            | shares.to_dict()
            | {"n_participants": part["participant"].nunique()}
        )
    return pd.DataFrame(rows, columns=columns)
