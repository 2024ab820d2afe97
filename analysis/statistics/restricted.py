"""Restricted likelihood of a linear mixed model, by the relative sizes of its random effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from analysis.statistics.crossed_effects import CrossedEffects
from analysis.statistics.likelihood import minimise


@dataclass(frozen=True)
class _Solution:
    """Fixed effects at given random ones; ``v`` is the covariance in units of the residual's."""

    values: np.ndarray
    chol: np.ndarray
    beta: np.ndarray
    information: np.ndarray
    v_x: np.ndarray
    v_rest: np.ndarray
    rest: float


class Restricted:
    """Restricted deviance of numbers, profiled over fixed effects and residual sd.

    Parameters
    ----------
    y
        Shape (trials,).
    x
        Shape (trials, p).
    effects
        The random part; its parameters count in residual standard deviations.
    """

    def __init__(self, y: np.ndarray, x: np.ndarray, effects: CrossedEffects) -> None:
        self._y, self._x, self._effects = y, x, effects
        self._df = len(y) - x.shape[1]

    def maximise(self) -> tuple[np.ndarray, bool]:
        """Return the best parameters of the random effects, and whether the search ended."""
        return minimise(self.deviance, self._effects.start(), self._effects.bounds())

    def _solve(self, theta: np.ndarray) -> _Solution:
        effects = self._effects
        a = effects.values(theta)
        chol = linalg.cholesky(effects.information(a), lower=True)

        def without_effects(columns: np.ndarray) -> np.ndarray:
            """Return ``V^-1`` times the columns (Woodbury)."""
            inner = np.column_stack([effects.transposed(a, column) for column in columns.T])
            solved = linalg.cho_solve((chol, True), inner)
            shared = np.column_stack([effects.times(a, column) for column in solved.T])
            rest: np.ndarray = columns - shared
            return rest

        both = without_effects(np.column_stack([self._x, self._y]))
        v_x, v_y = both[:, :-1], both[:, -1]
        information = self._x.T @ v_x
        beta = np.linalg.solve(information, self._x.T @ v_y)
        v_rest = v_y - v_x @ beta
        rest = max(float((self._y - self._x @ beta) @ v_rest), 1e-12)
        return _Solution(a, chol, beta, information, v_x, v_rest, rest)

    def deviance(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the restricted deviance and its gradient."""
        effects, df = self._effects, self._df
        found = self._solve(theta)
        a, v_x, v_rest = found.values, found.v_x, found.v_rest
        logs = 2 * np.log(np.diag(found.chol)).sum() + np.linalg.slogdet(found.information)[1]
        value = logs + df * (1 + np.log(2 * np.pi * found.rest / df))
        inverse = linalg.cho_solve((found.chol, True), np.eye(effects.n_effects))
        by_values = 2 * effects.own_products(a, inverse)
        across = np.linalg.solve(found.information, v_x.T)
        for column, weight in zip(v_x.T, across, strict=True):
            by_values -= 2 * weight[:, None] * effects.transposed(a, column)[effects.places]
        of_rest = effects.transposed(a, v_rest)[effects.places]
        by_values -= 2 * df / found.rest * v_rest[:, None] * of_rest
        return float(value), effects.gradient(by_values)

    def solve(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Return the fixed effects, their covariance and the residual sd."""
        found = self._solve(theta)
        variance = found.rest / self._df
        return found.beta, variance * np.linalg.inv(found.information), float(np.sqrt(variance))
