"""Degrees of freedom of mixed models are those of lmerTest and, for simple designs, of t tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from analysis.statistics.mixed_contrasts import mixed_contrasts
from analysis.statistics.mixed_likelihood import LinearisedLikelihood
from analysis.statistics.mixed_models import MixedFit, mixed_linear, mixed_logistic

REFERENCE = Path(__file__).parents[2] / "reference" / "mixed_models"
GROUPS = ("participant", "unit")


def expected() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "satterthwaite.csv", dtype={"first": str, "second": str})


def fitted(name: str, random: str) -> MixedFit:
    trials = pd.read_csv(REFERENCE / "trials.csv", dtype={"condition": str})
    trials = trials.query("study == @name")
    within = {f"{g} and condition": trials[g].astype(str) + trials["condition"] for g in GROUPS}
    return mixed_linear(
        trials.assign(**within),
        "log_rt",
        fixed=("condition",),
        groups=GROUPS + (tuple(within) if random == "interactions" else ()),
        slopes=("condition",) if random == "slopes" else (),
    )


def weights_of(fit: MixedFit, first: str, second: str) -> np.ndarray:
    names = fit.coefficients["name"]
    found = (names == f"condition {first}").to_numpy(float)
    return found - (names == f"condition {second}").to_numpy(float)


@pytest.mark.parametrize("name", expected()["study"].unique())
def test_differences_of_linear_models_are_those_of_lmertest(name: str) -> None:
    own = expected().query("study == @name")
    assert len(own)
    for random, rows in own.groupby("random"):
        fit = fitted(name, str(random))
        for row in rows.to_dict("records"):
            w = weights_of(fit, row["first"], row["second"])
            error = np.sqrt(w @ fit.covariance @ w)
            t, df = w @ fit.coefficients["estimate"] / error, fit.degrees_of_freedom(w[None])[0]
            where = f"{random} {row['first']} {row['second']}"
            assert t == pytest.approx(row["t"], rel=0.02, abs=0.02), where
            assert df == pytest.approx(row["df"], rel=0.03), where
            assert 2 * stats.t.sf(abs(t), df) == pytest.approx(row["p"], abs=0.004), where


def test_models_that_are_singular_are_among_them() -> None:
    singular = expected().groupby("random")["singular"].mean()
    assert singular["slopes"] > 0.3 and singular["interactions"] > 0.2


def within(seed: int, participants: int, spread: float) -> pd.DataFrame:
    """Participants whose difference of two conditions varies, with units that do not differ."""
    rng = np.random.default_rng(seed)
    p, u, c, _ = (index.ravel() for index in np.indices((participants, 8, 2, 2)))
    slope = rng.normal(0, spread, participants)[p] * (c - 0.5)
    return pd.DataFrame(
        {
            "participant": p,
            "unit": u,
            "reference_condition": np.where(c == 1, "natural", "none"),
            "log_rt": slope + rng.normal(0, 0.3, len(p)),
            "correct": rng.random(len(p)) < special.expit(0.5 + 4 * slope),
        }
    )


def test_a_balanced_within_study_gives_the_paired_t_test() -> None:
    trials = within(1, 6, 0.8)
    fit = mixed_linear(trials, "log_rt", slopes={"participant": ("reference_condition",)})
    means = trials.groupby(["participant", "reference_condition"])["log_rt"].mean().unstack()
    paired = stats.ttest_rel(means["none"], means["natural"])
    w = np.array([[0.0, 1.0]])
    t = fit.coefficients["estimate"][1] / np.sqrt(fit.covariance[1, 1])
    assert t == pytest.approx(paired.statistic, rel=1e-3)
    assert fit.degrees_of_freedom(w)[0] == pytest.approx(paired.df, rel=1e-3)


def test_a_study_between_participants_gives_the_t_test_of_two_samples() -> None:
    trials = within(2, 9, 0.0)
    shift = np.random.default_rng(3).normal(0, 0.8, 9)[trials["participant"]]
    is_natural = trials["reference_condition"] == "natural"
    half = trials.assign(log_rt=trials["log_rt"] + shift)
    half = half[is_natural == (trials["participant"] % 3 == 0)]
    fit = mixed_linear(half, "log_rt", groups=("participant",))
    means = half.groupby(["reference_condition", "participant"])["log_rt"].mean()
    two = stats.ttest_ind(means["none"], means["natural"])
    t = fit.coefficients["estimate"][1] / np.sqrt(fit.covariance[1, 1])
    assert t == pytest.approx(two.statistic, rel=1e-3)
    assert fit.degrees_of_freedom(np.array([[0.0, 1.0]]))[0] == pytest.approx(7, rel=1e-3)


def test_a_logistic_model_whose_participants_differ_much_has_about_as_many_as_they_are() -> None:
    """Many answers of each participant leave the participants' spread as what is uncertain."""
    trials = pd.concat([within(seed, 12, 0.7) for seed in (5, 5, 5, 5, 5, 5)])
    fit = mixed_logistic(trials, slopes={"participant": ("reference_condition",)})
    df = fit.degrees_of_freedom(np.array([[0.0, 1.0]]))[0]
    assert 11 <= df < 15


