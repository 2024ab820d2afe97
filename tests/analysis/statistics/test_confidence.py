"""Confidence: meta-d' of an ideal observer is its d', and another program's fits are reproduced."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.confidence import calibration, metacognition, type_2_area, type_2_roc


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
    assert found.d_prime == pytest.approx(d_prime, abs=1e-4)
    assert found.meta_d == pytest.approx(meta_d, abs=2e-3)


def test_ideal_confidence_has_a_ratio_of_one():
    ratios = [metacognition(simulate(seed)).m_ratio for seed in range(12)]
    assert np.mean(ratios) == pytest.approx(1, abs=0.06)


def test_noisy_confidence_has_a_lower_ratio_and_area():
    sharp = [metacognition(simulate(seed)) for seed in range(6)]
    noisy = [metacognition(simulate(seed, noise=1.5)) for seed in range(6)]
    assert np.mean([m.m_ratio for m in noisy]) < np.mean([m.m_ratio for m in sharp]) - 0.2
    assert np.mean([m.auc for m in noisy]) < np.mean([m.auc for m in sharp]) - 0.03


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
    assert np.isfinite(found.d_prime) and np.isfinite(found.auc)
    assert "does not differ significantly from 0" in found.reason


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
        (from_counts([10] * 6, [10] * 6), "does not differ significantly from 0"),
        (simulate(1, 100).assign(confidence=np.nan), "fewer than 20"),
    ],
)
def test_what_cannot_be_computed_says_why(trials, reason):
    found = metacognition(trials)
    assert reason in found.reason
    assert np.isnan(found.meta_d)
