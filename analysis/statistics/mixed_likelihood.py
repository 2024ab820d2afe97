"""Deviances of mixed models, their gradients and their minima: logistic by Laplace, linear by REML.

Both models have the linear predictor ``eta = X beta + A u`` with ``u`` standard normal, as
:class:`~analysis.statistics.crossed_effects.CrossedEffects` writes the random effects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize

from analysis.statistics.crossed_effects import Bound, CrossedEffects

Deviance = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Takes parameters, returns the deviance and its gradient."""

_NEWTON_STEPS = 60
_NEWTON_TOLERANCE = 1e-8
_LIMIT_LOGIT = 25.0


def minimise(
    deviance: Deviance, start: np.ndarray, bounds: Sequence[Bound]
) -> tuple[np.ndarray, bool]:
    """Return the parameters of the lowest deviance within bounds, and whether L-BFGS-B converged.

    Examples
    --------
    >>> lowest, converged = minimise(
    ...     lambda x: (float((x - 3) @ (x - 3)), 2 * (x - 3)), np.zeros(1), [(0.0, 8.0)]
    ... )
    >>> lowest.round(6), converged
    (array([3.]), True)
    """
    found = optimize.minimize(
        deviance,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 300, "ftol": 1e-11, "gtol": 1e-4},
    )
    lowest: np.ndarray = found.x
    return lowest, bool(found.success)


def second_derivatives(deviance: Deviance, at: np.ndarray) -> np.ndarray:
    """Return the Hessian, shape (parameters, parameters), by central differences of the gradient.

    Examples
    --------
    >>> second_derivatives(lambda x: (float(x @ x), 2 * x), np.ones(2)).round(6) + 0
    array([[2., 0.],
           [0., 2.]])
    """
    rows = []
    for i, step in enumerate(1e-4 * np.maximum(1, np.abs(at))):
        away = np.zeros(len(at))
        away[i] = step
        rows.append((deviance(at + away)[1] - deviance(at - away)[1]) / (2 * step))
    hessian = np.array(rows)
    symmetric: np.ndarray = (hessian + hessian.T) / 2
    return symmetric


@dataclass(frozen=True)
class _Mode:
    """The conditional mode of ``u``, the logits there and the Cholesky factor of the Hessian."""

    u: np.ndarray
    eta: np.ndarray
    chol: np.ndarray


