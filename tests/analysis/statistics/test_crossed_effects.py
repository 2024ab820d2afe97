"""Algebra by blocks is that of the whole matrix, however few units each participant meets."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.statistics.crossed_effects import CrossedEffects, RandomTerm


def effects(units: int, met: int, rng: np.random.Generator) -> CrossedEffects:
    """Return slopes over participants and units, and intercepts of participants' conditions."""
    participants = np.repeat(np.arange(30), met)
    unit = np.concatenate([rng.permutation(units)[:met] for _ in range(30)])
    unit = np.unique(unit, return_inverse=True)[1]  # every level with a trial
    slope = rng.integers(0, 2, len(unit)).astype(float)
    cell = np.unique(2 * participants + slope, return_inverse=True)[1]
    columns = np.column_stack([np.ones(len(unit)), slope])
    names = ("intercept", "slope")
    return CrossedEffects(
        [
            RandomTerm("participant", participants, columns, names),
            RandomTerm("unit", unit, columns, names),
            RandomTerm("cell", cell, columns[:, :1], names[:1]),
        ]
    )


@pytest.mark.parametrize(("units", "met"), [(8, 6), (400, 6), (400, 1)])
def test_blocks_are_those_of_the_whole_matrix(units: int, met: int) -> None:
    rng = np.random.default_rng(units + met)
    crossed = effects(units, met, rng)
    n_trials = len(crossed.places)
    values = crossed.values(rng.normal(0, 1, sum(t.n_parameters for t in crossed.terms)))
    weights = rng.uniform(0.1, 1, n_trials)
    a = np.zeros((n_trials, crossed.n_effects))
    np.put_along_axis(a, crossed.places, values, axis=1)
    whole = a.T @ (weights[:, None] * a) + np.eye(crossed.n_effects)
    information = crossed.information(values, weights)
    assert information.log_determinant == pytest.approx(np.linalg.slogdet(whole)[1])
    for b in (rng.normal(0, 1, crossed.n_effects), rng.normal(0, 1, (crossed.n_effects, 3))):
        assert information.solve(b) == pytest.approx(np.linalg.solve(whole, b))
    inverse = np.take_along_axis(a @ np.linalg.inv(whole), crossed.places, axis=1)
    assert crossed.own_products(values, information) == pytest.approx(inverse)
