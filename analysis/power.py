"""How likely a study is to find a difference, by simulating it from its design."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import optimize, sparse, special, stats

from analysis.between import difference_between
from analysis.contrasts import SMALLEST_EFFECT
from analysis.estimates import LEVEL, Estimate
from analysis.evidence import equivalence, holm
from analysis.intervals import mean_with_interval, wilson
from analysis.trial_structure import conditions_in, main_trials_of
from conditions.design import Design
from conditions.errors import BadInput, nearest

AT_ONCE = 50
"""Studies that are drawn together; part of what a seed means."""


@dataclass(frozen=True)
class Assumptions:
    """What is taken to be true of observers.

    The logit of a right answer is that of its condition, plus a participant's and a unit's own
    part, plus what a participant and a unit add to each condition; all four are normal.

    Parameters
    ----------
    accuracies
        Reference condition to the share of right answers, averaged over participants and units.
    participant_sd, unit_sd
        Of participants' and units' own parts, in logits.
    participant_effect_sd, unit_effect_sd
        Of what they add to a condition, in logits: how much the effect differs between them.

    Raises
    ------
    BadInput
        If an accuracy is not between 0 and 1, or a standard deviation is below 0.
    """

    accuracies: Mapping[str, float]
    participant_sd: float = 0.5
    unit_sd: float = 0.5
    participant_effect_sd: float = 0.2
    unit_effect_sd: float = 0.3

    def __post_init__(self) -> None:
        for condition, accuracy in self.accuracies.items():
            if not 0 < accuracy < 1:
                raise BadInput(f"accuracy of {condition} is {accuracy:g}, expected between 0 and 1")
        for name in ("participant_sd", "unit_sd", "participant_effect_sd", "unit_effect_sd"):
            if not 0 <= getattr(self, name) < math.inf:
                raise BadInput(f"{name} is {getattr(self, name):g}, expected 0 or more")

    def logits(self, conditions: Sequence[str]) -> np.ndarray:
        """Return the logits, shape (conditions,), whose averages are the accuracies."""
        spread = math.hypot(
            self.participant_sd, self.unit_sd, self.participant_effect_sd, self.unit_effect_sd
        )
        nodes, weights = np.polynomial.hermite_e.hermegauss(41)
        weights = weights / weights.sum()

        def solve(accuracy: float) -> float:
            def excess(logit: float) -> float:
                return float(weights @ special.expit(logit + spread * nodes)) - accuracy

            bound = 20 + 20 * spread
            return float(optimize.brentq(excess, -bound, bound))

        return np.array([solve(self.accuracies[condition]) for condition in conditions])


def power_table(
    design: Design,
    assumptions: Assumptions,
    participants: Sequence[int],
    units: Sequence[int | None] = (None,),
    *,
    simulations: int = 500,
    level: float = LEVEL,
    smallest_effect: float = SMALLEST_EFFECT,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Simulate studies and count in how many the analysis finds each difference.

    Every pair of reference conditions is tested as :func:`analysis.contrasts.compare_conditions`
    does it with crossed intervals.

    Parameters
    ----------
    design
        Says who meets which unit in which condition.
    assumptions
        Has an accuracy for every condition.
    participants
        Numbers of participants, each for studies of its own.
    units
        Numbers of units, drawn from the design's by the seed, each for studies of its own, which
        have fewer trials accordingly; None for all units.
    simulations
        Studies for each combination.
    level
        A p value below ``1 - level`` counts as found.
    smallest_effect
        For the test of equivalence.
    seed
        Fixes everything drawn.
    progress
        Whether to show it.

    Returns
    -------
    pandas.DataFrame
        One row per number of participants, of units and pair: participants, units, trials (a
        participant's in a condition, on average), first, second, difference (assumed), power and
        power_holm (share of studies with p and with Holm-corrected p below ``1 - level``), low and
        high, holm_low and holm_high (their 95 % Wilson intervals), power_equivalence (share in
        which TOST is significant), untestable (share without a test), simulations.

    Raises
    ------
    BadInput
        If the design compares nothing, or a number cannot be used.
    """
    from tqdm import tqdm

    conditions = _check(design, assumptions, participants, units, simulations)
    rows: list[dict[str, object]] = []
    with tqdm(
        total=len(participants) * len(units) * simulations, unit="study", disable=not progress
    ) as bar:
        for number in participants:
            planned = main_trials_of(design, number)
            for some in units:
                plan = _only(planned, some, seed)
                study = _Study(plan, conditions, assumptions, level, smallest_effect)
                found = []
                rng = np.random.default_rng([seed, number, some or 0])
                for p in study.p_values(rng, simulations):
                    found.append(p)
                    bar.update()
                rows += study.rows(np.array(found), number)
    return pd.DataFrame(rows)