def test_contrasts_are_those_of_t() -> None:
    trials = within(7, 6, 0.5)
    found = mixed_contrasts(trials.assign(rt_s=np.exp(trials["log_rt"]))).set_index("model")
    assert (found["df"] > 0).all() and (found["reason"] == "").all()
    assert found["t"].tolist() == (found["difference"] / found["standard_error"]).tolist()
    half = stats.t.ppf(0.975, found["df"]) * found["standard_error"]
    assert found["low"].tolist() == pytest.approx((found["difference"] - half).tolist())
    p = 2 * stats.t.sf(found["t"].abs(), found["df"])
    assert found["p"].tolist() == pytest.approx(p.tolist())


def dense_error(fit: MixedFit, trials: pd.DataFrame, participants: float, units: float) -> float:
    """Error of the difference with the variances of participants and units times these factors."""
    assert isinstance(fit.likelihood, LinearisedLikelihood)
    x = np.column_stack([np.ones(len(trials)), trials["reference_condition"] == "none"])
    v = np.diag(1 / fit.likelihood.weights)
    for group, factor in (("participant", participants), ("unit", units)):
        same = np.equal.outer(trials[group].to_numpy(), trials[group].to_numpy())
        v += factor * same * (x @ fit.covariances[group].to_numpy() @ x.T)
    covariance = np.linalg.inv(x.T @ np.linalg.solve(v, x))
    return float(covariance[1, 1] ** 0.5)


@pytest.mark.parametrize(("between", "k"), [(False, 1), (True, 2)])
def test_logistic_errors_are_those_of_variances_without_the_bias(between: bool, k: int) -> None:
    """As much larger variances, with all matrices written out: 8 participants and 12 units."""
    rng = np.random.default_rng(8)
    p, u, c, _ = (index.ravel() for index in np.indices((8, 12, 2, 3)))
    slope = rng.normal(0, 0.8, 8)[p] + rng.normal(0, 0.8, 12)[u]
    logit = rng.normal(0, 0.7, 8)[p] + rng.normal(0, 0.7, 12)[u] + (c - 0.5) * slope
    trials = pd.DataFrame({"participant": p, "unit": u, "rt_s": 0.0})
    trials["reference_condition"] = np.where(c == 1, "natural", "none")
    trials["correct"] = rng.random(len(p)) < special.expit(logit)
    if between:
        trials = trials[(p % 2 == 0) == (c == 1)].reset_index(drop=True)
    slopes = dict.fromkeys(GROUPS[1:] if between else GROUPS, ("reference_condition",))
    fit = mixed_logistic(trials, slopes=slopes)
    row = mixed_contrasts(trials).iloc[0]
    what = "differences vary over units" if between else "differences vary over participants and u"
    assert row["random_effects"].startswith(what) and "same variance" not in row["random_effects"]
    if between:
        fit.covariances["participant"] = pd.DataFrame(
            [[fit.covariances["participant"].iloc[0, 0], 0.0], [0.0, 0.0]]
        )
    ratio = dense_error(fit, trials, 8 / (8 - k), 12 / 11) / dense_error(fit, trials, 1, 1)
    assert 1.02 < ratio < (8 / (8 - k)) ** 0.5
    expected = np.sqrt(fit.covariance[1, 1]) * ratio
    assert row["standard_error"] == pytest.approx(expected, rel=1e-3)


def test_few_participants_whose_variance_is_0_do_not_give_the_normal_distribution() -> None:
    trials = within(10, 5, 0.0).assign(rt_s=0.0)
    row = mixed_contrasts(trials).iloc[0]
    assert row["random_effects"].startswith("intercepts only")
    assert row["df"] == 2 * (5 - 1)


def test_one_participant_in_each_condition_gives_no_test() -> None:
    """Of six conditions, each of which one participant met."""
    rng = np.random.default_rng(10)
    p, u, _ = (index.ravel() for index in np.indices((6, 6, 4)))
    trials = pd.DataFrame({"participant": p, "unit": u, "rt_s": 0.0})
    trials["reference_condition"] = np.array([*"abcdef"])[p]
    trials["correct"] = rng.random(len(p)) < 0.6
    found = mixed_contrasts(trials)
    assert (found["reason"] == "not computable because too few participants met them").all()
    assert found[["low", "high", "p"]].isna().all(axis=None)
