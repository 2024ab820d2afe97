"""Checks of agreement, reliability, confidence, matching, trends and power."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from scipy import integrate, special, stats
from validity_of_choices import Found, covers

from analysis.planning.power import Assumptions, power_table
from analysis.statistics.activation_difference import trend
from analysis.statistics.agreement import Answers, agreement
from analysis.statistics.confidence import (
    calibration,
    metacognition,
    metacognition_by_participant,
    metacognition_means,
)
from analysis.statistics.matching import matching_scores
from analysis.statistics.reliability import split_half
from conditions.design.reading import read_design
from unitscope.vocabulary import REFERENCE_CONDITIONS

N_OBSERVERS, N_ITEMS = 20, 120


def kappa(seed: int) -> Found:
    """Check kappa within and between two groups whose members find the same items hard."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(0.8, 1.0, N_ITEMS)
    skill = rng.normal(0, 0.4, (2 * N_OBSERVERS, 1))
    right = (rng.random((2 * N_OBSERVERS, N_ITEMS)) < special.expit(hard + skill)).astype(float)
    many = rng.random((600, N_ITEMS)) < special.expit(hard + rng.normal(0, 0.4, (600, 1)))
    truth = _mean_kappa(many)
    names = tuple("ab"[i // N_OBSERVERS] for i in range(2 * N_OBSERVERS))
    table = agreement(Answers(right, names), 400, seed)
    table = table.set_index(["group_1", "group_2"])
    found: Found = {}
    for what, pair in (("within a group", ("a", "a")), ("between groups", ("a", "b"))):
        row = table.loc[pair]
        found[f"kappa {what} of 20, bootstrap over observers: coverage", "95 %"] = covers(
            row, truth
        )
        found[f"kappa {what}: mean error", "0"] = float(row["kappa"] - truth)
    return found


def _mean_kappa(right: np.ndarray) -> float:
    """Return the mean kappa of all pairs of observers, from its definition."""
    share = right.mean(1)
    same = (right @ right.T.astype(float) + (~right) @ (~right).T.astype(float)) / right.shape[1]
    by_chance = np.outer(share, share) + np.outer(1 - share, 1 - share)
    values = (same - by_chance) / (1 - by_chance)
    return float(values[np.triu_indices(len(right), 1)].mean())


def reliability(seed: int) -> Found:
    """Check split halves: 24 participants, units that differ and units that do not."""
    found: Found = {}
    for sd in (1.0, 0.0):
        rng = np.random.default_rng([seed, int(sd)])
        chance = special.expit(rng.normal(0.5, sd, 60))
        p, u = (index.ravel() for index in np.indices((24, 60)))
        right = rng.random(len(p)) < chance[u]
        shown = split_half(
            pd.DataFrame({"participant": p, "unit": u, "correct": right}), 60, 100, seed
        )
        # Reliability of the means of 24 participants: variance of units over total variance.
        varies = chance.var(ddof=1) if sd else 0.0
        truth = varies / (varies + (chance * (1 - chance)).mean() / 24)
        what = "units differ" if sd else "units do not differ"
        found[f"split-half reliability, {what}: coverage", "95 %"] = bool(
            shown.low <= truth <= shown.high
        )
        found[f"split-half reliability, {what}: mean error", "0"] = shown.full - truth
    return found


def confidence(seed: int) -> Found:
    """Check meta-d', the type-2 ROC and calibration of ideal and of random confidence."""
    rng = np.random.default_rng(seed)
    n, d_prime = 1200, 1.5
    trials = _sure_answers(rng, np.full(n, d_prime))
    ideal = metacognition(trials)
    random = metacognition(trials.assign(confidence=rng.integers(1, 4, n)))
    table = calibration(trials, (), "participant").set_index("confidence")
    found: Found = {
        ("meta-d' / d' of ideal confidence: mean", "1"): ideal.m_ratio,
        ("meta-d' of random confidence: mean", "0"): random.meta_d,
        ("type-2 area of ideal confidence: mean", f"{_ideal_area(d_prime):.3f}"): ideal.type_2_auc,
        ("type-2 area of random confidence: mean", "0.5"): random.type_2_auc,
    }
    apart = rng.normal(d_prime, 0.4, 20)
    each = metacognition_by_participant(_sure_answers(rng, np.tile(apart, n // 20)), by=())
    areas = metacognition_means(each, by=()).set_index("measure").loc["type_2_auc"]
    truth = float(np.mean([_ideal_area(d) for d in d_prime + 0.4 * _quantiles_of_normal()]))
    what = "type-2 area, mean of 20 participants with 60 trials"
    found[f"{what}: coverage", "95 %"] = covers(areas, truth)
    truth = _accuracy_beyond(d_prime, 1.3)
    found["calibration, accuracy at confidence 3: coverage", "95 %"] = covers(table.loc[3], truth)
    return found


def _sure_answers(rng: np.random.Generator, d_prime: np.ndarray) -> pd.DataFrame:
    """Simulate 20 participants whose confidence is read from the evidence of each trial."""
    number = np.arange(len(d_prime))
    is_b = rng.random(len(d_prime)) < 0.5
    evidence = np.where(is_b, d_prime / 2, -d_prime / 2) + rng.normal(0, 1, len(d_prime))
    return pd.DataFrame(
        {
            "choice": np.where(evidence > 0, "b", "a"),
            "correct": (evidence > 0) == is_b,
            "confidence": 1 + np.searchsorted(np.array([0.6, 1.3]), np.abs(evidence)),
            "participant": number % 20,
            "unit": number // 20 % 20,
        }
    )


def _quantiles_of_normal() -> np.ndarray:
    quantiles: np.ndarray = stats.norm.ppf((np.arange(200) + 0.5) / 200)
    return quantiles


def _accuracy_beyond(d_prime: float, step: float) -> float:
    correct, wrong = stats.norm.sf(step, d_prime / 2), stats.norm.cdf(-step, d_prime / 2)
    return float(correct / (correct + wrong))


@cache
def _ideal_area(d_prime: float) -> float:
    steps = np.array([np.inf, 1.3, 0.6, 0.0])
    right = stats.norm.sf(steps, d_prime / 2)
    wrong = stats.norm.cdf(-steps, d_prime / 2)
    return float(integrate.trapezoid(right / right[-1], wrong / wrong[-1]))


def matching(seed: int) -> Found:
    """Check scores of exemplar matching by guessing and with half of the pairings known."""
    rng = np.random.default_rng(seed)
    found: Found = {}
    for knows in (0.0, 0.5):
        share = np.clip(rng.normal(knows, 0.15, 20), 0, 1) if knows else np.zeros(20)
        rows = []
        for participant in range(20):
            for _ in range(30):
                known = rng.random() < share[participant]
                order = np.arange(3) if known else rng.permutation(3)
                hits = int((order == np.arange(3)).sum())
                rows.append({"participant": participant, "n_rows": 3, "hits": hits})
        table = matching_scores(pd.DataFrame(rows), by=()).set_index("score")
        for score, chance in (("all_correct", 1 / 6), ("hit_share", 1 / 3)):
            row, truth = table.loc[score], knows + (1 - knows) * chance
            what = "half known" if knows else "guessing"
            found[f"matching, {score}, {what}: coverage", "95 %"] = covers(row, truth)
            if not knows:
                found[f"matching, {score}, guessing: false positives", "5 %"] = bool(
                    row["p"] < 0.05
                )
    return found


def trends(seed: int) -> Found:
    """Check the correlation of activation difference and accuracy over query pairs."""
    found: Found = {}
    for slope in (0.0, 2.0):
        truth = _expected_rho(slope)
        shown = trend(_pairs(np.random.default_rng([seed, int(slope)]), slope, 60), n_bootstrap=300)
        what = "with a trend" if slope else "without a trend"
        found[f"trend over 60 pairs, {what}: coverage", "95 %"] = bool(
            shown.low <= truth <= shown.high
        )
    return found


def _pairs(rng: np.random.Generator, slope: float, number: int) -> pd.DataFrame:
    difference = rng.random(number)
    chance = special.expit(0.3 + slope * difference + rng.normal(0, 0.5, number))
    pair = np.repeat(np.arange(number), 12)
    return pd.DataFrame(
        {
            "unit": pair,
            "batch": 1,
            "relative_activation_difference": difference[pair],
            "correct": rng.random(len(pair)) < chance[pair],
        }
    )


@cache
def _expected_rho(slope: float) -> float:
    trials = _pairs(np.random.default_rng(0), slope, 100_000)
    means = trials.groupby("unit")[["relative_activation_difference", "correct"]].mean()
    return float(stats.spearmanr(means.to_numpy(float)).statistic)


def power(seed: int) -> Found:
    """Check that power without an effect is the level of the test."""
    design = read_design("zimmermann2021_occlusion_experts")
    alike = dict.fromkeys(REFERENCE_CONDITIONS, 0.75)
    table = power_table(design, Assumptions(alike), [10], simulations=20, seed=seed)
    return {("power without an effect", "at most 0.05"): float(table["power"].mean())}


ESTIMATES: dict[str, Callable[[int], Found]] = {
    "kappa": kappa,
    "reliability": reliability,
    "confidence": confidence,
    "matching": matching,
    "trends": trends,
    "power": power,
}
