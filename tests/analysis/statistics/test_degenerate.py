"""Tiny and one-sided studies give possible numbers or a reason, and never a traceback."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.statistics.activation_difference import trend
from analysis.statistics.agreement import agreement, answers
from analysis.statistics.confidence import metacognition
from analysis.statistics.contrasts import compare_conditions
from analysis.statistics.estimates import CI_UNITS
from analysis.statistics.mixed_contrasts import mixed_contrasts
from analysis.statistics.performance import accuracy
from analysis.statistics.reliability import split_half


@st.composite
def studies(draw: st.DrawFn) -> pd.DataFrame:
    """Return trials of few participants, units and conditions, at times all right or all wrong."""
    shape = [draw(st.integers(1, most)) for most in (4, 3, 3, 2)]
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    p, u, c, _ = (index.ravel() for index in np.indices(shape))
    right = rng.random(len(p)) < draw(st.sampled_from([0.0, 0.3, 0.7, 1.0]))
    is_a = rng.random(len(p)) < 0.5
    trials = pd.DataFrame(
        {
            **{"observer_kind": "simulated", "observer": "graded", "batch": 1},
            "participant": [f"p{i}" for i in p],
            "unit": [f"u{i}" for i in u],
            "reference_condition": np.array(["natural", "synthetic", "none"])[c],
            **{"query_a": "a.png", "query_b": "b.png", "rt_s": rng.lognormal(0, 0.3, len(p))},
            "choice": np.where(is_a, "a", "b"),
            "confidence": rng.integers(1, 4, len(p)),
            "relative_activation_difference": rng.random(len(p)),
            "correct": pd.array(right, dtype="boolean"),
        }
    )
    return trials[rng.random(len(p)) < draw(st.sampled_from([0.4, 1.0]))]


def check(table: pd.DataFrame, value: str, least: float, most: float) -> None:
    """Every value is possible and within its interval, or has a reason."""
    for row in table.to_dict("records"):
        if np.isfinite(row[value]):
            assert least <= row[value] <= most
        else:
            assert row["reason"]
        if np.isfinite(row["low"]):
            assert least - 1e-12 <= row["low"] <= row["high"] <= most + 1e-12
        else:
            assert row["reason"].startswith("not computable because")


@pytest.mark.filterwarnings("error::RuntimeWarning")
@given(trials=studies(), ci_unit=st.sampled_from(CI_UNITS))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_numbers_are_possible_or_explained(trials: pd.DataFrame, ci_unit: str) -> None:
    check(accuracy(trials, ci_unit=ci_unit), "proportion", 0, 1)
    differences = compare_conditions(trials, ci_unit)
    check(differences, "difference", -1, 1)
    assert not (differences["standard_error"] < 0).any()
    assert differences[["p", "p_holm", "p_equivalence"]].stack().dropna().between(0, 1).all()
    if len(trials):
        check(agreement(answers(trials), 20), "kappa", -1, 1)
        check(pd.DataFrame([vars(split_half(trials, 6, 8))]), "full", -1, 1)
        check(pd.DataFrame([vars(trend(trials, n_bootstrap=20))]), "rho", -1, 1)
        sure = metacognition(trials)
        assert np.isfinite(sure.m_ratio) or sure.reason.startswith("not computable because")


@given(trials=studies())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mixed_models_have_numbers_or_a_reason(trials: pd.DataFrame) -> None:
    found = mixed_contrasts(trials)
    check(found, "difference", -25, 25)
    spread = found[["participant_sd", "unit_sd", "residual_sd", "unit_difference_sd"]]
    assert not (spread < 0).any(axis=None)
