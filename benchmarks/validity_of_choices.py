"""Checks of accuracies, differences and mixed models, on studies of two conditions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from scipy import special

from analysis.statistics.contrasts import SMALLEST_EFFECT, compare_conditions
from analysis.statistics.estimates import CIUnit
from analysis.statistics.mixed_contrasts import mixed_contrasts
from analysis.statistics.mixed_models import mixed_linear, mixed_logistic
from analysis.statistics.performance import accuracy

Found = dict[tuple[str, str], bool | float]
"""A quantity and its target, to whether a study met it, or to a number that is averaged."""

N_PARTICIPANTS, N_UNITS, REPEATS = 20, 20, 2
PARTICIPANT_SD, UNIT_SD = 0.5, 0.7
LOGIT = 0.8
UNITS: tuple[CIUnit, ...] = ("crossed", "participant", "unit", "trial")


def study(
    seed: int,
    effect: float = 0.0,
    unit_slope: float = 0.0,
    participant_slope: float = 0.0,
    participants: int = N_PARTICIPANTS,
) -> pd.DataFrame:
    """Simulate a study in which every participant meets every unit in both conditions, twice.

    Parameters
    ----------
    seed
        Seed of participants, units and answers.
    effect
        Natural minus none, in logits.
    unit_slope, participant_slope
        Standard deviations of the effect over units and participants; a quarter of them for log
        times.
    participants
        Number of participants.
    """
    rng = np.random.default_rng(seed)
    of_participant = rng.normal(0, PARTICIPANT_SD, participants)
    of_unit = rng.normal(0, UNIT_SD, N_UNITS)
    of_units = rng.normal(0, unit_slope, N_UNITS)
    of_participants = rng.normal(0, participant_slope, participants)
    shape = (participants, N_UNITS, 2, REPEATS)
    p, u, c, _ = (index.ravel() for index in np.indices(shape))
    slope = effect + of_units[u] + of_participants[p]
    chance = special.expit(LOGIT + of_participant[p] + of_unit[u] + (c - 0.5) * slope)
    log_rt = 0.3 + 0.2 * of_participant[p] + 0.15 * of_unit[u] + rng.normal(0, 0.4, len(p))
    log_rt += (c - 0.5) * 0.25 * slope
    return pd.DataFrame(
        {
            "participant": p,
            "unit": u,
            "reference_condition": np.where(c == 1, "natural", "none"),
            "correct": rng.random(len(p)) < chance,
            "log_rt": log_rt,
            "rt_s": np.exp(log_rt),
        }
    )


@cache
def expected_accuracy(shift: float = 0.0, slope_sd: float = 0.0) -> float:
    """Return the expected accuracy of new participants with new units."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    spread = np.sqrt(PARTICIPANT_SD**2 + UNIT_SD**2 + slope_sd**2 / 4)
    return float(weights @ special.expit(LOGIT + shift + spread * nodes) / weights.sum())


@cache
def effect_of_interest() -> float:
    """Return the difference in logits at which accuracies differ by the smallest effect."""
    tried = np.linspace(0, 2, 20_001)
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    spread = np.hypot(PARTICIPANT_SD, UNIT_SD)
    means = [
        special.expit(LOGIT + sign * tried[:, None] / 2 + spread * nodes) @ weights / weights.sum()
        for sign in (1, -1)
    ]
    return float(tried[np.argmin(np.abs(means[0] - means[1] - SMALLEST_EFFECT))])


def intervals(seed: int) -> Found:
    """Check the coverage of four intervals and the false positives of their tests."""
    varying, plain = study(seed, 0.0, 0.6), study(10_000_000 + seed)
    truth = expected_accuracy(0.0, 0.6)
    found: Found = {}
    for unit in UNITS:
        target = "95 %" if unit == "crossed" else "lower: it generalises over less"
        what = f"accuracy, {unit} interval: coverage over new participants and units"
        found[what, target] = covers(accuracy(varying, (), unit).iloc[0], truth)
    for effect, trials in (("an effect that varies over units", varying), ("no effect", plain)):
        for unit in UNITS:
            p = compare_conditions(trials, unit)["p"].iloc[0]
            what = f"difference, {unit} test: false positives, {effect}"
            found[what, "at most 5 %"] = bool(p < 0.05)
    return found


