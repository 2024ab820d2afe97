"""Intervals against textbook cases, and their coverage in simulated studies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from analysis.statistics.estimates import plain
from analysis.statistics.intervals import mean_with_interval, wilson


def grid(means: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values, participants and units of a matrix (participants, units)."""
    person, unit = np.indices(means.shape)
    return means.ravel(), person.ravel(), unit.ravel()


def test_participant_interval_is_the_t_interval_of_their_means() -> None:
    means = np.random.default_rng(1).normal(size=(8, 5))
    found = mean_with_interval(*grid(means), "participant")
    expected = stats.ttest_1samp(means.mean(axis=1), 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert found.df == 7


def test_unit_interval_is_the_t_interval_of_their_means() -> None:
    means = np.random.default_rng(2).normal(size=(8, 5))
    found = mean_with_interval(*grid(means), "unit")
    expected = stats.ttest_1samp(means.mean(axis=0), 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(expected))


def test_paper_mode_is_two_standard_errors_with_ddof_zero() -> None:
    means = np.random.default_rng(3).random((10, 6))
    found = mean_with_interval(*grid(means), "paper")
    error = 2 * np.std(means.mean(axis=1)) / np.sqrt(10)
    assert found.high - found.value == pytest.approx(error)


def test_crossed_error_is_the_quasi_f_when_balanced() -> None:
    rng = np.random.default_rng(4)
    means = rng.normal(size=(12, 7)) + rng.normal(size=(12, 1)) + rng.normal(size=(1, 7))
    rows, columns = means.shape
    by_row, by_column = means.mean(1, keepdims=True), means.mean(0, keepdims=True)
    people = columns * ((by_row - means.mean()) ** 2).sum() / (rows - 1)
    units = rows * ((by_column - means.mean()) ** 2).sum() / (columns - 1)
    rest = ((means - by_row - by_column + means.mean()) ** 2).sum() / ((rows - 1) * (columns - 1))
    assert min(people, units) > rest
    variance = (people + units - rest) / means.size
    found = mean_with_interval(*grid(means), "crossed")
    assert found.standard_error**2 == pytest.approx(variance)
    spread = people**2 / (rows - 1) + units**2 / (columns - 1)
    spread += rest**2 / ((rows - 1) * (columns - 1))
    assert found.df == pytest.approx((people + units - rest) ** 2 / spread)


def test_crossed_error_of_gaps_estimates_the_same_components() -> None:
    rng = np.random.default_rng(5)
    truth, found = [], []
    for _ in range(200):
        means = rng.normal(0, 0.5, (15, 1)) + rng.normal(0, 0.5, (1, 10))
        means = means + rng.normal(0, 1, (15, 10))
        kept = rng.random(means.size) < 0.7
        values, people, units = (part[kept] for part in grid(means))
        estimate = mean_with_interval(values, people, units)
        truth.append(estimate.value)
        found.append(estimate.standard_error**2)
    assert np.mean(found) == pytest.approx(np.var(truth), rel=0.25)


def test_wilson_agrees_with_statsmodels() -> None:
    for right, number in ((0, 5), (3, 7), (50, 60), (9, 9)):
        expected = proportion_confint(right, number, method="wilson")
        assert wilson(right, number) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("shape", "ci_unit", "why"),
    [
        ((1, 5), "crossed", "only one participant"),
        ((5, 1), "crossed", "only one unit"),
        ((1, 5), "participant", "only one participant"),
        ((1, 5), "paper", "only one participant"),
        ((5, 1), "unit", "only one unit"),
        ((1, 1), "trial", "only one trial"),
    ],
)
def test_what_cannot_be_computed_says_why(shape: tuple[int, int], ci_unit: str, why: str) -> None:
    means = 2 * np.random.default_rng(6).random(shape)
    found = mean_with_interval(*grid(means), ci_unit)  # type: ignore[arg-type]
    assert found.reason.startswith("not computable because ")
    assert why in found.reason
    assert np.isnan([found.low, found.high]).all()
    assert found.value == pytest.approx(means.mean())


def test_units_that_no_two_participants_share_are_not_computable() -> None:
    values = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    people, units = np.array([0, 0, 1, 1, 2, 2]), np.arange(6)
    assert "participants met the same units" in mean_with_interval(values, people, units).reason


def test_no_trials_are_not_computable() -> None:
    empty = np.array([])
    assert "there are no trials" in mean_with_interval(empty, empty, empty).reason


def test_unknown_ci_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of crossed"):
        mean_with_interval(*grid(np.eye(3)), "subject")  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 4), st.booleans()), min_size=1, max_size=40
    ),
    st.sampled_from(["crossed", "participant", "unit", "trial", "paper"]),
)
def test_any_trials_give_an_interval_or_a_reason(
    trials: list[tuple[int, int, bool]], ci_unit: str
) -> None:
    people, units, right = map(np.array, zip(*trials, strict=True))
    found = mean_with_interval(right.astype(float), people, units, ci_unit)  # type: ignore[arg-type]
    assert found.value == pytest.approx(right.mean())
    if found.reason:
        assert np.isnan(found.low)
    else:
        assert found.low <= found.value <= found.high


@pytest.mark.parametrize("unit_effect_sd", [0.0, 1.0])
def test_crossed_interval_covers_and_participant_interval_does_not(
    simulate: Callable[..., pd.DataFrame], unit_effect_sd: float
) -> None:
    """With no true mean effect, crossed rejects about 5 % of the time whatever units do."""
    rng = np.random.default_rng(7)
    rejected = {"crossed": 0, "participant": 0}
    number = 250
    for _ in range(number):
        logits = {"natural": 0.8, "synthetic": 0.8}
        trials = simulate(rng, logits, participants=20, units=8, unit_effect_sd=unit_effect_sd)
        right = trials["correct"].to_numpy(float).reshape(2, 20, 8)
        for ci_unit in rejected:
            found = mean_with_interval(*grid(right[0] - right[1]), ci_unit)  # type: ignore[arg-type]
            rejected[ci_unit] += not found.low <= 0 <= found.high
    assert rejected["crossed"] / number <= 0.08
    if unit_effect_sd:
        assert rejected["participant"] / number > 0.15


def test_plain_turns_what_json_lacks_into_none() -> None:
    found = [plain(value) for value in (np.nan, np.inf, pd.NA, np.float64(1.5), np.int64(2), "a")]
    assert found == [None, None, None, 1.5, 2, "a"]
