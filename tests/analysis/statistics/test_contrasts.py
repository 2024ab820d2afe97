"""Differences recover what was simulated; tests agree with independent computations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from analysis.statistics.contrasts import compare_conditions
from analysis.statistics.evidence import JZS_SCALE, equivalence, holm, jzs_bayes_factor


def test_differences_are_recovered(simulate: Callable[..., pd.DataFrame]) -> None:
    rng = np.random.default_rng(21)
    logits = {"natural": 2.0, "synthetic": 1.0, "none": 0.0}
    trials = simulate(rng, logits, participants=50, units=20, participant_sd=0, unit_sd=0)
    found = compare_conditions(trials).set_index(["first", "second"])
    assert list(found.index) == [
        ("natural", "synthetic"),
        ("natural", "none"),
        ("synthetic", "none"),
    ]
    for (first, second), row in found.iterrows():
        truth = special.expit(logits[first]) - special.expit(logits[second])
        assert row["difference"] == pytest.approx(truth, abs=0.04)
        assert row["low"] < truth < row["high"]
        assert row["p_holm"] < 0.001 and row["bayes_factor"] > 100 and not row["equivalent"]
        assert (row["n_trials"], row["n_participants"], row["n_units"]) == (2000, 50, 20)


def test_no_difference_is_found_to_be_none(simulate: Callable[..., pd.DataFrame]) -> None:
    rng = np.random.default_rng(22)
    logits = {"natural": 1.5, "synthetic": 1.5}
    studies = [
        compare_conditions(simulate(rng, logits, participants=60, units=30, unit_sd=0.2)).iloc[0]
        for _ in range(12)
    ]
    assert np.median([row["bayes_factor"] for row in studies]) < 1 / 3
    assert sum(row["equivalent"] for row in studies) >= 11
    assert sum(row["p"] < 0.05 for row in studies) <= 2


def test_intervals_cover_the_true_difference(simulate: Callable[..., pd.DataFrame]) -> None:
    rng = np.random.default_rng(23)
    logits = {"natural": 1.5, "none": 0.0}
    nodes = rng.normal(0, np.hypot(0.5, 0.5), 200_000)
    truth = special.expit(1.5 + nodes).mean() - special.expit(nodes).mean()
    covered = 0
    for _ in range(80):
        row = compare_conditions(simulate(rng, logits)).iloc[0]
        covered += row["low"] <= truth <= row["high"]
    assert covered >= 70


@pytest.mark.parametrize("ci_unit", ["participant", "paper"])
def test_participant_tests_are_paired_t_tests(
    simulate: Callable[..., pd.DataFrame], ci_unit: str
) -> None:
    trials = simulate(np.random.default_rng(24), {"natural": 1.0, "none": 0.0}, participants=12)
    means = trials.assign(right=trials["correct"].astype(float)).pivot_table(
        index="participant", columns="reference_condition", values="right"
    )
    expected = stats.ttest_rel(means["natural"], means["none"])
    row = compare_conditions(trials, ci_unit).iloc[0]  # type: ignore[arg-type]
    assert (row["t"], row["p"]) == pytest.approx((expected.statistic, expected.pvalue))
    tost, _, _ = ttost_paired(means["natural"], means["none"], -0.1, 0.1)
    assert row["p_equivalence"] == pytest.approx(tost)
    differences = means["natural"] - means["none"]
    if ci_unit == "paper":
        half = 2 * np.std(differences) / np.sqrt(12)
        assert row["high"] - row["difference"] == pytest.approx(half)


def test_participants_who_lack_a_condition_count_in_crossed_intervals_only(
    simulate: Callable[..., pd.DataFrame],
) -> None:
    trials = simulate(np.random.default_rng(25), {"natural": 1.0, "none": 0.0}, participants=10)
    cut = trials[(trials["participant"] != "p003") | (trials["reference_condition"] == "none")]
    assert compare_conditions(cut, "participant").iloc[0]["n_participants"] == 9
    row = compare_conditions(cut).iloc[0]
    assert (row["n_participants"], row["n_trials"]) == (10, len(cut))


def test_units_rotated_over_conditions_are_compared_from_all_trials() -> None:
    """Each participant meets other units in each condition, but for one unit that misleads."""
    rng = np.random.default_rng(27)
    p, u = (index.ravel() for index in np.indices((12, 20)))
    condition = np.where((p + u) % 2, "natural", "none")
    rows = pd.DataFrame({"participant": p, "unit": u, "reference_condition": condition})
    rows["correct"] = rng.random(len(p)) < np.where(condition == "natural", 0.85, 0.55)
    misleading = rows[rows["unit"] == 0].assign(
        reference_condition=lambda t: np.where(
            t["reference_condition"] == "none", "natural", "none"
        )
    )
    misleading["correct"] = misleading["reference_condition"] == "none"
    trials = pd.concat([rows, misleading], ignore_index=True)
    accuracies = trials.groupby("reference_condition")["correct"].mean()
    for ci_unit in ("crossed", "participant", "unit", "trial"):
        row = compare_conditions(trials, ci_unit).iloc[0]  # type: ignore[arg-type]
        assert row["n_trials"] == len(trials)
        assert row["difference"] == pytest.approx(
            accuracies["natural"] - accuracies["none"], abs=0.05
        )
    assert compare_conditions(trials).iloc[0]["low"] > 0


def test_bayes_factors_have_one_sample_size_for_one_design(
    simulate: Callable[..., pd.DataFrame],
) -> None:
    logits = {"natural": 1.0, "none": 0.6}
    trials = simulate(np.random.default_rng(28), logits, participants=15, units=12)
    for ci_unit in ("crossed", "participant", "unit", "trial"):
        row = compare_conditions(trials, ci_unit).iloc[0]  # type: ignore[arg-type]
        assert row["bayes_factor"] == pytest.approx(jzs_bayes_factor(row["t"], row["df"], size=15))
    first = (trials["participant"] < "p005") == (trials["reference_condition"] == "natural")
    row = compare_conditions(trials[first]).iloc[0]
    assert row["comparison"] == "between"
    assert row["bayes_factor"] == pytest.approx(
        jzs_bayes_factor(row["t"], row["df"], size=5 * 10 / 15)
    )


def test_equivalence_is_corrected_for_the_number_of_comparisons(
    simulate: Callable[..., pd.DataFrame],
) -> None:
    logits = {"natural": 1.0, "synthetic": 1.0, "none": 1.0}
    trials = simulate(np.random.default_rng(29), logits, participants=20, units=10)
    found = compare_conditions(trials)
    corrected = holm(found["p_equivalence"].to_numpy(float))
    assert found["p_equivalence_holm"].to_numpy(float) == pytest.approx(corrected)
    assert found["equivalent"].tolist() == (corrected < 0.05).tolist()
    assert (corrected < 0.05).sum() < (found["p_equivalence"] < 0.05).sum()


def test_what_cannot_be_compared_says_why(simulate: Callable[..., pd.DataFrame]) -> None:
    rng = np.random.default_rng(26)
    apart = simulate(rng, {"natural": 1.0, "none": 0.0}, participants=6)
    apart = apart[(apart["reference_condition"] == "none") | (apart["participant"] == "p000")]
    row = compare_conditions(apart, "participant").iloc[0]
    assert "only one participant" in row["reason"] and np.isnan(row["p_holm"])

    alone = simulate(rng, {"natural": 1.0, "none": 0.0}, participants=1, units=9)
    row = compare_conditions(alone).iloc[0]
    assert "only one participant" in row["reason"] and np.isnan(row["p"])

    alike = simulate(rng, {"natural": 1.0, "none": 0.0}, participants=4).assign(correct=True)
    assert "all differences are the same" in compare_conditions(alike).iloc[0]["reason"]
    assert compare_conditions(alike.query("reference_condition == 'none'")).empty


def test_holm_agrees_with_statsmodels_and_skips_missing_tests() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.2])
    expected = multipletests(p[[0, 2, 3, 4]], method="holm")[1]
    assert holm(p)[[0, 2, 3, 4]] == pytest.approx(expected)
    assert np.isnan(holm(p)[1])


def test_equivalence_refuses_a_bound_of_zero() -> None:
    with pytest.raises(ValueError, match="expected more than 0"):
        equivalence(0.0, 0.1, 10, 0.0)


@pytest.mark.parametrize(("t", "n"), [(0.0, 10), (2.03, 80), (-2.5, 12), (8.0, 24), (1.0, 4)])
def test_bayes_factor_agrees_with_integrating_over_effects(t: float, n: int) -> None:
    def weighted(effect: float) -> float:
        likelihood = stats.nct.pdf(t, n - 1, effect * np.sqrt(n))
        return float(likelihood * stats.cauchy.pdf(effect, 0, JZS_SCALE))

    places = (0, t / np.sqrt(n))
    alternative, _ = integrate.quad(weighted, -8, 8, points=places, limit=500)
    expected = alternative / stats.t.pdf(t, n - 1)
    assert jzs_bayes_factor(t, n - 1) == pytest.approx(expected, rel=1e-4)


def test_bayes_factor_of_the_published_example() -> None:
    """Rouder et al. (2009): t = 2.03 of 80 participants favours none by 1.56 at scale 1."""
    assert 1 / jzs_bayes_factor(2.03, 79, scale=1) == pytest.approx(1.56, abs=0.01)


def test_bayes_factor_of_a_huge_statistic_is_finite() -> None:
    assert jzs_bayes_factor(500.0, 2000.0) == pytest.approx(1e300)
