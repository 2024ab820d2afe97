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


def whole_matrix(effects: CrossedEffects, values: np.ndarray) -> np.ndarray:
    whole = np.zeros((len(values), effects.n_effects))
    np.add.at(whole, (np.arange(len(values))[:, None], effects.places), values)
    return whole


def nested(rng: np.random.Generator, trials: int) -> tuple[np.ndarray, CrossedEffects]:
    """Add conditions within participants and within units, and a factor that crosses all."""
    x, simple = crossed(rng, trials)
    person, unit = simple.terms
    condition = x[:, 1].astype(int)
    groups = [
        ("person and condition", np.unique(person.codes * 2 + condition, return_inverse=True)[1]),
        ("unit and condition", np.unique(unit.codes * 2 + condition, return_inverse=True)[1]),
        ("image", rng.permutation(np.arange(trials) % 4)),
    ]
    more = [RandomTerm(name, codes, x[:, :1], ("intercept",)) for name, codes in groups]
    return x, CrossedEffects([*simple.terms, *more])


@pytest.mark.parametrize("layout", [crossed, nested])
@pytest.mark.parametrize("trials", [30, 400])
def test_sparse_products_are_those_of_the_whole_matrix(layout, trials) -> None:
    rng = np.random.default_rng(9)
    _, effects = layout(rng, trials)
    theta = rng.normal(0, 1, len(effects.start()))
    values = effects.values(theta)
    whole = whole_matrix(effects, values)
    weights, u = rng.random(trials), rng.normal(0, 1, effects.n_effects)
    assert effects.times(values, u) == pytest.approx(whole @ u)
    assert effects.transposed(values, weights) == pytest.approx(whole.T @ weights)
    expected = whole.T @ np.diag(weights) @ whole + np.eye(effects.n_effects)
    found = effects.information(values, weights)
    assert found.solve(u) == pytest.approx(np.linalg.solve(expected, u))
    assert found.log_determinant == pytest.approx(np.linalg.slogdet(expected)[1])
    own = np.take_along_axis(whole @ np.linalg.inv(expected), effects.places, 1)
    assert effects.own_products(values, found) == pytest.approx(own)


def test_a_matrix_with_few_entries_is_solved_sparsely() -> None:
    """Many units, of which each participant has few."""
    rng = np.random.default_rng(2)
    ones = np.ones((600, 1))
    terms = [
        RandomTerm("participant", np.arange(600) % 100, ones, ("intercept",)),
        RandomTerm(
            "unit", np.unique(rng.integers(0, 90, 600), return_inverse=True)[1], ones, ("i",)
        ),
    ]
    effects = CrossedEffects(terms)
    values = effects.values(np.array([0.7, 1.3]))
    whole = whole_matrix(effects, values)
    expected = whole.T @ whole + np.eye(effects.n_effects)
    found, b = effects.information(values), rng.normal(0, 1, (effects.n_effects, 2))
    assert found.solve(b) == pytest.approx(np.linalg.solve(expected, b))
    assert found.log_determinant == pytest.approx(np.linalg.slogdet(expected)[1])
    own = np.take_along_axis(whole @ np.linalg.inv(expected), effects.places, 1)
    assert effects.own_products(values, found) == pytest.approx(own)
