"""A simulated trend is found, and none without one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.activation_difference import COLUMN, binned_accuracy, trend


def simulate(seed, slope, pairs=60, participants=20):
    rng = np.random.default_rng(seed)
    difference = rng.uniform(0.1, 2, pairs)
    p, i = np.repeat(np.arange(participants), pairs), np.tile(np.arange(pairs), participants)
    right = rng.random(len(p)) < 1 / (1 + np.exp(-slope * (difference[i] - 0.5)))
    return pd.DataFrame(
        {"participant": p, "unit": i, "batch": 0, COLUMN: difference[i], "correct": right}
    )


def test_a_trend_is_found():
    found = trend(simulate(1, 1.5), n_bootstrap=200)
    assert found.low > 0.3
    assert found.n_pairs == 60
    assert found.n_trials == 1200


def test_no_trend_is_found_where_there_is_none():
    covered = [trend(simulate(s, 0.0), n_bootstrap=100, seed=s) for s in range(20)]
    assert sum(t.low < 0 < t.high for t in covered) >= 16


def test_bins_are_about_equal_and_rise():
    table = binned_accuracy(simulate(2, 2.0), 5)
    assert table["n_trials"].tolist() == [240] * 5
    assert table["proportion"].iloc[-1] > table["proportion"].iloc[0] + 0.2
    assert (table["least"].to_numpy()[1:] >= table["most"].to_numpy()[:-1]).all()


@pytest.mark.parametrize("pairs", [1, 4, 7, 60])
def test_a_query_pair_stands_in_one_bin_whatever_the_order(pairs):
    trials = simulate(3, 1.0, pairs=pairs, participants=5)
    table = binned_accuracy(trials)
    assert (table["least"].to_numpy()[1:] > table["most"].to_numpy()[:-1]).all()
    assert table["bin"].tolist() == list(range(min(pairs, 6)))
    assert table["n_trials"].sum() == len(trials)
    again = binned_accuracy(trials.sample(frac=1, random_state=1))
    assert again["proportion"].tolist() == table["proportion"].tolist()


@pytest.mark.parametrize(
    ("trials", "reason"),
    [
        (simulate(1, 1, pairs=3), "fewer than 4"),
        (simulate(1, 1).assign(correct=True), "the same for all query pairs"),
    ],
)
def test_what_cannot_be_computed_says_why(trials, reason):
    assert reason in trend(trials).reason