def evidence(seed: int) -> Found:
    """Check equivalence tests at their bound, and Bayes factors with and without an effect."""
    edge = compare_conditions(study(30_000_000 + seed, effect_of_interest())).iloc[0]
    none = compare_conditions(study(31_000_000 + seed)).iloc[0]
    return {
        ("difference of .10, crossed interval: coverage", "95 %"): covers(edge, SMALLEST_EFFECT),
        ("TOST, difference of .10: false equivalence", "at most 5 %"): bool(
            edge["p_equivalence"] < 0.05
        ),
        ("TOST, no effect: equivalence found", "often"): bool(none["p_equivalence"] < 0.05),
        ("Bayes factor, no effect: above 3", "rarely"): bool(none["bayes_factor"] > 3),
        ("Bayes factor, no effect: below 1/3", "often"): bool(none["bayes_factor"] < 1 / 3),
        ("Bayes factor, difference of .10: above 3", "often"): bool(edge["bayes_factor"] > 3),
    }


def between(seed: int) -> Found:
    """Check the test of two conditions that different participants met."""
    trials = study(40_000_000 + seed)
    first = trials["participant"] < N_PARTICIPANTS // 2
    half = trials[first == (trials["reference_condition"] == "natural")]
    row = compare_conditions(half).iloc[0]
    return {
        ("difference between participants, crossed test: false positives", "at most 5 %"): bool(
            row["p"] < 0.05
        )
    }


def ceiling(seed: int) -> Found:
    """Check intervals of accuracies up to 99 %, those with a bound at 100 % among them."""
    found: Found = {}
    p, u = (index.ravel() for index in np.indices((N_PARTICIPANTS, N_UNITS)))
    for truth in (0.5, 0.8, 0.9, 0.95, 0.975, 0.99):
        rng = np.random.default_rng([seed, int(1000 * truth)])
        for unit, unit_sd in (("crossed", UNIT_SD), ("participant", 0.0)):
            logits = logit_of(truth, float(np.hypot(PARTICIPANT_SD, unit_sd)))
            logits = logits + rng.normal(0, PARTICIPANT_SD, N_PARTICIPANTS)[p]
            logits += rng.normal(0, unit_sd, N_UNITS)[u]
            trials = pd.DataFrame({"participant": p, "unit": u})
            trials["correct"] = rng.random(len(p)) < special.expit(logits)
            what = f"accuracy of {truth:g}, {unit} interval, one trial a unit: coverage"
            found[what, "95 %"] = covers(accuracy(trials, (), unit).iloc[0], truth)
    return found


@cache
def logit_of(truth: float, spread: float) -> float:
    """Return the logit at which the accuracy is so on average, with a normal spread of logits."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    tried = np.linspace(-1, 8, 9001)
    means = special.expit(tried[:, None] + spread * nodes) @ weights / weights.sum()
    return float(np.interp(truth, means, tried))


def rotation(seed: int) -> Found:
    """Check differences where participants and units do not meet every condition alike.

    The effect varies over units (SD 0.6 logits) and over participants (SD 0.4).
    """
    found: Found = {}
    for effect, number in ((0.0, 60_000_000), (0.8, 61_000_000)):
        trials = study(number + seed, effect, 0.6, 0.4)
        p, u = trials["participant"], trials["unit"]
        is_natural = trials["reference_condition"] == "natural"
        kept = np.random.default_rng(seed).random(len(trials)) < np.where(is_natural, 0.8, 0.4)
        designs = {
            "trials missing at random": kept,
            "units rotated over conditions": (p + u) % 2 == is_natural,
            "other units in each condition": (u % 2) == is_natural,
            "other participants in each condition, 7 and 13": (p % 3 == 0) == is_natural,
        }
        truth = varying_difference(effect)
        for name, rows in designs.items():
            row = compare_conditions(trials[rows]).iloc[0]
            if effect:
                found[f"difference, {name}: coverage", "95 %"] = covers(row, truth)
            else:
                found[f"difference, {name}: false positives", "5 %"] = bool(row["p"] < 0.05)
    return found


@cache
def varying_difference(effect: float) -> float:
    """Return the expected difference in accuracy where effects vary as in :func:`rotation`."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    spread = np.linalg.norm([PARTICIPANT_SD, UNIT_SD, 0.2, 0.3])
    means = [weights @ special.expit(LOGIT + s * effect / 2 + spread * nodes) for s in (1, -1)]
    return float((means[0] - means[1]) / weights.sum())


