"""Likelihood of a logistic mixed model, its random effects integrated out by Laplace."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from analysis.statistics.crossed_effects import CrossedEffects
from analysis.statistics.likelihood import minimise, second_derivatives

_STEPS = 60
_TOLERANCE = 1e-8
_LIMIT_LOGIT = 25.0


@dataclass(frozen=True)
class _Mode:
    """The most likely effects ``u``, with the logits and the factor of the curvature there."""

    u: np.ndarray
    eta: np.ndarray
    chol: np.ndarray


class Laplace:
    """Minus twice the log likelihood of answers, by fixed effects and parameters of random ones.

    Parameters
    ----------
    y
        Shape (trials,); 0 and 1.
    x
        Shape (trials, p), the first column ones.
    effects
        The random part.
    """

    def __init__(self, y: np.ndarray, x: np.ndarray, effects: CrossedEffects) -> None:
        self._y, self._x, self._effects = y, x, effects
        self._u = np.zeros(effects.n_effects)

    def maximise(self) -> tuple[np.ndarray, np.ndarray, bool]:
        """Return the best fixed effects, the random ones' parameters, and if the search ended."""
        n_fixed = self._x.shape[1]
        beta = np.zeros(n_fixed)
        share = self._y.mean()
        beta[0] = np.log(share / (1 - share))
        start = np.concatenate([beta, self._effects.start()])
        bounds = [(-20.0, 20.0)] * n_fixed + self._effects.bounds()
        best, ended = minimise(self.deviance, start, bounds)
        return best[:n_fixed], best[n_fixed:], ended

    def deviance(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the deviance and its gradient at fixed effects, then random ones' parameters."""
        n_fixed = self._x.shape[1]
        a = self._effects.values(parameters[n_fixed:])
        mode = self._mode(a, self._x @ parameters[:n_fixed])
        u, chol = mode.u, mode.chol
        value = 2 * self._penalised(mode.eta, u) + 2 * np.log(np.diag(chol)).sum()
        mu = 1 / (1 + np.exp(-mode.eta))
        weight, error = mu * (1 - mu), mu - self._y
        inverse = linalg.cho_solve((chol, True), np.eye(len(u)))
        own = self._effects.own_products(a, inverse)
        # How the curvature's determinant moves with each logit, directly and through u.
        turn = np.einsum("tk,tk->t", own, a) * weight * (1 - 2 * mu)
        pull = linalg.cho_solve((chol, True), self._effects.transposed(a, turn))
        by_eta = 2 * error + turn - weight * self._effects.times(a, pull)
        of_u, of_pull = u[self._effects.places], pull[self._effects.places]
        by_values = by_eta[:, None] * of_u + 2 * weight[:, None] * own - error[:, None] * of_pull
        gradient = np.concatenate([self._x.T @ by_eta, self._effects.gradient(by_values)])
        return float(value), gradient

    def _mode(self, a: np.ndarray, offset: np.ndarray) -> _Mode:
        """Find the most likely effects by Newton's method, from where they were last."""
        u, effects = self._u, self._effects
        eta = offset + effects.times(a, u)
        value = self._penalised(eta, u)
        for _ in range(_STEPS):
            mu = 1 / (1 + np.exp(-np.clip(eta, -_LIMIT_LOGIT, _LIMIT_LOGIT)))
            gradient = effects.transposed(a, self._y - mu) - u
            chol = linalg.cholesky(effects.information(a, mu * (1 - mu)), lower=True)
            step = linalg.cho_solve((chol, True), gradient)
            if np.abs(step).max() < _TOLERANCE:
                break
            scale = 1.0
            while scale > 1e-4:
                tried = u + scale * step
                tried_eta = offset + effects.times(a, tried)
                new = self._penalised(tried_eta, tried)
                if new <= value + 1e-12 * abs(value):
                    break
                scale /= 2
            u, eta, value = tried, tried_eta, new
        self._u = u
        return _Mode(u, eta, chol)

    def _penalised(self, eta: np.ndarray, u: np.ndarray) -> float:
        return float(np.logaddexp(0, eta).sum() - self._y @ eta + u @ u / 2)

    def covariance(self, beta: np.ndarray, theta: np.ndarray) -> np.ndarray:
        """Return the fixed effects' covariance, from the curvature of the whole deviance."""
        best = np.concatenate([beta, theta])
        n_fixed = len(beta)
        # A parameter at its bound of 0 has no curvature of its own.
        free = np.concatenate([np.ones(n_fixed, bool), np.abs(theta) > 1e-3])

        def deviance(values: np.ndarray) -> tuple[float, np.ndarray]:
            whole = best.copy()
            whole[free] = values
            value, gradient = self.deviance(whole)
            return value, gradient[free]

        hessian = second_derivatives(deviance, best[free]) / 2
        try:
            inverse = np.linalg.inv(hessian)
        except np.linalg.LinAlgError:
            inverse = np.full_like(hessian, np.nan)
        covariance = inverse[:n_fixed, :n_fixed]
        if not (np.diag(covariance) > 0).all():
            covariance = np.linalg.pinv(hessian[:n_fixed, :n_fixed])
        return covariance
