"""Reliability of the data: split-half reliability and the consistency of repeated trials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.estimates import LEVEL, CIUnit, not_computable
from analysis.statistics.intervals import proportion_with_interval

_SPLITS_PER_DRAW = 20

_QUERIES = ("query_a", "query_b")


@dataclass(frozen=True)
class Reliability:
    """Split-half reliability of the units' accuracies, the ceiling of any model of them.

    Parameters
    ----------
    half
        Mean correlation of two random halves of the participants.
    full
        Reliability of all participants, by the Spearman-Brown formula.
    low, high
        Bootstrap interval of ``full`` over participants, within -1 and 1 (t interval of Fisher's
        z).
    n_units, n_participants
        Numbers of units and participants.
    reason
        Why there is no reliability, or no interval; empty otherwise.
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

    For ``r >= 0`` it is ``2 r / (1 + r)`` (Spearman, Brit. J. Psychol. 1910, 3, 271-295; Brown,
    Brit. J. Psychol. 1910, 3, 296-322). A negative correlation, which only chance makes, is treated
    as its mirror image, since the formula would fall without bound.

    Examples
    --------
    >>> round(spearman_brown(0.6), 3), round(spearman_brown(-0.6), 3)
    (0.75, -0.75)
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
        Number of random halves over which the correlation is averaged.
    n_bootstrap
        Number of bootstrap samples of participants for the interval.
    seed
        Seed of halves and samples.
    level
        Confidence level.

    Examples
    --------
    >>> cells = [(p, u) for p in range(6) for u in range(5)]
    >>> trials = pd.DataFrame(cells, columns=["participant", "unit"])
    >>> trials["correct"] = [u > 3 or (p + u) % 5 < u for p, u in cells]
    >>> found = split_half(trials, n_splits=20, n_bootstrap=20)
    >>> round(found.half, 2), round(found.full, 2), found.n_participants
    (0.76, 0.86, 6)
    """
    known = trials[trials["correct"].notna()]
    cells = known.assign(correct=known["correct"].astype(float)).groupby(["participant", "unit"])
    n_correct = cells["correct"].sum().unstack(fill_value=0).to_numpy(float)
    n_trials = cells["correct"].size().unstack(fill_value=0).to_numpy(float)
    n_participants, n_units = n_correct.shape
    if n_participants < 4:
        return _nothing(n_units, n_participants, "there are fewer than 4 participants")
    if n_units < 3:
        return _nothing(n_units, n_participants, "there are fewer than 3 units")
    rng = np.random.default_rng(seed)
    once = np.ones(n_participants)
    half = _mean_correlation(n_correct, n_trials, once, rng, n_splits)
    if not np.isfinite(half):
        return _nothing(n_units, n_participants, "the units' accuracies do not differ")
    drawn = [
        _mean_correlation(n_correct, n_trials, times.astype(float), rng, _SPLITS_PER_DRAW)
        for times in rng.multinomial(n_participants, once / n_participants, n_bootstrap)
    ]
    full = spearman_brown(half)
    z = _fisher_z(np.array(drawn)[np.isfinite(drawn)])
    # Bootstrap samples that all agree still differ by rounding.
    if len(z) < 2 or not np.ptp(z) > 1e-9:
        nan, why = float("nan"), not_computable("all bootstrap samples have the same reliability")
        return Reliability(half, full, nan, nan, n_units, n_participants, why)
    # A bootstrap sample has fewer different participants, so that its halves correlate less: only
    # the spread of z is used, z -+ t_(n - 1) sd(z) sqrt(n / (n - 1)), where the last factor and t
    # correct that bootstrap intervals of small samples are too narrow (Hesterberg, Am. Stat. 2015,
    # 69, 371-386).
    spread = np.std(z) * np.sqrt(n_participants / (n_participants - 1))
    reach = spread * stats.t.ppf((1 + level) / 2, n_participants - 1)
    low, high = (spearman_brown(float(np.tanh(_fisher_z(half) + s * reach))) for s in (-1, 1))
    return Reliability(half, full, min(low, full), max(high, full), n_units, n_participants)


def _fisher_z(correlation: np.ndarray | float) -> np.ndarray:
    """Return Fisher's ``z = artanh(r)``, whose variance hardly depends on the correlation."""
    z: np.ndarray = np.arctanh(np.clip(correlation, -0.999999, 0.999999))
    return z


