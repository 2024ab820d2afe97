"""Error consistency: do people, machines and baselines err on the same trials?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.statistics.estimates import LEVEL, not_computable
from unitscope.errors import BadInput, nearest

MIN_PAIRS = 3
"""Pairs of observers below which there is no bootstrap interval."""


@dataclass(frozen=True)
class Answers:
    """Which observer answered which item correctly.

    Parameters
    ----------
    correct
        Shape (rows, items); 1 correct, 0 wrong, NaN where an observer did not meet the item.
    groups
        Shape (rows,); the group of each, such as a reference condition or a baseline's name.
    observers
        Shape (rows,); who answered. If empty, each row is an observer of its own.
    references
        Shape (rows,); what was shown besides the queries: reference condition and presentation
        scheme. An observer has a row for each. If empty, the same everywhere.
    """

    correct: np.ndarray
    groups: tuple[str, ...]
    observers: tuple[str, ...] = ()
    references: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for what in ("groups", "observers", "references"):
            found = len(getattr(self, what))
            if found != self.correct.shape[0] and (found or what == "groups"):
                raise ValueError(f"{self.correct.shape[0]} rows of answers, but {found} {what}")

    @cached_property
    def members(self) -> list[tuple[str, str]]:
        """Group and observer of each row."""
        observers = self.observers or tuple(map(str, range(len(self.groups))))
        return list(zip(self.groups, observers, strict=True))

    @cached_property
    def comparable(self) -> np.ndarray:
        """Which two rows may be compared, shape (rows, rows).

        They are another's, and under the same references. Groups that are reference conditions
        are compared with each other all the same, which is their purpose, but not two presentation
        schemes. Baselines look at the queries alone, so that their references are blank and fit
        any.
        """
        names = np.array([name for _, name in self.members])
        groups = np.array(self.groups)
        shown = np.array(self.references or [("", "")] * len(groups)).reshape(-1, 2)
        condition, scheme = shown.T
        is_condition = groups == condition
        fits = _alike(scheme) & (_alike(condition) | np.outer(is_condition, is_condition))
        found: np.ndarray = fits & (names[:, None] != names)
        return found


def _alike(names: np.ndarray) -> np.ndarray:
    """Return which two names are the same, or one of them blank."""
    alike: np.ndarray = (names[:, None] == names) | (names[:, None] == "") | (names == "")
    return alike


def answers(trials: pd.DataFrame, group: str = "reference_condition") -> Answers:
    """Arrange trials as one row per observer and references, and one column per item.

    An item is a unit with a pair of queries of a batch, whatever their sides. Of several trials of
    an observer with the same item and references the first one counts; of one with unknown queries
    nobody can say whether it is another's, so that it counts for nothing.

    Parameters
    ----------
    trials
        Main trials of a log; unanswered ones do not count. Each baseline and each machine is a
        group of its own, named after it.
    group
        Column of the people's groups.

    Raises
    ------
    BadInput
        If there is no such column.

    Examples
    --------
    >>> trials = pd.DataFrame(
    ...     {"participant": ["p1", "p1", "p2"], "reference_condition": "natural", "unit": "u1"}
    ... ).assign(observer_kind="person", observer=None)
    >>> trials = trials.assign(query_a=list("acb"), query_b=list("bda"), correct=[1, 0, 1])
    >>> found = answers(trials)
    >>> found.groups
    ('natural', 'natural')
    >>> found.correct
    array([[ 1.,  0.],
           [ 1., nan]])
    """
    if group not in trials.columns:
        raise BadInput(f"no column {group!r} in the trials{nearest(group, trials.columns)}")
    known = trials[trials["correct"].notna()]
    sides = [_text(known, name) for name in ("query_a", "query_b")]
    queries = [np.minimum(*sides), np.maximum(*sides)]
    people = known["observer_kind"].isin(["person", "simulated"])
    is_baseline = known["observer_kind"] == "baseline"
    table = pd.DataFrame(
        {
            "group": known[group].astype(str).where(people, known["observer"].astype(str)),
            "observer": known["observer_kind"].astype(str) + "|" + known["participant"].astype(str),
            **{
                name: _text(known, name).mask(is_baseline, "")
                for name in ("reference_condition", "scheme")
            },
            "item": known["unit"].astype(str).str.cat([_text(known, "batch"), *queries], sep="|"),
            "correct": known["correct"].astype(float).mask((sides[0] == "") & (sides[1] == "")),
        }
    )
    rows = ["group", "observer", "reference_condition", "scheme"]
    wide = table.groupby([*rows, "item"], sort=True)["correct"].first().unstack()
    groups, observers, conditions, schemes = ([str(n) for n in key] for key in _columns(wide.index))
    shown = tuple(zip(conditions, schemes, strict=True))
    return Answers(wide.to_numpy(float), tuple(groups), tuple(observers), shown)


def _text(trials: pd.DataFrame, name: str) -> pd.Series:
    """Return a column as text, blank where nothing is known."""
    if name not in trials.columns:
        return pd.Series("", index=trials.index)
    return trials[name].astype(object).fillna("").astype(str)


def _columns(index: pd.MultiIndex) -> list[pd.Index]:
    return [index.get_level_values(level) for level in range(index.nlevels)]


def kappa_matrix(correct: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Cohen's kappa between all observers, on the items that each two of them share.

    Cohen, Educ. Psychol. Meas. 1960, 20, 37-46; as error consistency Geirhos, Meding & Wichmann,
    Adv. Neural Inf. Process. Syst. 2020, 33.

    Parameters
    ----------
    correct
        Shape (observers, items); 1, 0 or NaN.

    Returns
    -------
    kappa : numpy.ndarray
        Shape (observers, observers), -1 to 1; NaN on the diagonal, where two share no item, and
        where the agreement expected by chance is 1 (both always correct or both always wrong).
    n_shared : numpy.ndarray
        Same shape; number of items that two observers share.

    Examples
    --------
    >>> kappa, n_shared = kappa_matrix(np.array([[1, 1, 0, 0], [1, 0, 0, np.nan]]))
    >>> kappa.round(2)
    array([[nan, 0.4],
           [0.4, nan]])
    >>> n_shared
    array([[4, 3],
           [3, 3]])
    """
    met = np.isfinite(correct)
    right = np.where(met, correct, 0.0)
    wrong = met - right
    shared = met.astype(float) @ met.T
    # kappa = (c_obs - c_exp) / (1 - c_exp),  c_obs: share of items on which both are correct or
    # both wrong,  c_exp = p_i p_j + (1 - p_i) (1 - p_j) with the accuracies on the shared items.
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = (right @ right.T + wrong @ wrong.T) / shared
        p_i = (right @ met.T) / shared
        p_j = p_i.T
        expected = p_i * p_j + (1 - p_i) * (1 - p_j)
        kappa = (observed - expected) / (1 - expected)
    kappa[~(expected < 1 - 1e-12)] = np.nan
    np.fill_diagonal(kappa, np.nan)
    return kappa, shared.astype(int)