def mixed(seed: int) -> Found:
    """Check mixed models with random intercepts, where no effect varies."""
    trials = study(20_000_000 + seed, 0.8)
    # The second level is compared with the first: none against natural.
    logistic = mixed_logistic(trials).coefficients.iloc[1]
    linear = mixed_linear(trials, "log_rt").coefficients.iloc[1]
    return {
        ("mixed logistic, intercepts: coverage", "95 %"): covers(logistic, -0.8),
        ("mixed logistic, intercepts: mean estimate", "-0.8"): float(logistic["estimate"]),
        ("mixed linear, intercepts: coverage", "95 %"): covers(linear, -0.2),
        ("mixed linear, intercepts: mean estimate", "-0.2"): float(linear["estimate"]),
    }


def slopes(seed: int) -> Found:
    """Check mixed models where the effect varies over participants and units."""
    trials = study(50_000_000 + seed, 0.8, 0.6, 0.4)
    full = mixed_logistic(trials, slopes=("reference_condition",))
    plain = mixed_logistic(trials).coefficients.iloc[1]
    found: Found = {
        ("mixed logistic, intercepts, effect varies: coverage", "95 %"): covers(plain, -0.8),
        ("mixed logistic, slopes: coverage", "95 %"): covers(full.coefficients.iloc[1], -0.8),
        ("mixed logistic, slopes: mean SD over units", "0.6"): full.standard_deviations["unit"][
            "reference_condition none"
        ],
        ("mixed logistic, slopes: mean SD over participants", "0.4"): full.standard_deviations[
            "participant"
        ]["reference_condition none"],
    }
    rows = mixed_contrasts(trials).set_index("model")
    for model, truth in (("right_answers", 0.8), ("log_rt", 0.2)):
        found[f"the report's model, effect varies, {model}: coverage", "95 %"] = covers(
            rows.loc[model], truth
        )
    return found


def small_within(seed: int) -> Found:
    """Check mixed models of few participants, who meet both conditions; the effect varies."""
    found: Found = {}
    for people in (5, 10, 20):
        trials = study(70_000_000 + 100 * seed + people, 0.0, 0.6, 0.4, people)
        found |= _false_positives(trials, f"{people} participants, both conditions each")
    return found


def small_between(seed: int) -> Found:
    """Check mixed models of few participants, who meet one condition each."""
    found: Found = {}
    for people in (5, 10, 20):
        trials = study(80_000_000 + 100 * seed + people, 0.0, 0.6, 0.4, people)
        is_first = trials["participant"] % 2 == 0
        half = trials[is_first == (trials["reference_condition"] == "natural")]
        found |= _false_positives(half, f"{people} participants, one condition each")
    return found


def _false_positives(trials: pd.DataFrame, what: str) -> Found:
    rows = mixed_contrasts(trials).set_index("model")
    names = {"right_answers": "mixed logistic", "log_rt": "mixed linear"}
    # A fit that does not converge has no p, and counts for nothing.
    return {
        (f"{name}, {what}: false positives", "5 %"): bool(rows["p"][model] < 0.05)
        for model, name in names.items()
        if np.isfinite(rows["p"][model])
    }


def covers(row: pd.Series, truth: float) -> bool:
    """Return whether a row's interval contains the truth."""
    return bool(row["low"] <= truth <= row["high"])


CHOICES: dict[str, Callable[[int], Found]] = {
    "intervals": intervals,
    "evidence": evidence,
    "between": between,
    "ceiling": ceiling,
    "rotation": rotation,
    "mixed": mixed,
    "slopes": slopes,
    "small_within": small_within,
    "small_between": small_between,
}