def _check(
    design: Design,
    assumptions: Assumptions,
    participants: Sequence[int],
    units: Sequence[int | None],
    simulations: int,
) -> list[str]:
    conditions = conditions_in(design)
    if len(conditions) < 2:
        raise BadInput(
            f"{design.path}: all main trials have reference condition {conditions[0]}, so there "
            "is no difference to look for"
        )
    for name in assumptions.accuracies:
        if name not in conditions:
            raise BadInput(
                f"{design.path}: no main trial has reference condition "
                f"{name!r}{nearest(name, conditions)}; found {', '.join(conditions)}"
            )
    for name in conditions:
        if name not in assumptions.accuracies:
            raise BadInput(f"no accuracy is assumed for reference condition {name!r}")
    for what, number, least in (
        *(("participants", number, 2) for number in participants),
        *(("units", number, 2) for number in units if number is not None),
        ("simulations", simulations, 1),
    ):
        if number < least:
            raise BadInput(f"{what} is {number}, expected {least} or more")
    return conditions


def _only(plan: pd.DataFrame, units: int | None, seed: int) -> pd.DataFrame:
    """Return the trials about so many units."""
    if units is None:
        return plan
    known = np.sort(plan["unit"].unique())
    if units > len(known):
        raise BadInput(
            f"units is {units}, expected at most {len(known)}, as the design has no more"
        )
    return plan[plan["unit"].isin(np.random.default_rng(seed).permutation(known)[:units])]


class _Study:
    """A plan whose answers can be drawn and tested many times."""

    def __init__(
        self,
        plan: pd.DataFrame,
        conditions: list[str],
        assumptions: Assumptions,
        level: float,
        smallest_effect: float,
    ) -> None:
        self.plan = plan
        self.conditions = conditions
        self.assumptions = assumptions
        self.level, self.smallest_effect = level, smallest_effect
        self.logits = assumptions.logits(conditions)
        self.pairs = list(combinations(range(len(conditions)), 2))
        self._tests = [_Test(plan, *pair) for pair in self.pairs]

    def p_values(self, rng: np.random.Generator, simulations: int) -> Iterator[np.ndarray]:
        """Yield p of difference and of equivalence of each study, shape (2, pairs)."""
        for begin in range(0, simulations, AT_ONCE):
            answers = self._draw(rng, AT_ONCE)[:, : simulations - begin]
            tested = [test.estimates(answers, self.level) for test in self._tests]
            for estimates in zip(*tested, strict=True):
                yield np.array([self._p(one) for one in estimates]).T

    def _draw(self, rng: np.random.Generator, number: int) -> np.ndarray:
        """Draw the answers of some studies, shape (trials, studies), 1 for right."""
        a = self.assumptions
        participant, unit, condition = (
            self.plan[name].to_numpy() for name in ("participant", "unit", "condition")
        )
        n_participants, n_units = participant.max() + 1, unit.max() + 1
        own = np.repeat(self.logits[condition][:, None], number, axis=1)
        own += rng.normal(0, a.participant_sd, (n_participants, number))[participant]
        own += rng.normal(0, a.unit_sd, (n_units, number))[unit]
        shape = (len(self.conditions), number)
        own += rng.normal(0, a.participant_effect_sd, (n_participants, *shape))[
            participant, condition
        ]
        own += rng.normal(0, a.unit_effect_sd, (n_units, *shape))[unit, condition]
        right: np.ndarray = rng.random(own.shape) < special.expit(own)
        return right.astype(float)

    def _p(self, estimate: Estimate) -> tuple[float, float]:
        if not estimate.has_interval:
            return math.nan, math.nan
        error, df = estimate.standard_error, estimate.df
        p = 2 * float(stats.t.sf(abs(estimate.value / error), df))
        return p, equivalence(estimate.value, error, df, self.smallest_effect)

    def rows(self, found: np.ndarray, participants: int) -> Iterator[dict[str, object]]:
        """Return the share of studies, shape (studies, 2, pairs), that found each difference."""
        alpha, number = 1 - self.level, len(found)
        corrected = np.array([holm(p) for p in found[:, 0]])
        per_condition = self.plan.groupby(["participant", "condition"]).size().mean()
        for i, (first, second) in enumerate(self.pairs):
            hits, holm_hits = (int((p[:, i] < alpha).sum()) for p in (found[:, 0], corrected))
            low, high = wilson(hits, number)
            holm_low, holm_high = wilson(holm_hits, number)
            names = self.conditions[first], self.conditions[second]
            accuracies = [self.assumptions.accuracies[name] for name in names]
            yield {
                "participants": participants,
                "units": int(self.plan["unit"].nunique()),
                "trials": round(float(per_condition), 2),
                "first": names[0],
                "second": names[1],
                "difference": round(accuracies[0] - accuracies[1], 10),
                "power": hits / number,
                "low": low,
                "high": high,
                "power_holm": holm_hits / number,
                "holm_low": holm_low,
                "holm_high": holm_high,
                "power_equivalence": float((found[:, 1, i] < alpha).mean()),
                "untestable": float(np.isnan(found[:, 0, i]).mean()),
                "simulations": number,
            }


