"""Gamma is recovered from readings of a monitor whose gamma is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.lab.gamma import fit_gamma
from unitscope.errors import BadInput

LEVELS = np.linspace(0, 1, 9)


@given(
    gamma=st.floats(0.8, 3.5),
    minimum=st.floats(0, 2),
    span=st.floats(20, 500),
    seed=st.integers(0, 10_000),
)
def test_gamma_is_recovered_from_noisy_readings(gamma, minimum, span, seed):
    exact = minimum + span * LEVELS**gamma
    noise = np.random.default_rng(seed).normal(0, 0.002 * span, len(LEVELS))
    fit = fit_gamma(LEVELS, np.maximum(exact + noise, 0))
    assert fit.gamma == pytest.approx(gamma, rel=0.1)
    assert fit.luminance_cd_m2(LEVELS) == pytest.approx(exact, abs=0.01 * span)
    assert fit.worst_residual < 0.02


def test_a_curve_that_is_no_power_function_has_a_large_residual():
    s_shaped = 100 / (1 + np.exp(-12 * (LEVELS - 0.5)))
    assert fit_gamma(LEVELS, s_shaped).worst_residual > 0.05


@pytest.mark.parametrize(
    ("levels", "luminances", "message"),
    [
        ([0, 0.5, 1], [0, 1, 2], "3 levels were measured, expected 4 or more"),
        ([0, 0.5, 0.7, 1], [5, 5, 5, 5], "expected it to rise"),
        ([0, 0.5, 0.7, 1], [9, 5, 3, 1], "expected it to rise"),
        ([0, 0.5, 0.7, 1.5], [1, 2, 3, 4], "expected 0 to 1"),
        ([0, 0.5, 0.7, 1], [1, 2, float("nan"), 4], "expected it to rise"),
    ],
)
def test_what_cannot_be_fitted_is_refused(levels, luminances, message):
    with pytest.raises(BadInput, match=message):
        fit_gamma(levels, luminances)