def _mean_correlation(
    n_correct: np.ndarray,
    n_trials: np.ndarray,
    times: np.ndarray,
    rng: np.random.Generator,
    n_splits: int,
) -> float:
    """Return the correlation of the units' accuracies between halves, averaged over random halves.

    ``times`` says how often each participant was drawn. All copies of a participant are in the
    same half: copies in both would agree.
    """
    people = np.flatnonzero(times)
    first = np.tile(np.arange(len(people)) < len(people) // 2, (n_splits, 1))
    first = rng.permuted(first, axis=1)
    accuracies = []
    for half in (first, ~first):
        own = half * times[people]
        with np.errstate(invalid="ignore", divide="ignore"):
            accuracies.append((own @ n_correct[people]) / (own @ n_trials[people]))
    both = np.isfinite(accuracies[0]) & np.isfinite(accuracies[1])
    number = both.sum(1, keepdims=True)
    one, two = (np.where(both, accuracy, 0.0) for accuracy in accuracies)
    # Pearson's r of every split at once, over the units that both halves met.
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
    """Return how often a repeated trial was answered as it was the first time.

    Both answers are the same if they chose the same image, whatever its side was.

    Parameters
    ----------
    trials
        All trials of a log, the repeated ones included.
    level
        Confidence level.
    ci_unit
        ``participant``, because the trials of a participant are correlated, or ``paper``.

    Returns
    -------
    pandas.DataFrame
        For each reference condition a row for ``all`` repeated trials, and for ``which`` of them
        were answered with the least and the most confidence at first: n_pairs, same_choice
        (proportion), low, high (its interval, see
        :func:`analysis.statistics.intervals.proportion_with_interval`), first_confidence (mean, of
        the original trials), confidence_change (mean), n_participants, reason (why there is no
        interval).

    Examples
    --------
    >>> trials = pd.DataFrame({"observer_kind": "person", "participant": list("aabb")})
    >>> trials = trials.assign(
    ...     session=1, trial_number=[1, 2] * 2, trial_role=["main", "repeat"] * 2,
    ...     reference_condition="natural", repeat_of=[None, "natural-least-1"] * 2,
    ...     repeated_trial=[None, 1] * 2, confidence=1, correct=[True, True, True, False],
    ...     query_a=["cat", "dog"] * 2, query_b=["dog", "cat"] * 2, choice=list("abbb"),
    ... )
    >>> repeat_consistency(trials)[["reference_condition", "which", "n_pairs", "same_choice"]]
      reference_condition  which  n_pairs  same_choice
    0             natural    all        2          0.5
    1             natural  least        2          0.5
    """
    columns = ["reference_condition", "which", "n_pairs", "same_choice", "low", "high"]
    columns += ["first_confidence", "confidence_change", "n_participants", "reason"]
    rows = []
    for condition, part in _pairs(trials).groupby("reference_condition", sort=True):
        for which, pairs in (("all", part), *part.groupby("which", sort=True)):
            same, people = pairs["same_choice"].to_numpy(float), pairs["participant"].to_numpy(str)
            found = proportion_with_interval(same, people, np.zeros(len(same)), ci_unit, level)
            rows.append(
                {"reference_condition": condition, "which": which, "n_pairs": len(pairs)}
                | {"same_choice": found.value, "low": found.low, "high": found.high}
                | pairs[["first_confidence", "confidence_change"]].mean().to_dict()
                | {"n_participants": found.n_participants, "reason": found.reason}
            )
    return pd.DataFrame(rows, columns=columns)


def _pairs(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the answered repeats of answered trials, and what both answers have in common."""
    is_repeat = (trials["trial_role"] == "repeat") & trials["repeated_trial"].notna()
    repeats = trials[is_repeat & trials["choice"].notna()]
    # An observer of another kind may have the same id.
    keys = ["observer_kind", "participant", "session", "trial_number"]
    originals = trials[(trials["trial_role"] != "repeat") & trials["choice"].notna()]
    originals = originals.drop_duplicates(keys).set_index(keys)
    places = pd.MultiIndex.from_frame(
        repeats[keys[:-1]].assign(trial_number=repeats["repeated_trial"].astype(int))
    )
    before = originals[[*_QUERIES, "choice", "correct", "confidence"]].reindex(places)
    before = before.set_axis(repeats.index).dropna(subset=["choice"])
    repeats = repeats.loc[before.index]
    found = repeats[["participant", "session", "reference_condition"]].assign(
        first_confidence=before["confidence"].astype(float),
        confidence_change=repeats["confidence"].astype(float) - before["confidence"].astype(float),
        same_choice=_is_same_image(repeats, before),
        which=repeats["repeat_of"].astype("string").str.split("-").str[-2],
    )
    # Where the log does not say which trials were chosen, as the least and the most confident ones
    # of a participant and a condition, they are the two halves of one ranking.
    ranks = found.groupby(["participant", "session", "reference_condition"])["first_confidence"]
    is_lower = ranks.rank(method="first", pct=True) <= 0.5
    halves = pd.Series(np.where(is_lower, "least", "most"), found.index, dtype="string")
    known = found["which"].fillna(halves.where(found["first_confidence"].notna()))
    return found.assign(which=known.fillna("unknown"))


def _is_same_image(repeats: pd.DataFrame, before: pd.DataFrame) -> np.ndarray:
    """Return whether each answer chose the image that the one before chose, 0 or 1."""
    now, then = (rows[list(_QUERIES)].astype("string").to_numpy(str) for rows in (repeats, before))
    same_sides, swapped = (now == then).all(1), (now == then[:, ::-1]).all(1)
    same_side = (repeats["choice"] == before["choice"]).to_numpy(bool)
    # Of a pair without names, or with other names the second time, the same image was chosen if
    # both answers are correct or both are wrong.
    alike = (repeats["correct"] == before["correct"]).to_numpy(bool)
    same = np.select([same_sides & ~swapped, swapped & ~same_sides], [same_side, ~same_side], alike)
    return same.astype(float)
