"""Confidence: meta-d' of an ideal observer is its d', and another program's fits are reproduced."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from analysis.statistics.confidence import (
    calibration,
    metacognition,
    metacognition_by_participant,
    metacognition_means,
    type_2_area,
    type_2_roc,
)


def simulate(seed, n=3000, d_prime=1.5, criterion=0.2, noise=0.0):
    """Simulate a signal detection observer whose confidence reads the evidence with some noise."""
    rng = np.random.default_rng(seed)
    is_b = rng.random(n) < 0.5
    evidence = np.where(is_b, d_prime / 2, -d_prime / 2) + rng.normal(0, 1, n)
    chose_b = evidence > criterion
    read = evidence + rng.normal(0, noise, n) if noise else evidence
    size = np.where((read > criterion) == chose_b, np.abs(read - criterion), 0)
    return pd.DataFrame(
        {
            "choice": np.where(chose_b, "b", "a"),
            "correct": chose_b == is_b,
            "confidence": 1 + (size > 0.6).astype(int) + (size > 1.3).astype(int),
            "reference_condition": "natural",
            "participant": np.repeat(np.arange(10), n // 10),
            "unit": np.tile(np.arange(10), n // 10),
        }
    )


def from_counts(stimulus_a, stimulus_b):
    """Trials with given counts of answers, from surely a to surely b."""
    rows = []
    for is_b, counts in ((False, stimulus_a), (True, stimulus_b)):
        for place, count in enumerate(counts):
            choice = "b" if place >= 3 else "a"
            confidence = place - 2 if place >= 3 else 3 - place
            rows += [(choice, confidence, (choice == "b") == is_b)] * count
    return pd.DataFrame(rows, columns=["choice", "confidence", "correct"])


@pytest.mark.parametrize(
    ("stimulus_a", "stimulus_b", "d_prime", "meta_d"),
    [
        ([389, 247, 194, 106, 46, 11], [32, 89, 169, 225, 255, 237], 1.536831, 1.569778),
        ([120, 90, 70, 40, 20, 10], [15, 30, 45, 60, 80, 120], 1.4938, 1.334749),
        ([60, 100, 150, 90, 60, 40], [40, 60, 80, 110, 120, 90], 0.66394, 0.146803),
    ],
)
def test_the_fit_is_that_of_another_program(stimulus_a, stimulus_b, d_prime, meta_d):
    """The numbers are metadpy 0.1.2's."""
    found = metacognition(from_counts(stimulus_a, stimulus_b), padding=0)
    # It takes one of the two stimuli to be shown; of a choice between both, d' is smaller.
    assert found.d_prime * 2**0.5 == pytest.approx(d_prime, abs=1e-4)
    assert found.meta_d * 2**0.5 == pytest.approx(meta_d, abs=2e-3)
    assert found.m_ratio == pytest.approx(meta_d / d_prime, abs=2e-3)


def test_ideal_confidence_has_a_ratio_of_one():
    ratios = [metacognition(simulate(seed)).m_ratio for seed in range(12)]
    assert np.mean(ratios) == pytest.approx(1, abs=0.06)


def test_noisy_confidence_has_a_lower_ratio_and_area():
    sharp = [metacognition(simulate(seed)) for seed in range(6)]
    noisy = [metacognition(simulate(seed, noise=1.5)) for seed in range(6)]
    assert np.mean([m.m_ratio for m in noisy]) < np.mean([m.m_ratio for m in sharp]) - 0.2
    assert np.mean([m.type_2_auc for m in noisy]) < np.mean([m.type_2_auc for m in sharp]) - 0.03


def test_random_confidence_has_an_area_of_a_half_and_no_meta_d():
    trials = simulate(1, 6000)
    trials["confidence"] = np.random.default_rng(2).integers(1, 4, len(trials))
    assert type_2_area(type_2_roc(trials)) == pytest.approx(0.5, abs=0.03)
    assert metacognition(trials).meta_d == pytest.approx(0, abs=0.25)


@pytest.mark.parametrize("seed", range(4))
def test_choices_at_chance_have_no_ratio(seed):
    """A d' that may be 0 would make any ratio, such as -2."""
    found = metacognition(simulate(seed, 160, d_prime=0.02))
    assert np.isnan(found.m_ratio) and np.isnan(found.meta_d)
    assert np.isfinite(found.d_prime) and np.isfinite(found.type_2_auc)
    assert "not significantly above 0" in found.reason


def test_the_roc_rises_from_nothing_to_all():
    roc = type_2_roc(simulate(3))
    assert roc["hit_rate"].iloc[[0, -1]].tolist() == [0, 1]
    assert (roc["hit_rate"].diff().dropna() >= 0).all()
    assert type_2_area(roc) > 0.6


def test_calibration_rises_with_confidence():
    table = calibration(simulate(4))
    assert table["proportion"].is_monotonic_increasing
    assert table["n_trials"].sum() == 3000


