"""Accuracy, reaction times and confidence recover what was simulated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats
from statsmodels.stats.proportion import proportion_confint

from analysis import load
from analysis.statistics.intervals import proportion_with_interval
from analysis.statistics.performance import (
    accuracy,
    conditions_of,
    confidence,
    confidence_shares,
    main_trials,
    mean_response_times,
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
    trials = main_trials(load(demo_study))
    found = confidence(trials)
    shares = confidence_shares(trials)
    wide = shares.set_index(["reference_condition", "outcome", "confidence"])["share"].unstack()
    assert np.allclose(wide.sum(axis=1), 1)
    means = found.set_index(["reference_condition", "outcome"])["mean"]
    assert np.allclose((wide @ [1, 2, 3])[means.index], means)
    by_outcome = found.groupby("outcome")["mean"].mean()
    assert by_outcome["right"] > by_outcome["wrong"]


def answered(seed: int, per_person: list[int]) -> pd.DataFrame:
    """Trials of people who differ in speed, confidence and, possibly, number of trials."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(len(per_person)), per_person)
    slow, sure = rng.normal(0, 0.3, len(per_person)), rng.uniform(0.2, 0.8, len(per_person))
    return pd.DataFrame(
        {
            "participant": [f"p{i}" for i in person],
            "unit": "u1",
            "reference_condition": "natural",
            "correct": rng.random(len(person)) < 0.7,
            "rt_s": np.exp(rng.normal(slow[person], 0.4)),
            "confidence": 1 + rng.binomial(2, sure[person]),
        }
    )


def t_interval(values: pd.Series, people: pd.Series) -> tuple[float, float, float]:
    """Mean over trials, half width and df: people weigh as many trials as they have."""
    cells = values.groupby(people).agg(["mean", "size"])
    weights, number = cells["size"] / len(values), len(cells)
    spread = ((weights * (cells["mean"] - values.mean())) ** 2).sum() * number / (number - 1)
    return values.mean(), stats.t.ppf(0.975, number - 1) * spread**0.5, number - 1


@pytest.mark.parametrize("per_person", [[12] * 6, [4, 20, 9, 13], [5, 8]])
def test_times_have_t_intervals_of_logs_over_people(per_person: list[int]) -> None:
    trials = answered(1, per_person)
    found = mean_response_times(trials).set_index("outcome")
    for outcome, part in (("all", trials), ("right", trials[trials["correct"]])):
        mean, half, _ = t_interval(np.log(part["rt_s"]), part["participant"])
        expected = np.exp([mean, mean - half, mean + half])
        row = found.loc[outcome, ["geometric_mean_s", "low", "high"]]
        assert row.tolist() == pytest.approx(expected.tolist())
        assert found.loc[outcome, "geometric_mean_s"] == pytest.approx(stats.gmean(part["rt_s"]))
    if len(set(per_person)) == 1:
        means = np.log(trials["rt_s"]).groupby(trials["participant"]).mean()
        ends = stats.t.interval(0.95, len(means) - 1, means.mean(), stats.sem(means))
        assert found.loc["all", ["low", "high"]].tolist() == pytest.approx(np.exp(ends).tolist())


@pytest.mark.parametrize("per_person", [[30] * 6, [14, 50, 29, 33]])
def test_confidences_and_their_shares_have_intervals_over_people_on_the_logit(
    per_person: list[int],
) -> None:
    trials = answered(2, per_person)

    def expected(share: pd.Series) -> list[float]:
        mean, half, _ = t_interval(share, trials["participant"])
        reach = half / (mean * (1 - mean))
        ends = special.expit(special.logit(mean) + np.array([-reach, reach]))
        return [mean, *ends]

    row = confidence(trials).iloc[0]
    own = 1 + 2 * np.array(expected((trials["confidence"] - 1) / 2))
    assert row[["mean", "low", "high"]].tolist() == pytest.approx(own.tolist())
    shares = confidence_shares(trials).query("outcome == 'all'").set_index("confidence")
    for step in (1, 2, 3):
        own = expected((trials["confidence"] == step).astype(float))
        assert shares.loc[step, ["share", "low", "high"]].tolist() == pytest.approx(own)


def test_intervals_stay_on_the_scale_where_everybody_is_sure() -> None:
    trials = answered(3, [6, 8, 7]).assign(confidence=3)
    row = confidence(trials).iloc[0]
    bound = 0.025 ** (1 / 21)
    assert row[["mean", "low", "high"]].tolist() == pytest.approx([3, 1 + 2 * bound, 3])
    nearly = trials.assign(confidence=[2] + [3] * 20)
    row = confidence(nearly).iloc[0]
    assert 1 <= row["low"] < row["mean"] < row["high"] <= 3


def test_one_person_has_means_without_intervals_and_the_table_says_why() -> None:
    trials = answered(4, [20])
    for table, value in (
        (mean_response_times(trials), "geometric_mean_s"),
        (confidence(trials), "mean"),
        (confidence_shares(trials), "share"),
    ):
        assert table[value].notna().all()
        assert table[["low", "high"]].isna().all(axis=None)
        assert (table["reason"] == "not computable because there is only one participant").all()


def test_times_of_nothing_and_missing_confidences_do_not_count() -> None:
    trials = answered(5, [10, 10, 10])
    trials.loc[:4, "rt_s"] = [-0.07, 0, np.nan, -1, 0]
    trials.loc[:2, "confidence"] = np.nan
    assert mean_response_times(trials)["n_trials"].iloc[0] == 25
    assert confidence(trials)["n_trials"].iloc[0] == 27
    none = trials.assign(confidence=np.nan, rt_s=np.nan)
    assert confidence(none).empty and mean_response_times(none).empty


def test_outcomes_that_never_were_say_so() -> None:
    trials = answered(6, [10, 10]).assign(correct=True)
    for table in (mean_response_times(trials), confidence(trials)):
        wrong = table.set_index("outcome").loc["wrong"]
        assert wrong["reason"] == "not computable because there is no wrong answer"
        assert np.isnan(wrong["low"])


def test_conditions_come_in_the_usual_order(simulate: Callable[..., pd.DataFrame]) -> None:
    trials = simulate(np.random.default_rng(1), {"none": 0, "blur": 0, "natural": 0})
    assert conditions_of(trials) == ["natural", "blur", "none"]
