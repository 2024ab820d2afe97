"""The gradients of both mixed models are those of their deviances."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.statistics.crossed_effects import CrossedEffects, RandomTerm
from analysis.statistics.mixed_likelihood import LaplaceLikelihood, RestrictedLikelihood


def crossed(rng: np.random.Generator, trials: int) -> tuple[np.ndarray, CrossedEffects]:
    x = np.column_stack([np.ones(trials), rng.integers(0, 2, trials)]).astype(float)
    terms = [
        RandomTerm("participant", np.arange(trials) % 7, x, ("intercept", "slope")),
        RandomTerm("unit", rng.integers(0, 5, trials), x[:, :1], ("intercept",)),
    ]
    return x, CrossedEffects(terms)


@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, effects = crossed(rng, 120)
    theta = effects.start() + rng.normal(0, 0.2, len(effects.start()))
    answers = LaplaceLikelihood((rng.random(120) < 0.7).astype(float), x, effects)
    times = RestrictedLikelihood(rng.normal(0, 1, 120), x, effects)
    for deviance, at in (
        (answers.deviance, np.concatenate([rng.normal(0, 0.5, 2), theta])),
        (times.deviance, theta),
    ):
        steps = 1e-5 * np.eye(len(at))
        slopes = [(deviance(at + s)[0] - deviance(at - s)[0]) / 2e-5 for s in steps]
        assert deviance(at)[1] == pytest.approx(np.array(slopes), abs=1e-3, rel=1e-4)


def test_sparse_products_are_those_of_the_whole_matrix() -> None:
    rng = np.random.default_rng(9)
    _, effects = crossed(rng, 40)
    values = effects.values(rng.normal(0, 1, 4))
    whole = np.zeros((40, effects.n_effects))
    np.add.at(whole, (np.arange(40)[:, None], effects.places), values)
    weights, u = rng.random(40), rng.normal(0, 1, effects.n_effects)
    assert effects.times(values, u) == pytest.approx(whole @ u)
    assert effects.transposed(values, weights) == pytest.approx(whole.T @ weights)
    expected = whole.T @ np.diag(weights) @ whole + np.eye(effects.n_effects)
    assert effects.information(values, weights) == pytest.approx(np.tril(expected))
