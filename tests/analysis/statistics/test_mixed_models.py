"""Mixed models: known effects are recovered, and another program's fit is reproduced."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.mixed_models import mixed_linear, mixed_logistic
from unitscope.errors import BadInput

TRUE = (0.5, 0.8, -0.3)


def simulate(seed, participants=30, units=20, repeats=3, sd=(0.6, 0.8), slope_sd=0.0):
    """Trials of three conditions with crossed participant and unit effects."""
    rng = np.random.default_rng(seed)
    of_participant, of_unit = rng.normal(0, sd[0], participants), rng.normal(0, sd[1], units)
    slopes = rng.normal(0, slope_sd, participants) if slope_sd else np.zeros(participants)
    p = np.repeat(np.arange(participants), units * repeats)
    u = np.tile(np.repeat(np.arange(units), repeats), participants)
    c = rng.integers(0, 3, len(p))
    logit = TRUE[0] + np.array([0, *TRUE[1:]])[c] + of_participant[p] + of_unit[u]
    logit += slopes[p] * (c == 1)
    log_rt = 0.2 + 0.1 * (c == 1) + 0.3 * of_participant[p] + 0.2 * of_unit[u]
    return pd.DataFrame(
        {
            "participant": p,
            "unit": u,
            "reference_condition": np.array(list("abc"))[c],
            "correct": rng.random(len(p)) < 1 / (1 + np.exp(-logit)),
            "log_rt": log_rt + rng.normal(0, 0.4, len(p)),
        }
    )


def test_the_laplace_fit_is_that_of_another_program():
    """The numbers are gpboost 1.8.0's, with the same approximation, for the same trials."""
    fit = mixed_logistic(simulate(0, 50, 40, 5))
    assert fit.coefficients["estimate"].tolist() == pytest.approx(
        [0.6664, 0.7558, -0.4104], abs=0.01
    )
    variances = {name: sd["intercept"] ** 2 for name, sd in fit.standard_deviations.items()}
    assert variances == pytest.approx({"participant": 0.3234, "unit": 0.7406}, abs=0.02)
    assert fit.deviance <= 11142.35


@pytest.mark.slow
def test_effects_are_recovered_and_intervals_cover():
    fits = [mixed_logistic(simulate(seed)).coefficients for seed in range(24)]
    estimates = np.array([fit["estimate"] for fit in fits])
    assert estimates.mean(0) == pytest.approx(TRUE, abs=0.12)
    covered = [
        [low <= true <= high for low, high, true in zip(fit["low"], fit["high"], TRUE, strict=True)]
        for fit in fits
    ]
    assert (np.mean(covered, axis=0) >= 0.83).all(), "24 intervals of 95 %"


def test_slopes_that_vary_widen_the_interval():
    trials = simulate(3, participants=20, units=10, slope_sd=1.0)
    plain = mixed_logistic(trials).coefficients
    slopes = mixed_logistic(
        trials, slopes=["reference_condition"], groups=("participant",)
    ).coefficients
    assert slopes["standard_error"][1] > 1.2 * plain["standard_error"][1]


def test_log_times_are_fitted_by_restricted_likelihood():
    fit = mixed_linear(simulate(1, 60, 40), "log_rt")
    assert fit.coefficients["estimate"].tolist() == pytest.approx([0.2, 0.1, 0.0], abs=0.1)
    assert fit.residual_sd == pytest.approx(0.4, abs=0.02)
    assert fit.standard_deviations["participant"]["intercept"] == pytest.approx(0.18, abs=0.05)
    assert fit.standard_deviations["unit"]["intercept"] == pytest.approx(0.16, abs=0.05)


def test_a_balanced_linear_fit_is_the_classical_one():
    """With one effect a participant, REML equals the analysis of variance."""
    rng = np.random.default_rng(5)
    p = np.repeat(np.arange(12), 10)
    y = rng.normal(0, 1, 12)[p] + rng.normal(0, 0.5, len(p))
    trials = pd.DataFrame({"participant": p, "unit": np.tile(np.arange(10), 12), "y": y})
    fit = mixed_linear(trials, "y", fixed=(), groups=("participant",))
    means = trials.groupby("participant")["y"].mean()
    within = trials["y"].sub(means[p].to_numpy()).pow(2).sum() / (len(p) - 12)
    between = means.var(ddof=1) - within / 10
    assert fit.residual_sd**2 == pytest.approx(within, rel=1e-3)
    assert fit.standard_deviations["participant"]["intercept"] ** 2 == pytest.approx(
        between, rel=1e-2
    )
    assert fit.coefficients["standard_error"][0] == pytest.approx(
        np.sqrt(means.var(ddof=1) / 12), rel=1e-2
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t.assign(correct=True), "every answer has the same value"),
        (lambda t: t[t["participant"] == 0], "there is only one participant"),
        (lambda t: t[t["unit"] == 0], "there is only one unit"),
        (lambda t: t.assign(twin=t["reference_condition"]), "are collinear"),
    ],
)
def test_what_cannot_be_fitted_says_why(change, reason):
    trials = change(simulate(2, 6, 5))
    fixed = [name for name in ("reference_condition", "twin") if name in trials]
    fit = mixed_logistic(trials, fixed=fixed)
    assert reason in fit.reason
    assert fit.coefficients["estimate"].isna().all()


def test_a_condition_that_is_always_right_is_pointed_out():
    trials = simulate(2, 8, 6)
    trials.loc[trials["reference_condition"] == "b", "correct"] = True
    assert "where reference_condition is b" in mixed_logistic(trials).reason


def test_unknown_columns_are_named():
    trials = simulate(2, 4, 4)
    with pytest.raises(BadInput, match="no column 'reference_conditio'"):
        mixed_logistic(trials, fixed=["reference_conditio"])
    with pytest.raises(BadInput, match="is not a fixed effect"):
        mixed_logistic(trials, slopes=["unit"])


def test_twenty_thousand_participants_need_no_matrix_of_all_of_them():
    """A matrix of all participants by all participants would take 3 GiB."""
    rng = np.random.default_rng(8)
    p = np.repeat(np.arange(20_000), 4)
    u = rng.integers(0, 10, len(p))
    y = 0.3 * rng.normal(size=20_000)[p] + np.linspace(-0.5, 0.5, 10)[u]
    trials = pd.DataFrame({"participant": p, "unit": u, "y": y + 0.4 * rng.normal(size=len(p))})
    fit = mixed_linear(trials, "y", fixed=())
    assert fit.converged and fit.residual_sd == pytest.approx(0.4, abs=0.01)
    spread = fit.standard_deviations
    assert spread["participant"]["intercept"] == pytest.approx(0.3, abs=0.01)
    assert spread["unit"]["intercept"] == pytest.approx(
        np.linspace(-0.5, 0.5, 10).std(ddof=1), abs=0.05
    )