class _Test:
    """The analysis' test of one pair of conditions on drawn answers."""

    def __init__(self, plan: pd.DataFrame, first: int, second: int) -> None:
        self._plan = plan.astype({"unit": str})
        chosen = [np.flatnonzero(plan["condition"] == one) for one in (first, second)]
        self._chosen = chosen
        cells = plan["participant"].to_numpy() * (plan["unit"].max() + 1) + plan["unit"].to_numpy()
        both = np.intersect1d(cells[chosen[0]], cells[chosen[1]])
        self._labels = np.divmod(both, plan["unit"].max() + 1)
        self._average = _averages(cells, both, chosen[0]) - _averages(cells, both, chosen[1])
        who = [set(plan["participant"].iloc[rows]) for rows in chosen]
        self._is_between = not who[0] & who[1]

    def estimates(self, answers: np.ndarray, level: float) -> list[Estimate]:
        """Return the difference and its interval of each study; answers (trials, studies)."""
        if self._is_between:
            return [self._between(one, level) for one in answers.T]
        return [
            mean_with_interval(one, *self._labels, "crossed", level)
            for one in (self._average @ answers).T
        ]

    def _between(self, answers: np.ndarray, level: float) -> Estimate:
        parts = [self._plan.iloc[rows].assign(correct=answers[rows]) for rows in self._chosen]
        return difference_between(parts[0], parts[1], "crossed", level)


def _averages(cells: np.ndarray, wanted: np.ndarray, rows: np.ndarray) -> sparse.csr_matrix:
    """Return a matrix, wanted cells x trials, that averages the given trials of each cell."""
    rows = rows[np.isin(cells[rows], wanted)]
    places = np.searchsorted(wanted, cells[rows])
    share = 1 / np.bincount(places, minlength=len(wanted))[places]
    return sparse.csr_matrix((share, (places, rows)), (len(wanted), len(cells)))


def parse_numbers(what: str, text: str) -> list[int]:
    """Read numbers such as ``30``, ``10,20,40``, ``10-60`` (six of them) or ``10-60:5``.

    Raises
    ------
    BadInput
        If the text is anything else.
    """
    found: set[int] = set()
    for part in text.split(","):
        read = re.fullmatch(r"\s*(\d+)(?:-(\d+)(?::(\d+))?)?\s*", part)
        if not read or (read[2] and int(read[2]) < int(read[1])) or read[3] == "0":
            raise BadInput(
                f"{what} {text!r}: found {part!r}, expected such as 30, 10-60 or 10-60:5"
            )
        first, last = int(read[1]), int(read[2] or read[1])
        found |= (
            set(range(first, last + 1, int(read[3])))
            if read[3]
            else {round(number) for number in np.linspace(first, last, 6)}
        )
    return sorted(found)


def parse_accuracies(
    given: Sequence[str], design: Design, base: float, effect: float
) -> dict[str, float]:
    """Return each condition's accuracy: as given, else the base; without any, from an effect.

    Parameters
    ----------
    given
        Such as ``natural=0.85``.
    design
        Its first condition, in the vocabulary's order, has the effect.
    base, effect
        Accuracy of the other conditions, and how much higher the first one's is.

    Raises
    ------
    BadInput
        If something else is given.
    """
    conditions = conditions_in(design)
    found = dict.fromkeys(conditions, base)
    if not given:
        return found | {conditions[0]: base + effect}
    for text in given:
        name, _, number = text.partition("=")
        try:
            found[name] = float(number)
        except ValueError:
            raise BadInput(f"accuracy {text!r}: expected such as natural=0.85") from None
    return found