def kappa_bounds(first: float, second: float) -> tuple[float, float]:
    """Return the minimum and maximum attainable kappa of two accuracies; NaN if undefined.

    Two observers of accuracies p_i and p_j agree on at least ``|p_i + p_j - 1|`` and at most
    ``1 - |p_i - p_j|`` of the items (Geirhos, Meding & Wichmann, Adv. Neural Inf. Process. Syst.
    2020, 33).

    Examples
    --------
    >>> [round(bound, 3) for bound in kappa_bounds(0.8, 0.6)]
    [-0.364, 0.545]
    """
    expected = first * second + (1 - first) * (1 - second)
    if expected >= 1 - 1e-12:
        return np.nan, np.nan
    low, high = abs(first + second - 1), 1 - abs(first - second)
    return (low - expected) / (1 - expected), (high - expected) / (1 - expected)


def agreement(
    found: Answers,
    n_bootstrap: int = 2000,
    seed: int = 0,
    level: float = LEVEL,
    order: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the mean kappa within and between groups, with bootstrap intervals over observers.

    A pair of observers has a kappa for each presentation scheme (or other references) under which
    both answered the same items; their mean is the pair's. Pairs of observers are not independent,
    so that observers are resampled, not pairs; a group of one, such as a baseline, stays as it is.
    Pairs of an observer with its own copy do not count.

    Parameters
    ----------
    found
        Which observer answered which item correctly.
    n_bootstrap, seed
        Number of bootstrap samples, and their seed.
    level
        Confidence level of the percentile interval.
    order
        Groups that come first, in this order; the others follow, sorted.

    Returns
    -------
    pandas.DataFrame
        One row per two groups (each with itself too): group_1, group_2, kappa, low, high,
        lowest_possible, highest_possible (minimum and maximum attainable at the groups' mean
        accuracies), n_pairs (with a kappa), n_undefined, n_observers_1, n_observers_2, reason.

    Examples
    --------
    >>> correct = np.array([[1, 1, 0, 0], [1, 1, 0, 1], [1, 0, 0, 0], [0, 1, 1, 0]])
    >>> found = Answers(correct, ("natural", "natural", "natural", "centre"))
    >>> agreement(found, 50)[["group_1", "group_2", "kappa", "n_pairs"]].round(3)
       group_1  group_2  kappa  n_pairs
    0   centre   centre    NaN        0
    1   centre  natural -0.333        3
    2  natural  natural  0.400        3
    """
    kappa, shared, comparable = _by_member(found)
    defined = np.isfinite(kappa)
    filled = np.where(defined, kappa, 0.0)
    names = [g for g in order if g in found.groups]
    names += sorted(set(found.groups) - set(names))
    of_member = [group for group, _ in dict.fromkeys(found.members)]
    of_row = np.array(found.groups)
    members = {name: np.array([g == name for g in of_member]) for name in names}
    drawn = _bootstrap_counts(members, n_bootstrap, seed)
    rows = []
    for place, one in enumerate(names):
        for two in names[place:]:
            possible = np.outer(members[one], members[two]) & comparable
            pairs = possible & defined
            # Within a group each pair is in the matrix twice.
            copies = 2 if one == two else 1
            low, high = _interval(filled, pairs, drawn[one], drawn[two], level, copies)
            if not pairs.any():
                reason = "chance agreement is 1: every answer is correct, or every answer is wrong"
                if not (possible & (shared > 0)).any():
                    reason = "no two observers share a trial"
            elif members[one].sum() + members[two].sum() < 3:
                reason = "there is only one observer in each group"
            elif pairs.sum() < MIN_PAIRS * copies:
                reason = f"fewer than {MIN_PAIRS} pairs of observers have a kappa"
            else:
                reason = "" if np.isfinite(low) else "all bootstrap samples have the same kappa"
            accuracies = [_mean(found.correct[of_row == name]) for name in (one, two)]
            bounds = kappa_bounds(accuracies[0], accuracies[1])
            rows.append(
                {
                    "group_1": one,
                    "group_2": two,
                    "lowest_possible": bounds[0],
                    "highest_possible": bounds[1],
                    "n_observers_1": int(members[one].sum()),
                    "n_observers_2": int(members[two].sum()),
                    "kappa": float(filled[pairs].mean()) if pairs.any() else np.nan,
                    "n_pairs": int(pairs.sum()) // copies,
                    "n_undefined": int(possible.sum() - pairs.sum()) // copies,
                    "low": low,
                    "high": high,
                    "reason": not_computable(reason) if reason else "",
                }
            )
    return pd.DataFrame(rows)


def _by_member(found: Answers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return kappa, shared items, and whether any rows are comparable, of each two members.

    Members are observers in their groups, in the order of :attr:`Answers.members`.
    """
    kappa, shared = kappa_matrix(found.correct)
    shared = np.where(found.comparable, shared, 0)
    defined = np.isfinite(kappa) & found.comparable
    place = {member: n for n, member in enumerate(dict.fromkeys(found.members))}
    is_row_of = np.zeros((len(place), len(found.members)))
    is_row_of[[place[member] for member in found.members], range(len(found.members))] = 1

    def summed(matrix: np.ndarray) -> np.ndarray:
        total: np.ndarray = is_row_of @ matrix @ is_row_of.T
        return total

    number = summed(defined)
    with np.errstate(invalid="ignore"):
        mean = summed(np.where(defined, kappa, 0.0)) / number
    return mean, summed(shared), summed(found.comparable) > 0


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _bootstrap_counts(
    members: dict[str, np.ndarray], n_bootstrap: int, seed: int
) -> dict[str, np.ndarray]:
    """Return, by group, how often each observer is in each sample: shape (samples, observers)."""
    rng = np.random.default_rng(seed)
    drawn = {}
    for name in sorted(members):
        inside = members[name]
        counts = np.zeros((n_bootstrap, len(inside)))
        share = np.full(inside.sum(), 1 / inside.sum())
        counts[:, inside] = rng.multinomial(inside.sum(), share, n_bootstrap)
        drawn[name] = counts
    return drawn


def _interval(
    kappa: np.ndarray,
    pairs: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    level: float,
    copies: int,
) -> tuple[float, float]:
    """Return the percentile interval of the mean kappa; NaN where there is none."""
    if pairs.sum() < MIN_PAIRS * copies:
        return np.nan, np.nan
    # A sample in which observer i is drawn c_i times and j d_j times has the mean
    # sum_ij c_i k_ij d_j / sum_ij c_i d_j over the pairs that have a kappa.
    weights = ((first @ pairs) * second).sum(1)
    sums = ((first @ np.where(pairs, kappa, 0.0)) * second).sum(1)
    means = sums[weights > 0] / weights[weights > 0]
    if len(means) < 2 or np.ptp(means) == 0:
        return np.nan, np.nan
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
