"""Accuracy, reaction times and confidence recover what was simulated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special
from statsmodels.stats.proportion import proportion_confint

from analysis import load
from analysis.statistics.intervals import proportion_with_interval
from analysis.statistics.performance import (
    accuracy,
    conditions_of,
    confidence,
    main_trials,
    response_times,
)
from unitscope.errors import BadInput


def test_accuracy_recovers_the_simulated_shares(simulate: Callable[..., pd.DataFrame]) -> None:
    rng = np.random.default_rng(11)
    logits = {"none": 0.0, "natural": 2.0, "synthetic": 1.0}
    trials = simulate(rng, logits, participants=60, units=30, participant_sd=0, unit_sd=0)
    found = accuracy(trials).set_index("reference_condition")
    assert list(found.index) == ["natural", "synthetic", "none"]
    for condition, logit in logits.items():
        truth = 1 / (1 + np.exp(-logit))
        assert found.loc[condition, "proportion"] == pytest.approx(truth, abs=0.03)
        assert found.loc[condition, "low"] < found.loc[condition, "proportion"]
    assert (found[["n_trials", "n_participants", "n_units"]] == [1800, 60, 30]).all(axis=None)
    assert (found["reason"] == "").all()


def test_accuracy_is_pooled_and_matches_the_papers_error_bars() -> None:
    trials = pd.DataFrame(
        {
            "participant": ["p1"] * 4 + ["p2"] * 2,
            "unit": ["u1", "u2", "u3", "u4", "u1", "u2"],
            "reference_condition": "natural",
            "correct": [True, True, True, False, False, True],
        }
    ).astype({"correct": "boolean"})
    row = accuracy(trials, ci_unit="paper").iloc[0]
    assert row["proportion"] == pytest.approx(4 / 6)
    half = 2 * np.std([0.75, 0.5]) / np.sqrt(2)
    assert row["high"] - row["proportion"] == pytest.approx(half)


def test_factors_may_be_any_columns(demo_study: Path) -> None:
    trials = main_trials(load(demo_study))
    found = accuracy(trials, by=("observer_kind", "reference_condition"))
    assert len(found) == 6
    assert found["n_trials"].sum() == len(trials)
    assert len(accuracy(trials, by=())) == 1
    with pytest.raises(BadInput, match="did you mean 'layer'"):
        accuracy(trials, by=("layers",))


def test_ends_stay_within_shares() -> None:
    trials = pd.DataFrame(
        {
            "participant": np.repeat(["p1", "p2", "p3"], 4),
            "unit": np.tile(["u1", "u2", "u3", "u4"], 3),
            "reference_condition": "natural",
            "correct": pd.array([True] * 11 + [False], dtype="boolean"),
        }
    )
    row = accuracy(trials).iloc[0]
    assert 0 < row["low"] < 11 / 12 < row["high"] < 1


@pytest.mark.parametrize("ci_unit", ["crossed", "participant", "unit"])
@pytest.mark.parametrize("right", [True, False])
def test_all_alike_has_a_one_sided_bound(
    simulate: Callable[..., pd.DataFrame], right: bool, ci_unit: str
) -> None:
    trials = simulate(np.random.default_rng(1), {"natural": 0.0}, participants=5, units=8)
    row = accuracy(trials.assign(correct=right), ci_unit=ci_unit).iloc[0]  # type: ignore[arg-type]
    low, high = proportion_confint(40 * right, 40, method="beta")
    assert row["proportion"] == float(right)
    assert (row["low"], row["high"]) == pytest.approx((low, high))
    assert row["reason"] == ""


def test_all_alike_has_no_standard_error_in_paper_mode_and_none_of_one_participant(
    simulate: Callable[..., pd.DataFrame],
) -> None:
    trials = simulate(np.random.default_rng(1), {"natural": 0.0}, participants=3, units=3)
    alike = trials.assign(correct=True)
    paper = accuracy(alike, ci_unit="paper").iloc[0]
    assert paper["reason"] == "not computable because the proportion is 1"
    assert np.isnan(paper["low"])
    trial = accuracy(alike, ci_unit="trial").iloc[0]
    assert trial["reason"] == "" and trial["low"] < trial["high"]
    alone = accuracy(alike[alike["participant"] == "p000"]).iloc[0]
    assert "only one participant" in alone["reason"] and np.isnan(alone["low"])


@pytest.mark.parametrize("ci_unit", ["crossed", "participant"])
@pytest.mark.parametrize("truth", [0.5, 0.8, 0.9, 0.95, 0.975, 0.99])
def test_intervals_cover_to_the_ceiling(truth: float, ci_unit: str) -> None:
    rng = np.random.default_rng(int(1000 * truth))
    p, u = (index.ravel() for index in np.indices((20, 20)))
    unit_sd = 0.7 if ci_unit == "crossed" else 0.0
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    tried = np.linspace(-1, 8, 3601)
    means = special.expit(tried[:, None] + np.hypot(0.5, unit_sd) * nodes) @ weights / weights.sum()
    logit = np.interp(truth, means, tried)
    covered, studies = 0, 400
    for _ in range(studies):
        logits = logit + rng.normal(0, 0.5, 20)[p] + rng.normal(0, unit_sd, 20)[u]
        correct = rng.random(len(p)) < special.expit(logits)
        found = proportion_with_interval(correct, p, u, ci_unit)  # type: ignore[arg-type]
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / studies <= 0.98


def test_main_trials_leave_out_the_others_and_the_unanswered(demo_study: Path) -> None:
    trials = load(demo_study)
    trials.loc[trials.index[trials["trial_role"] == "main"][0], "correct"] = pd.NA
    kept = main_trials(trials)
    assert set(kept["trial_role"]) == {"main"}
    assert len(kept) == (trials["trial_role"] == "main").sum() - 1


def test_reaction_times_are_quartiles_by_outcome() -> None:
    trials = pd.DataFrame(
        {
            "participant": "p1",
            "unit": "u1",
            "reference_condition": "natural",
            "correct": pd.array([True, True, True, True], dtype="boolean"),
            "rt_s": [1.0, 2.0, 3.0, 4.0],
        }
    )
    found = response_times(trials).set_index("outcome")
    assert found.loc["right", "median_s"] == 2.5
    assert found.loc["all", ["lower_quartile_s", "upper_quartile_s"]].tolist() == [1.75, 3.25]
    assert np.isnan(found.loc["wrong", "median_s"])
    assert found.loc["wrong", "reason"] == "not computable because there is no wrong answer"


def test_confidence_is_a_distribution(demo_study: Path) -> None:
    found = confidence(main_trials(load(demo_study)))
    shares = found[["share_1", "share_2", "share_3"]]
    assert np.allclose(shares.sum(axis=1), 1)
    assert np.allclose(shares @ [1, 2, 3], found["mean"])
    by_outcome = found.groupby("outcome")["mean"].mean()
    assert by_outcome["right"] > by_outcome["wrong"]


def test_conditions_come_in_the_usual_order(simulate: Callable[..., pd.DataFrame]) -> None:
    trials = simulate(np.random.default_rng(1), {"none": 0, "blur": 0, "natural": 0})
    assert conditions_of(trials) == ["natural", "blur", "none"]
