"""Contrasts of the mixed models recover simulated effects, in whatever order the conditions are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.mixed_contrasts import mixed_contrasts
from analysis.statistics.mixed_models import mixed_logistic

LOGITS = {"natural": 1.2, "synthetic": 0.6, "none": 0.0}


def test_contrasts_recover_logits_and_times(simulate: Callable[..., pd.DataFrame]) -> None:
    rng = np.random.default_rng(4)
    logits = {"natural": 1.5, "synthetic": 0.5, "none": 0.0}
    trials = simulate(rng, logits, participants=40, units=15)
    slow = trials["reference_condition"].map({"natural": 0.0, "synthetic": 0.3, "none": 0.0})
    trials["rt_s"] = np.exp(0.5 + slow.to_numpy(float) + rng.normal(0, 0.2, len(trials)))
    found = mixed_contrasts(trials).set_index(["model", "first", "second"]).sort_index()
    assert len(found) == 6 and (found["reason"] == "").all()
    for first, second in (("natural", "synthetic"), ("synthetic", "none"), ("natural", "none")):
        row = found.loc[("right_answers", first, second)]
        truth = logits[first] - logits[second]
        assert abs(row["difference"] - truth) < 4 * row["standard_error"] < 1
    assert found.loc[("log_rt", "natural", "synthetic"), "difference"] == pytest.approx(
        -0.3, abs=0.05
    )
    right = found.loc["right_answers", "difference"]
    summed = right["natural", "synthetic"] + right["synthetic", "none"]
    assert summed == pytest.approx(right["natural", "none"])


def test_what_cannot_be_fitted_says_why(simulate: Callable[..., pd.DataFrame]) -> None:
    trials = simulate(np.random.default_rng(5), {"natural": 1.0, "none": 0.0}, participants=1)
    found = mixed_contrasts(trials.assign(rt_s=1.0))
    assert found["reason"].str.startswith("not computable because").all()
    assert mixed_contrasts(trials[:0].assign(rt_s=[])).empty


def test_few_participants_do_not_tell_how_much_they_vary(
    simulate: Callable[..., pd.DataFrame],
) -> None:
    trials = simulate(np.random.default_rng(6), {"natural": 1.0, "none": 0.0}, participants=4)
    rt_s = np.random.default_rng(7).lognormal(size=len(trials))
    found = mixed_contrasts(trials.assign(rt_s=rt_s))
    assert found["reason"].str.endswith("there are fewer than 5 participants").all()
    assert found[["difference", "low", "p", "participant_sd"]].isna().all(axis=None)


def study(
    simulate: Callable[..., pd.DataFrame], seed: int, repeats: int = 2, **spread: float
) -> pd.DataFrame:
    """Return trials with every cell met ``repeats`` times by the same participants."""
    rng = np.random.default_rng(seed)
    trials = simulate(rng, LOGITS, participants=30, units=24, **spread)
    return pd.concat([trials] * repeats).assign(rt_s=1.0)


def correlated(seed: int, participants: int = 150, trials: int = 120) -> pd.DataFrame:
    """Simulate two conditions whose difference is correlated with the participants' ability."""
    rng = np.random.default_rng(seed)
    covariance = np.array([[0.64, -0.4], [-0.4, 1.0]])
    own = rng.multivariate_normal([0, 0], covariance, participants)
    p = np.repeat(np.arange(participants), trials)
    c = np.tile(np.arange(trials) % 2, participants)
    u = rng.integers(0, 30, len(p))
    logit = 0.3 + own[p, 0] + (0.7 + own[p, 1]) * c + rng.normal(0, 0.5, 30)[u]
    right = rng.random(len(p)) < 1 / (1 + np.exp(-logit))
    condition = np.array(["a", "b"])[c]
    return pd.DataFrame(
        {"participant": p, "unit": u, "reference_condition": condition, "correct": right}
    )


@pytest.mark.slow
def test_slopes_and_their_correlation_are_recovered() -> None:
    slopes = {"participant": ("reference_condition",)}
    fit = mixed_logistic(correlated(3), slopes=slopes)
    own = fit.covariances["participant"].to_numpy()
    assert fit.converged and not fit.singular
    assert own[0, 0] == pytest.approx(0.64, abs=0.2)
    assert own[1, 1] == pytest.approx(1.0, abs=0.3)
    assert own[0, 1] == pytest.approx(-0.4, abs=0.2)
    assert list(fit.covariances["unit"].columns) == ["intercept"]
    assert fit.coefficients["estimate"][1] == pytest.approx(0.7, abs=0.3)


@pytest.mark.slow
def test_differences_that_vary_over_units_are_in_the_model(
    simulate: Callable[..., pd.DataFrame],
) -> None:
    spread = {"unit_effect_sd": 0.9, "participant_effect_sd": 0.7}
    rows = [
        found[found["model"] == "right_answers"]
        for found in (mixed_contrasts(study(simulate, seed, **spread)) for seed in range(3))
    ]
    for found in rows:
        assert found["random_effects"].str.startswith("differences vary over").all()
    # The study writes each condition's own deviation, so that a difference has twice its variance.
    mean = pd.concat(rows)[["participant_difference_sd", "unit_difference_sd"]].mean()
    assert mean["unit_difference_sd"] == pytest.approx(0.9 * 2**0.5, rel=0.3)
    assert mean["participant_difference_sd"] > 0.7


def test_what_does_not_vary_is_given_up_and_said(simulate: Callable[..., pd.DataFrame]) -> None:
    rng = np.random.default_rng(1)
    trials = pd.concat([simulate(np.random.default_rng(7), LOGITS, participants=30, units=12)] * 2)
    # Answers drawn anew from one probability a condition: nobody differs from anybody.
    chance = trials["reference_condition"].map({"natural": 0.8, "synthetic": 0.7, "none": 0.5})
    trials["correct"] = rng.random(len(trials)) < chance.to_numpy(float)
    found = mixed_contrasts(trials.assign(rt_s=np.exp(rng.normal(0, 0.3, len(trials)))))
    assert (found["reason"] == "").all()
    assert found["random_effects"].str.contains("is singular").all()
    assert not found["random_effects"].str.contains("fitted without").any()


def test_one_trial_a_cell_allows_intercepts_only(simulate: Callable[..., pd.DataFrame]) -> None:
    trials = simulate(np.random.default_rng(2), LOGITS, participants=20, units=20)
    shuffled = trials.sample(frac=1, random_state=3)
    few = shuffled.groupby(["participant", "reference_condition"]).head(1)
    found = mixed_contrasts(few.assign(rt_s=np.arange(1, len(few) + 1)))
    assert found["random_effects"].iloc[0].startswith("intercepts only (too few trials")
    assert found["unit_difference_sd"].isna().all()


@pytest.mark.slow
@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_the_first_condition_does_not_matter(order: tuple[str, str]) -> None:
    trials = correlated(4, 40, 60).assign(rt_s=1.0)
    names = dict(zip(("a", "b"), order, strict=True))
    renamed = trials.assign(reference_condition=trials["reference_condition"].map(names))
    one = mixed_contrasts(trials).iloc[0]
    other = mixed_contrasts(renamed).iloc[0]
    sign = 1 if order == ("a", "b") else -1
    assert other["difference"] == pytest.approx(sign * one["difference"], abs=1e-3)
    assert other["participant_sd"] == pytest.approx(one["participant_sd"], abs=1e-3)
    assert other["participant_difference_sd"] == pytest.approx(
        one["participant_difference_sd"], abs=1e-3
    )
