"""Mixed models of small studies of all sorts are those of lme4, where these have a maximum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.mixed_contrasts import mixed_contrasts
from analysis.statistics.mixed_models import MixedFit, mixed_linear, mixed_logistic

REFERENCE = Path(__file__).parents[2] / "reference" / "mixed_models"
GROUPS = ("participant", "unit")


def expected() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "values.csv")


def study(name: str) -> pd.DataFrame:
    trials = pd.read_csv(REFERENCE / "trials.csv").query("study == @name")
    condition = trials["condition"].astype(str)
    within = {f"{group} and condition": trials[group].astype(str) + condition for group in GROUPS}
    return trials.assign(condition=condition, **within)


def fitted(trials: pd.DataFrame, outcome: str, random: str) -> MixedFit:
    model = mixed_logistic if outcome == "correct" else mixed_linear
    within = tuple(f"{group} and condition" for group in GROUPS)
    return model(
        trials,
        outcome,
        fixed=("condition",),
        groups=GROUPS + (within if random == "interactions" else ()),
        slopes=("condition",) if random == "slopes" else (),
    )


@pytest.mark.parametrize("outcome", ["correct", "log_rt"])
@pytest.mark.parametrize("name", expected()["study"].unique())
def test_fits_are_those_of_lme4(name: str, outcome: str) -> None:
    own = expected().query("study == @name and outcome == @outcome")
    assert len(own)
    for random, rows in own.groupby("random"):
        fit = fitted(study(name), outcome, str(random))
        assert fit.converged, random
        # Half the deviance, or half the REML criterion, is minus the log likelihood.
        assert -fit.deviance / 2 == pytest.approx(rows["log_likelihood"].iloc[0], abs=0.01), random
        found = fit.coefficients
        assert list(found["name"].iloc[1:]) == [f"condition {c}" for c in rows["effect"].iloc[1:]]
        errors = rows["standard_error"].to_numpy()
        assert found["standard_error"].to_numpy() == pytest.approx(errors, rel=0.02), random
        assert (np.abs(found["estimate"].to_numpy() - rows["estimate"]) < 0.02 * errors).all()
        assert bool(fit.singular) == rows["singular"].iloc[0], random


def test_studies_without_slopes_that_vary_are_among_them() -> None:
    singular = expected().groupby(["outcome", "random"])["singular"].mean()
    assert singular["correct", "slopes"] > 0.4 and singular["log_rt", "interactions"] > 0.2


def test_a_condition_without_errors_costs_its_own_differences_alone() -> None:
    name, random = "balanced", "interactions"
    trials = study(name).rename(columns={"condition": "reference_condition"})
    perfect = trials[trials["reference_condition"] == "0"]
    perfect = perfect.assign(reference_condition="2", correct=True)
    table = mixed_contrasts(pd.concat([trials, perfect]).assign(rt_s=1.5))
    table = table[table["model"] == "right_answers"].set_index(["first", "second"])
    values = expected().query("study == @name and outcome == 'correct' and effect == '1'")
    of_lme4 = values.set_index("random").loc[random]
    # glmer's of the two other conditions.
    assert table.loc[("0", "1"), "difference"] == pytest.approx(-of_lme4["estimate"], abs=1e-4)
    assert table.loc[("0", "1"), "n_trials"] == len(trials)
    assert table.loc[("0", "1"), "random_effects"].endswith("; fitted without 2")
    for pair in (("0", "2"), ("1", "2")):
        assert np.isnan(table.loc[pair, "difference"])
        assert table.loc[pair, "reason"].endswith("reference_condition is 2")


def test_a_model_without_a_maximum_does_not_converge_and_says_so() -> None:
    """With one error in a condition, the variance of its difference can grow without end."""
    trials = study("near_separation")
    assert not fitted(trials, "correct", "slopes").converged
    renamed = trials.assign(reference_condition=trials["condition"], rt_s=np.exp(trials["log_rt"]))
    doubled = pd.concat([renamed] * 2).astype({"correct": bool})
    found = mixed_contrasts(doubled).iloc[0]
    assert "with correlated slopes the fit did not converge" in found["random_effects"]
    assert found["reason"] == "" and np.isfinite(found["difference"])