@pytest.mark.parametrize(
    ("trials", "reason"),
    [
        (simulate(1, 100).iloc[:10], "fewer than 20"),
        (simulate(1, 100).assign(correct=True), "every answer is correct or"),
        (simulate(1, 100).assign(choice="a"), "the same side"),
        (simulate(1, 100).assign(confidence=2), "the same confidence"),
        (from_counts([9, 8, 7, 6, 5, 4], [0] * 6), "the correct query was on the same side"),
        (from_counts([0] * 6, [4, 5, 6, 7, 8, 9]), "the correct query was on the same side"),
        (from_counts([10] * 6, [10] * 6), "not significantly above 0"),
        (simulate(1, 100).assign(confidence=np.nan), "fewer than 20"),
    ],
)
def test_what_cannot_be_computed_says_why(trials, reason):
    found = metacognition(trials)
    assert reason in found.reason
    assert np.isnan(found.meta_d)


def test_choices_below_chance_have_no_ratio():
    """Wrong far more often than correct: a d' below 0 for certain."""
    found = metacognition(from_counts([2, 3, 5, 30, 40, 60], [60, 40, 30, 5, 3, 2]))
    assert found.d_prime < -1
    assert np.isnan(found.m_ratio) and np.isnan(found.meta_d)
    assert "not significantly above 0" in found.reason


@pytest.mark.parametrize("d_prime", [0.5, 1.0, 1.5])
def test_d_prime_is_that_of_a_choice_between_two_alternatives(d_prime):
    """Each query gives evidence of variance 1, d' apart, and the larger one is chosen."""
    rng = np.random.default_rng(1)
    n = 200_000
    is_b = rng.random(n) < 0.5
    a, b = rng.normal(d_prime * np.array([~is_b, is_b]), 1)
    trials = pd.DataFrame({"choice": np.where(b > a, "b", "a"), "correct": (b > a) == is_b})
    trials["confidence"] = 1 + (np.abs(a - b) > 0.7).astype(int) + (np.abs(a - b) > 1.8).astype(int)
    found = metacognition(trials)
    assert found.d_prime == pytest.approx(d_prime, abs=0.02)
    assert found.meta_d == pytest.approx(d_prime, abs=0.05)


def test_a_perfect_observer_of_few_trials_is_as_the_log_linear_correction_has_it():
    """Of 20 trials a stimulus all hits and two false alarms: rates (n + .5) / (N + 1)."""
    found = metacognition(from_counts([10, 5, 3, 1, 1, 0], [0, 0, 0, 4, 6, 10]))
    z = stats.norm.ppf([20.5 / 21, 2.5 / 21])
    assert found.d_prime == pytest.approx((z[0] - z[1]) / 2**0.5)
    assert found.criterion == pytest.approx(-z.sum() / 2)


def people(seed, abilities, n=400):
    parts = [
        simulate(seed + i, n, d_prime).assign(participant=f"p{i}")
        for i, d_prime in enumerate(abilities)
    ]
    return pd.concat(parts, ignore_index=True)


def test_each_participant_has_values_of_their_own():
    trials = people(1, [0.8, 1.6])
    trials = pd.concat([trials, people(5, [1.2]).assign(reference_condition="none")])
    each = metacognition_by_participant(trials)
    assert each[["reference_condition", "participant"]].values.tolist() == [
        ["natural", "p0"],
        ["natural", "p1"],
        ["none", "p0"],
    ]
    own = metacognition(trials[(trials["participant"] == "p1")])
    assert each.loc[1, "meta_d"] == own.meta_d
    assert each["n_trials"].tolist() == [400] * 3


def test_means_count_each_participant_once_and_intervals_are_t_intervals():
    each = metacognition_by_participant(people(3, [0.9, 1.3, 1.7, 1.1, 1.5]))
    means = metacognition_means(each).set_index("measure")
    for measure in ("d_prime", "meta_d", "m_ratio"):
        values = each[measure].to_numpy()
        half = stats.t.ppf(0.975, 4) * stats.sem(values)
        expected = [values.mean(), values.mean() - half, values.mean() + half, np.median(values)]
        found = means.loc[measure, ["mean", "low", "high", "median"]].tolist()
        assert found == pytest.approx(expected)
    areas = each["type_2_auc"]
    mean, half = areas.mean(), stats.t.ppf(0.975, 4) * stats.sem(areas)
    ends = special.expit(special.logit(mean) + np.array([-1, 1]) * half / (mean * (1 - mean)))
    assert means.loc["type_2_auc", ["low", "high"]].tolist() == pytest.approx(ends.tolist())


def test_means_leave_out_who_has_no_value_and_count_them():
    trials = people(3, [1.4, 1.5, 0.0])
    perfect = simulate(9, 40).assign(participant="p9", correct=True)
    few = simulate(10, 100).head(10).assign(participant="p8")
    each = metacognition_by_participant(pd.concat([trials, perfect, few]))
    means = metacognition_means(each).set_index("measure")
    assert means["n_participants"].to_dict() == {
        "d_prime": 3,
        "meta_d": 2,
        "m_ratio": 2,
        "type_2_auc": 4,
    }
    assert means["n_without"].tolist() == [2, 3, 3, 1]
    assert (means["reason"] == "").all()


def test_without_any_value_the_causes_are_counted():
    each = metacognition_by_participant(people(3, [1.4, 1.5]).assign(correct=True))
    means = metacognition_means(each)
    assert means["mean"].isna().all()
    assert means["reason"].str.contains("2: every answer is correct or every answer is wr").all()


def test_one_participant_has_values_without_intervals():
    means = metacognition_means(metacognition_by_participant(people(3, [1.4])))
    assert means["mean"].notna().all() and means["low"].isna().all()
    assert means["reason"].str.contains("there is only one participant").all()
