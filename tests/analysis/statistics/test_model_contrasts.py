"""Contrasts of the mixed models do not depend on which condition is the first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.model_contrasts import model_contrasts


def test_contrasts_recover_logits_and_times(simulate: Callable[..., pd.DataFrame]) -> None:
    rng = np.random.default_rng(4)
    logits = {"natural": 1.5, "synthetic": 0.5, "none": 0.0}
    trials = simulate(rng, logits, participants=40, units=15)
    slow = trials["reference_condition"].map({"natural": 0.0, "synthetic": 0.3, "none": 0.0})
    trials["rt_s"] = np.exp(0.5 + slow.to_numpy(float) + rng.normal(0, 0.2, len(trials)))
    found = model_contrasts(trials).set_index(["model", "first", "second"]).sort_index()
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
    found = model_contrasts(trials.assign(rt_s=1.0))
    assert found["reason"].str.startswith("not computable because").all()
    assert model_contrasts(trials[:0].assign(rt_s=[])).empty


def test_few_participants_do_not_tell_how_much_they_vary(
    simulate: Callable[..., pd.DataFrame],
) -> None:
    trials = simulate(np.random.default_rng(6), {"natural": 1.0, "none": 0.0}, participants=4)
    rt_s = np.random.default_rng(7).lognormal(size=len(trials))
    found = model_contrasts(trials.assign(rt_s=rt_s))
    assert found["reason"].str.endswith("there are fewer than 5 participants").all()
    assert found[["difference", "low", "p", "participant_sd"]].isna().all(axis=None)