class LaplaceLikelihood:
    """Deviance of a logistic mixed model whose random effects are integrated out by Laplace.

    Tierney & Kadane, J. Am. Stat. Assoc. 1986, 81, 82-86; for generalised linear mixed models
    Breslow & Clayton, J. Am. Stat. Assoc. 1993, 88, 9-25.

    Parameters
    ----------
    y
        Shape (trials,); 0 and 1.
    x
        Shape (trials, fixed effects), the first column ones.
    effects
        The random effects.
    """

    def __init__(self, y: np.ndarray, x: np.ndarray, effects: CrossedEffects) -> None:
        self._y, self._x, self._effects = y, x, effects
        self._u = np.zeros(effects.n_effects)

    def maximise(self) -> tuple[np.ndarray, np.ndarray, bool]:
        """Return the fixed effects, the parameters ``theta``, and whether the search converged."""
        n_fixed = self._x.shape[1]
        beta = np.zeros(n_fixed)
        proportion = self._y.mean()
        beta[0] = np.log(proportion / (1 - proportion))
        start = np.concatenate([beta, self._effects.start()])
        bounds = [(-20.0, 20.0)] * n_fixed + self._effects.bounds()
        best, converged = minimise(self.deviance, start, bounds)
        return best[:n_fixed], best[n_fixed:], converged

    def deviance(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the deviance and its gradient at ``beta`` followed by ``theta``."""
        n_fixed = self._x.shape[1]
        a = self._effects.values(parameters[n_fixed:])
        mode = self._mode(a, self._x @ parameters[:n_fixed])
        u, chol = mode.u, mode.chol
        # Laplace: -2 log of the integral over u of exp(-f(u)) (2 pi)^(-q/2) is about
        #     D = 2 f(u*) + log |H|,   H = f''(u*) = A' W A + 1,   W = diag(mu (1 - mu)),
        # with u* the mode; f is given in _penalised.
        value = 2 * self._penalised(mode.eta, u) + 2 * np.log(np.diag(chol)).sum()
        mu = 1 / (1 + np.exp(-mode.eta))
        weight, error = mu * (1 - mu), mu - self._y
        inverse = linalg.cho_solve((chol, True), np.eye(len(u)))
        own = self._effects.own_products(a, inverse)
        # d log |H| / d eta_t at fixed u:  s_t = (A H^-1 A')_tt w_t (1 - 2 mu_t).
        by_logit = np.einsum("tk,tk->t", own, a) * weight * (1 - 2 * mu)
        # The mode moves as well: from f'(u*) = 0,  d u* = -H^-1 A' W d(X beta), so that with
        # r = H^-1 A' s  the gradient by X beta is  2 (mu - y) + s - W A r.
        r = linalg.cho_solve((chol, True), self._effects.transposed(a, by_logit))
        by_eta = 2 * error + by_logit - weight * self._effects.times(a, r)
        # By an entry of A:  dD / dA_tk = (dD / d eta_t) u_k + 2 (W A H^-1)_tk - (mu_t - y_t) r_k.
        u_at, r_at = u[self._effects.places], r[self._effects.places]
        by_values = by_eta[:, None] * u_at + 2 * weight[:, None] * own - error[:, None] * r_at
        gradient = np.concatenate([self._x.T @ by_eta, self._effects.gradient(by_values)])
        return float(value), gradient

    def _mode(self, a: np.ndarray, offset: np.ndarray) -> _Mode:
        """Find the mode of ``u`` by Newton's method with step halving, from the last mode."""
        u, effects = self._u, self._effects
        eta = offset + effects.times(a, u)
        value = self._penalised(eta, u)
        for _ in range(_NEWTON_STEPS):
            mu = 1 / (1 + np.exp(-np.clip(eta, -_LIMIT_LOGIT, _LIMIT_LOGIT)))
            # Newton: u + H^-1 (A'(y - mu) - u).
            gradient = effects.transposed(a, self._y - mu) - u
            chol = linalg.cholesky(effects.information(a, mu * (1 - mu)), lower=True)
            step = linalg.cho_solve((chol, True), gradient)
            if np.abs(step).max() < _NEWTON_TOLERANCE:
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
        """Return ``f(u) = -log p(y | u) + u'u / 2 = sum(log(1 + exp(eta)) - y eta) + u'u / 2``."""
        return float(np.logaddexp(0, eta).sum() - self._y @ eta + u @ u / 2)

    def covariance(self, beta: np.ndarray, theta: np.ndarray) -> np.ndarray:
        """Return the covariance of the fixed effects, from the Hessian of the deviance.

        It is the block of ``beta`` in ``(D'' / 2)^-1``, the inverse of the observed information.
        """
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


@dataclass(frozen=True)
class _Solution:
    """Generalised least squares at given ``theta``, with ``V = A A' + 1``.

    Parameters
    ----------
    values, chol
        Entries of ``A``; Cholesky factor of ``A'A + 1``.
    beta, information
        Fixed effects and ``X' V^-1 X``.
    v_x, v_residual
        ``V^-1 X`` and ``V^-1 (y - X beta)``.
    squares
        ``(y - X beta)' V^-1 (y - X beta)``.
    """

    values: np.ndarray
    chol: np.ndarray
    beta: np.ndarray
    information: np.ndarray
    v_x: np.ndarray
    v_residual: np.ndarray
    squares: float


class RestrictedLikelihood:
    """Restricted (REML) deviance of a linear mixed model, profiled over ``beta`` and ``sigma``.

    Patterson & Thompson, Biometrika 1971, 58, 545-554; written with relative covariance factors as
    in Bates, Maechler, Bolker & Walker, J. Stat. Softw. 2015, 67 (1).

    Parameters
    ----------
    y
        Shape (trials,).
    x
        Shape (trials, fixed effects).
    effects
        The random effects; ``theta`` is in units of the residual standard deviation.
    """

    def __init__(self, y: np.ndarray, x: np.ndarray, effects: CrossedEffects) -> None:
        self._y, self._x, self._effects = y, x, effects
        self._df = len(y) - x.shape[1]

    def maximise(self) -> tuple[np.ndarray, bool]:
        """Return the parameters ``theta`` and whether the search converged."""
        return minimise(self.deviance, self._effects.start(), self._effects.bounds())

    def _solve(self, theta: np.ndarray) -> _Solution:
        effects = self._effects
        a = effects.values(theta)
        chol = linalg.cholesky(effects.information(a), lower=True)

        def v_inverse_times(columns: np.ndarray) -> np.ndarray:
            # Woodbury: V^-1 = (1 + A A')^-1 = 1 - A (A'A + 1)^-1 A'.
            inner = np.column_stack([effects.transposed(a, column) for column in columns.T])
            solved = linalg.cho_solve((chol, True), inner)
            explained = np.column_stack([effects.times(a, column) for column in solved.T])
            rest: np.ndarray = columns - explained
            return rest

        both = v_inverse_times(np.column_stack([self._x, self._y]))
        v_x, v_y = both[:, :-1], both[:, -1]
        # beta = (X' V^-1 X)^-1 X' V^-1 y.
        information = self._x.T @ v_x
        beta = np.linalg.solve(information, self._x.T @ v_y)
        v_residual = v_y - v_x @ beta
        squares = max(float((self._y - self._x @ beta) @ v_residual), 1e-12)
        return _Solution(a, chol, beta, information, v_x, v_residual, squares)

    def deviance(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the restricted deviance and its gradient."""
        effects, df = self._effects, self._df
        found = self._solve(theta)
        a, v_x, v_residual = found.values, found.v_x, found.v_residual
        # D = log |A'A + 1| + log |X' V^-1 X| + (n - p) (1 + log(2 pi s / (n - p))),
        # with s = (y - X beta)' V^-1 (y - X beta); |V| = |A'A + 1|.
        logs = 2 * np.log(np.diag(found.chol)).sum() + np.linalg.slogdet(found.information)[1]
        value = logs + df * (1 + np.log(2 * np.pi * found.squares / df))
        # d log |V| / dA = 2 V^-1 A = 2 A (A'A + 1)^-1.
        inverse = linalg.cho_solve((found.chol, True), np.eye(effects.n_effects))
        by_values = 2 * effects.own_products(a, inverse)
        # d log |X' V^-1 X| / dA = -2 V^-1 X (X' V^-1 X)^-1 X' V^-1 A.
        across = np.linalg.solve(found.information, v_x.T)
        for column, weight in zip(v_x.T, across, strict=True):
            by_values -= 2 * weight[:, None] * effects.transposed(a, column)[effects.places]
        # d s / dA = -2 V^-1 (y - X beta) (y - X beta)' V^-1 A; beta is at its optimum.
        explained = effects.transposed(a, v_residual)[effects.places]
        by_values -= 2 * df / found.squares * v_residual[:, None] * explained
        return float(value), effects.gradient(by_values)

    def solve(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Return ``beta``, its covariance ``sigma^2 (X' V^-1 X)^-1``, and ``sigma``."""
        found = self._solve(theta)
        variance = found.squares / self._df
        return found.beta, variance * np.linalg.inv(found.information), float(np.sqrt(variance))
