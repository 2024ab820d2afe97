"""What is taken to be true of observers, and what a simulated study may find."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import optimize, special, stats

from analysis.statistics.estimates import Estimate
from analysis.statistics.evidence import equivalence, holm
from analysis.statistics.intervals import wilson
from unitscope.errors import BadInput

AT_ONCE = 50
"""Studies that are drawn together; part of what a seed means."""

CHANCE = "chance"
"""Second of a pair whose first is tested against guessing."""


@dataclass(frozen=True)
class Assumptions:
    """What is taken to be true of observers.

    The logit of a correct answer is that of its condition, plus a participant's and a unit's own
    part, plus what a participant and a unit add to each condition; all four are normal. Where a
    trial has several units, the mean of their parts counts.

    Parameters
    ----------
    accuracies
        Reference condition to the proportion correct, averaged over participants and units.
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

    def logits(self, conditions: Sequence[str], units_per_trial: int = 1) -> np.ndarray:
        """Return the logits, shape (conditions,), whose averages are the accuracies."""
        of_units = math.hypot(self.unit_sd, self.unit_effect_sd) / math.sqrt(units_per_trial)
        spread = math.hypot(self.participant_sd, self.participant_effect_sd, of_units)
        nodes, weights = np.polynomial.hermite_e.hermegauss(41)
        weights = weights / weights.sum()

        def solve(accuracy: float) -> float:
            def excess(logit: float) -> float:
                return float(weights @ special.expit(logit + spread * nodes)) - accuracy

            bound = 20 + 20 * spread
            return float(optimize.brentq(excess, -bound, bound))

        return np.array([solve(self.accuracies[condition]) for condition in conditions])


def draw_answers(
    rng: np.random.Generator,
    studies: int,
    assumed: Assumptions,
    logits: np.ndarray,
    participant: np.ndarray,
    condition: np.ndarray,
    units: np.ndarray,
) -> np.ndarray:
    """Draw the answers of some studies; each study has participants and units of its own.

    Parameters
    ----------
    rng
        Draws every part and every answer.
    studies
        How many.
    assumed, logits
        What is true of observers, and of each condition, :meth:`Assumptions.logits`.
    participant, condition
        Of each trial, from 0, shape (trials,).
    units
        Of each trial, from 0, shape (trials, units of a trial).

    Returns
    -------
    numpy.ndarray
        1 for correct and 0 for incorrect, shape (trials, studies).
    """
    n_people, n_units = participant.max() + 1, units.max() + 1
    own = np.repeat(logits[condition][:, None], studies, axis=1)
    own += rng.normal(0, assumed.participant_sd, (n_people, studies))[participant]
    own += rng.normal(0, assumed.unit_sd, (n_units, studies))[units].mean(axis=1)
    shape = (len(logits), studies)
    effects = rng.normal(0, assumed.participant_effect_sd, (n_people, *shape))
    own += effects[participant, condition]
    effects = rng.normal(0, assumed.unit_effect_sd, (n_units, *shape))
    own += effects[units, condition[:, None]].mean(axis=1)
    correct: np.ndarray = rng.random(own.shape) < special.expit(own)
    return correct.astype(float)


class Simulated(Protocol):
    """A planned study whose answers can be drawn and tested many times.

    Parameters
    ----------
    pairs
        What is compared: first, second, and their assumed difference.
    n_units, n_trials
        Units, and a participant's main trials in a condition, on average.
    """

    pairs: list[tuple[str, str, float]]
    n_units: int
    n_trials: float

    def p_values(self, rng: np.random.Generator, simulations: int) -> Iterator[np.ndarray]:
        """Yield p of difference and of equivalence of each study, shape (2, pairs)."""
        ...


def p_of(estimate: Estimate, smallest_effect: float) -> tuple[float, float]:
    """Return p of a difference from 0, and of the two one-sided tests; NaN without a test."""
    if not estimate.has_interval:
        return math.nan, math.nan
    error, df = estimate.standard_error, estimate.df
    p = 2 * float(stats.t.sf(abs(estimate.value / error), df))
    return p, equivalence(estimate.value, error, df, smallest_effect)


def shares_found(
    study: Simulated, found: np.ndarray, participants: int, alpha: float
) -> Iterator[dict[str, object]]:
    """Return a row per pair: the share of studies, shape (studies, 2, pairs), that found it.

    Holm's correction is over the pairs of conditions, as in the report.
    """
    number = len(found)
    compared = [second != CHANCE for _, second, _ in study.pairs]
    corrected = found.copy()
    corrected[:, :, compared] = [[holm(p[compared]) for p in tests] for tests in found]
    for i, (first, second, difference) in enumerate(study.pairs):
        hits, holm_hits = (int((p[:, 0, i] < alpha).sum()) for p in (found, corrected))
        low, high = wilson(hits, number)
        holm_low, holm_high = wilson(holm_hits, number)
        yield {
            "participants": participants,
            "units": study.n_units,
            "trials": round(study.n_trials, 2),
            "first": first,
            "second": second,
            "difference": round(difference, 10),
            "power": hits / number,
            "low": low,
            "high": high,
            "power_holm": holm_hits / number,
            "holm_low": holm_low,
            "holm_high": holm_high,
            "power_equivalence": float((corrected[:, 1, i] < alpha).mean()),
            "untestable": float(np.isnan(found[:, 0, i]).mean()),
            "simulations": number,
        }
