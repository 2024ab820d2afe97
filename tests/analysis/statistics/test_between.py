"""Differences between participants agree with Welch and cover what was simulated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.statistics.between import difference_between


def groups(simulate: Callable[..., pd.DataFrame], rng: np.random.Generator, **options: float):
    one = simulate(rng, {"natural": 1.0, "none": 0.0}, **options)
    first = one[one["reference_condition"] == "natural"]
    second = one[one["reference_condition"] == "none"]
    return first, second.assign(participant=second["participant"] + "x")


def test_over_participants_it_is_welchs_test(simulate: Callable[..., pd.DataFrame]) -> None:
    first, second = groups(simulate, np.random.default_rng(1), participants=12)
    second = second[second["participant"] < "p007"]
    found = difference_between(first, second, "participant")
    means = [
        part.groupby("participant")["correct"].mean().astype(float) for part in (first, second)
    ]
    welch = stats.ttest_ind(*means, equal_var=False)
    assert found.value / found.standard_error == pytest.approx(welch.statistic)
    assert found.df == pytest.approx(welch.df)
    assert (found.low, found.high) == pytest.approx(tuple(welch.confidence_interval()))


def test_crossed_intervals_are_wider_than_either(simulate: Callable[..., pd.DataFrame]) -> None:
    parts = groups(simulate, np.random.default_rng(2), participants=12, unit_effect_sd=1.0)
    errors = {
        unit: difference_between(*parts, unit).standard_error  # type: ignore[arg-type]
        for unit in ("crossed", "participant", "unit")
    }
    assert errors["crossed"] ** 2 == pytest.approx(errors["participant"] ** 2 + errors["unit"] ** 2)


def test_too_few_is_said(simulate: Callable[..., pd.DataFrame]) -> None:
    first, second = groups(simulate, np.random.default_rng(3), participants=4)
    alone = first[first["participant"] == "p000"]
    assert "fewer than 2 participants" in difference_between(alone, second).reason
    apart = second.assign(unit=second["unit"] + "x")
    assert "too few units" in difference_between(first, apart).reason
