"""How reliable the data are: the ceiling that any model of them can reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.estimates import LEVEL, CIUnit, not_computable
from analysis.statistics.intervals import mean_with_interval

_SPLITS_OF_A_DRAW = 20


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
        Interval of ``full``, within -1 and 1, over participants drawn anew (t interval
        of Fisher's z).
    n_units, n_participants
        What it rests on.
    reason
        Why there is no number, or no interval; empty where there are both.
    """

    half: float
    full: float
    low: float
    high: float
    n_units: int
    n_participants: int
    reason: str = ""


def spearman_brown(half: float) -> float:
    """Return the reliability of a test twice as long, -1 to 1.

    The formula is that of a correlation of 0 or more; a negative one, which chance alone makes,
    is lengthened like its mirror image, as it would otherwise fall without bound.
    """
    return 2 * half / (1 + abs(half))


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
    everybody = np.ones(n_participants)
    half = _mean_correlation(right, met, everybody, rng, n_splits)
    if not np.isfinite(half):
        return _nothing(n_units, n_participants, "the units' accuracies do not differ")
    drawn = []
    for weights in rng.multinomial(n_participants, everybody / n_participants, n_bootstrap):
        drawn.append(_mean_correlation(right, met, weights.astype(float), rng, _SPLITS_OF_A_DRAW))
    full = spearman_brown(half)
    known_draws = _z(np.array(drawn)[np.isfinite(drawn)])
    # Draws that are all alike still differ by rounding.
    if len(known_draws) < 2 or not np.ptp(known_draws) > 1e-9:
        nan, why = float("nan"), not_computable("whoever is drawn, the halves agree alike")
        return Reliability(half, full, nan, nan, n_units, n_participants, why)
    # Draws hold fewer different people and so agree less; only their spread is that of ``half``,
    # which in few people is too narrow (Hesterberg, Am. Stat. 2015, 69, 371-386).
    spread = np.std(known_draws) * np.sqrt(n_participants / (n_participants - 1))
    reach = spread * stats.t.ppf((1 + level) / 2, n_participants - 1)
    low, high = (spearman_brown(float(np.tanh(_z(half) + sign * reach))) for sign in (-1, 1))
    return Reliability(half, full, min(low, full), max(high, full), n_units, n_participants)


def _z(correlation: np.ndarray | float) -> np.ndarray:
    """Return Fisher's z, in which correlations spread alike everywhere."""
    z: np.ndarray = np.arctanh(np.clip(correlation, -0.999999, 0.999999))
    return z


def _mean_correlation(
    right: np.ndarray,
    met: np.ndarray,
    weights: np.ndarray,
    rng: np.random.Generator,
    n_splits: int,
) -> float:
    """Average over random halves of the people the correlation of the units' accuracies.

    Somebody who was drawn twice stands in one half twice, never in both, which would agree.
    """
    people = np.flatnonzero(weights)
    first = np.tile(np.arange(len(people)) < len(people) // 2, (n_splits, 1))
    first = rng.permuted(first, axis=1)
    shares = []
    for half in (first, ~first):
        own = half * weights[people]
        with np.errstate(invalid="ignore", divide="ignore"):
            shares.append((own @ right[people]) / (own @ met[people]))
    both = np.isfinite(shares[0]) & np.isfinite(shares[1])
    number = both.sum(1, keepdims=True)
    one, two = (np.where(both, share, 0.0) for share in shares)
    with np.errstate(invalid="ignore", divide="ignore"):
        one, two = (np.where(both, v - v.sum(1, keepdims=True) / number, 0.0) for v in (one, two))
        squares = (one**2).sum(1) * (two**2).sum(1)
        found = (one * two).sum(1) / np.sqrt(squares)
    found = found[(number[:, 0] > 2) & (squares > 1e-20)]
    return float(found.mean()) if len(found) else float("nan")


def _nothing(n_units: int, n_participants: int, why: str) -> Reliability:
    nan = float("nan")
    return Reliability(nan, nan, nan, nan, n_units, n_participants, not_computable(why))


def repeat_consistency(
    trials: pd.DataFrame, level: float = LEVEL, ci_unit: CIUnit = "participant"
) -> pd.DataFrame:
    """Return how often a repeated trial was answered as before.

    Parameters
    ----------
    trials
        All trials of a log, repeats and those that they repeat.
    level
        Of the intervals.
    ci_unit
        ``participant``, whose trials are alike, or ``paper``.

    Returns
    -------
    pandas.DataFrame
        One row per reference condition and ``which`` (least or most confident): n_pairs,
        same_choice (share), low, high (its interval, within 0 and 1), same_correct (share),
        confidence_change (mean), n_participants, reason (why there is no interval).
    """
    keys = ["participant", "session", "trial_number"]
    repeats = trials[(trials["trial_role"] == "repeat") & trials["repeated_trial"].notna()]
    columns = ["reference_condition", "which", "n_pairs", "same_choice", "low", "high"]
    columns += ["same_correct", "confidence_change", "n_participants", "reason"]
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
        rows.append(
            {"reference_condition": condition, "which": which, "n_pairs": len(part)}
            | part[["same_choice", "same_correct", "confidence_change"]].mean().to_dict()
            | _interval(part, level, ci_unit)
            | {"n_participants": part["participant"].nunique()}
        )
    return pd.DataFrame(rows, columns=columns)


def _interval(pairs: pd.DataFrame, level: float, ci_unit: CIUnit) -> dict[str, float | str]:
    """Return the interval of the share of same choices; a participant's pairs are alike."""
    same = pairs["same_choice"].to_numpy(float)
    people = pairs["participant"].to_numpy(str)
    if len(same) and np.ptp(same) == 0:
        why = not_computable(f"every repeat was answered {'as' if same[0] else 'unlike'} before")
        return {"low": np.nan, "high": np.nan, "reason": why}
    found = mean_with_interval(same, people, np.zeros(len(same)), ci_unit, level)
    low, high = np.clip([found.low, found.high], 0, 1)
    return {"low": float(low), "high": float(high), "reason": found.reason}
