"""Deviances of mixed models and their gradients: logistic by Laplace, linear by REML.

Both models have the linear predictor ``eta = X beta + A u`` with ``u`` standard normal, as
:class:`~analysis.statistics.crossed_effects.CrossedEffects` writes the random effects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from analysis.statistics.crossed_effects import CrossedEffects, Information
from analysis.statistics.deviance_minimum import (
    FLAT,
    Minimum,
    minimise,
    one_thread,
    second_derivatives,
)

_NEWTON_STEPS = 60
_NEWTON_TOLERANCE = 1e-8
_NEARER = 0.2
"""A step shorter than this share of the last one may do without a new Hessian."""

_LIMIT_LOGIT = 25.0
_LIMIT_RATIO = 1e3

_START_SDS = (0.5, 1.5)
"""Standard deviations of random effects from which a search starts."""

_MANY_TRIALS = 20_000
"""Trials from which one search has to do, for time; it goes on from what is no minimum anyway."""


def _starts(n_trials: int) -> tuple[float, ...]:
    return _START_SDS if n_trials < _MANY_TRIALS else _START_SDS[:1]


@dataclass(frozen=True)
class _Mode:
    """The conditional mode of ``u``, the logits and the Hessian there."""

    u: np.ndarray
    eta: np.ndarray
    hessian: Information


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
        self._hessian: Information | None = None

    def maximise(self) -> Minimum:
        """Return the parameters, ``beta`` followed by ``theta``, of the lowest deviance."""
        beta = np.zeros(self._x.shape[1])
        proportion = self._y.mean()
        beta[0] = np.log(proportion / (1 - proportion))
        sds = _starts(len(self._y))
        starts = [np.concatenate([beta, self._effects.start(sd)]) for sd in sds]
        name = f"logistic mixed model of {len(self._y):,} trials"
        return minimise(self.deviance, starts, _LIMIT_LOGIT, name)

    def deviance(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the deviance and its gradient at ``beta`` followed by ``theta``."""
        n_fixed = self._x.shape[1]
        a = self._effects.values(parameters[n_fixed:])
        mode = self._mode(a, self._x @ parameters[:n_fixed])
        u, hessian = mode.u, mode.hessian
        # Laplace: -2 log of the integral over u of exp(-f(u)) (2 pi)^(-q/2) is about
        #     D = 2 f(u*) + log |H|,   H = f''(u*) = A' W A + 1,   W = diag(mu (1 - mu)),
        # with u* the mode; f is given in _penalised.
        value = 2 * self._penalised(mode.eta, u) + hessian.log_determinant
        mu = 1 / (1 + np.exp(-mode.eta))
        weight, error = mu * (1 - mu), mu - self._y
        own = self._effects.own_products(a, hessian)
        # d log |H| / d eta_t at fixed u:  s_t = (A H^-1 A')_tt w_t (1 - 2 mu_t).
        by_logit = np.einsum("tk,tk->t", own, a) * weight * (1 - 2 * mu)
        # The mode moves as well: from f'(u*) = 0,  d u* = -H^-1 A' W d(X beta), so that with
        # r = H^-1 A' s  the gradient by X beta is  2 (mu - y) + s - W A r.
        r = hessian.solve(self._effects.transposed(a, by_logit))
        by_eta = 2 * error + by_logit - weight * self._effects.times(a, r)
        # By an entry of A:  dD / dA_tk = (dD / d eta_t) u_k + 2 (W A H^-1)_tk - (mu_t - y_t) r_k.
        u_at, r_at = u[self._effects.places], r[self._effects.places]
        by_values = by_eta[:, None] * u_at + 2 * weight[:, None] * own - error[:, None] * r_at
        gradient = np.concatenate([self._x.T @ by_eta, self._effects.gradient(by_values)])
        return float(value), gradient

    def _mode(self, a: np.ndarray, offset: np.ndarray) -> _Mode:
        """Find the mode of ``u`` by Newton's method with step halving, from the last mode.

        A Hessian, at first the last mode's, serves for as many steps as bring the mode much nearer,
        for it takes far longer to compute than a step (Kelley, Iterative Methods for Linear and
        Nonlinear Equations, 1995, section 5.4: the chord method).
        """
        u, effects = self._u, self._effects
        eta = offset + effects.times(a, u)
        value = self._penalised(eta, u)
        hessian, last = self._hessian, np.inf
        for _ in range(_NEWTON_STEPS):
            mu = 1 / (1 + np.exp(-np.clip(eta, -_LIMIT_LOGIT, _LIMIT_LOGIT)))
            # Newton: u + H^-1 (A'(y - mu) - u).
            gradient = effects.transposed(a, self._y - mu) - u
            step = None if hessian is None else hessian.solve(gradient)
            if step is None or np.abs(step).max() > _NEARER * last:
                hessian = effects.information(a, mu * (1 - mu))
                step = hessian.solve(gradient)
            last = np.abs(step).max()
            if last < _NEWTON_TOLERANCE:
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
        self._u, self._hessian = u, effects.information(a, mu * (1 - mu))
        return _Mode(u, eta, self._hessian)

    def _penalised(self, eta: np.ndarray, u: np.ndarray) -> float:
        """Return ``f(u) = -log p(y | u) + u'u / 2 = sum(log(1 + exp(eta)) - y eta) + u'u / 2``."""
        return float(np.logaddexp(0, eta).sum() - self._y @ eta + u @ u / 2)

    def covariance(self, hessian: np.ndarray) -> np.ndarray:
        """Return the covariance of the fixed effects, from the Hessian of the deviance.

        It is the block of ``beta`` in ``(D'' / 2)^-1``, the inverse of the observed information. By
        ``theta`` the deviance may be flat in some directions, where random effects are singular;
        these say nothing about ``beta`` and do not count.
        """
        n_fixed = self._x.shape[1]
        information = hessian / 2
        across = information[:n_fixed, n_fixed:]
        curvatures, directions = np.linalg.eigh(information[n_fixed:, n_fixed:])
        curved = curvatures > FLAT
        along = across @ directions[:, curved]
        own = information[:n_fixed, :n_fixed] - along / curvatures[curved] @ along.T
        return _inverse(own)

    def linearised(self, found: Minimum) -> LinearisedLikelihood:
        """Return the linear model that is as informative as this one at the minimum found."""
        n_fixed = self._x.shape[1]
        beta, theta = found.at[:n_fixed], found.at[n_fixed:]
        mode = self._mode(self._effects.values(theta), self._x @ beta)
        mu = 1 / (1 + np.exp(-mode.eta))
        # The Hessian of the deviance profiled over beta:  D_tt - D_tb D_bb^-1 D_bt.
        across = found.hessian[:n_fixed, n_fixed:]
        of_beta = np.linalg.pinv(found.hessian[:n_fixed, :n_fixed], hermitian=True)
        explained = across.T @ of_beta @ across
        of_theta = found.hessian[n_fixed:, n_fixed:] - explained
        return LinearisedLikelihood(self._x, self._effects, mu * (1 - mu), of_theta)


@dataclass(frozen=True)
class LinearisedLikelihood:
    """The linear mixed model of a logistic one's working response, at its maximum.

    With ``W = diag(mu (1 - mu))``, the working response ``eta + (y - mu) / w`` has the covariance
    ``V = W^-1 + A A'`` (Wolfinger & O'Connell, J. Stat. Comput. Simul. 1993, 48, 233-243).

    Parameters
    ----------
    x
        Shape (trials, fixed effects).
    effects
        The random effects.
    weights
        Shape (trials,): the diagonal of ``W``.
    hessian
        Of the logistic model's deviance by ``theta``, profiled over the fixed effects.
    """

    x: np.ndarray
    effects: CrossedEffects
    weights: np.ndarray
    hessian: np.ndarray

    def covariance(self, theta: np.ndarray) -> np.ndarray:
        """Return ``(X' V^-1 X)^-1``."""
        a = self.effects.values(theta)
        # Woodbury: V^-1 = W - W A (A' W A + 1)^-1 A' W.
        weighted = self.weights[:, None] * self.x
        within = np.column_stack([self.effects.transposed(a, column) for column in weighted.T])
        explained = within.T @ self.effects.information(a, self.weights).solve(within)
        covariance: np.ndarray = np.linalg.inv(self.x.T @ weighted - explained)
        return covariance

    def variance_hessian(self, theta: np.ndarray) -> np.ndarray:
        """Return the Hessian of the deviance by ``theta``."""
        return self.hessian

    def scaled(self, theta: np.ndarray, factors: Mapping[str, float]) -> np.ndarray:
        """Return the ``theta`` of terms whose covariances are multiplied by factors, by name."""
        roots = [factors.get(term.name, 1.0) ** 0.5 for term in self.effects.terms]
        scaled: np.ndarray = theta * np.repeat(roots, [t.n_parameters for t in self.effects.terms])
        return scaled


class VarianceLikelihood(Protocol):
    """What a likelihood says of the variance parameters, on which the coefficients depend."""

    def covariance(self, parameters: np.ndarray) -> np.ndarray:
        """Return the covariance of the coefficients."""
        ...

    def variance_hessian(self, parameters: np.ndarray) -> np.ndarray:
        """Return the Hessian of the deviance by the parameters."""
        ...


def degrees_of_freedom(
    weights: np.ndarray, likelihood: VarianceLikelihood, parameters: np.ndarray
) -> np.ndarray:
    """Return Satterthwaite's degrees of freedom of weighted sums of coefficients ``w'beta``.

    With ``v(p) = w' cov(beta) w``, the gradient ``g`` of ``v`` by the variance parameters ``p`` and
    the Hessian ``H`` of the deviance, so that ``p`` has the covariance ``2 H^-1``, they are
    ``2 v^2 / (g' 2 H^-1 g)`` (Giesbrecht & Burns, Biometrics 1985, 41, 477-486; as in lmerTest,
    Kuznetsova, Brockhoff & Christensen, J. Stat. Softw. 2017, 82 (13)).

    Parameters
    ----------
    weights
        Shape (sums, coefficients).
    likelihood, parameters
        Of the model, and its variance parameters.

    Examples
    --------
    The mean of 10 values of variance 1 has 9, as the deviance is ``9 log s^2 + 9 / s^2``:

    >>> class OneSample:
    ...     def covariance(self, s):
    ...         return s[None] ** 2 / 10
    ...     def variance_hessian(self, s):
    ...         return np.array([[4 * 9.0]])
    >>> degrees_of_freedom(np.ones((1, 1)), OneSample(), np.ones(1)).round(4)
    array([9.])
    """

    def variances(at: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.einsum("sc,cd,sd->s", weights, likelihood.covariance(at), weights)
        return found

    gradient = np.zeros((len(weights), len(parameters)))
    for i, step in enumerate(1e-4 * np.maximum(1, np.abs(parameters))):
        away = np.zeros(len(parameters))
        away[i] = step
        with one_thread():
            change = variances(parameters + away) - variances(parameters - away)
        gradient[:, i] = change / (2 * step)
    # A standard deviation of 0 has a gradient of 0, and where the deviance is flat, so is v.
    with one_thread():
        curvatures, directions = np.linalg.eigh(likelihood.variance_hessian(parameters))
    curved = curvatures > FLAT
    along = gradient @ directions[:, curved]
    uncertainty = (2 * along**2 / curvatures[curved]).sum(1)
    with np.errstate(divide="ignore"):
        found: np.ndarray = 2 * variances(parameters) ** 2 / uncertainty
    return found


def _inverse(information: np.ndarray) -> np.ndarray:
    try:
        inverse: np.ndarray = np.linalg.inv(information)
    except np.linalg.LinAlgError:
        return np.full_like(information, np.nan)
    return inverse if (np.diag(inverse) > 0).all() else np.full_like(information, np.nan)


@dataclass(frozen=True)
class _Solution:
    """Generalised least squares at given ``theta``, with ``V = A A' + 1``.

    Parameters
    ----------
    values, inner
        Entries of ``A``; ``A'A + 1``.
    beta, information
        Fixed effects and ``X' V^-1 X``.
    v_x, v_residual
        ``V^-1 X`` and ``V^-1 (y - X beta)``.
    squares
        ``(y - X beta)' V^-1 (y - X beta)``.
    """

    values: np.ndarray
    inner: Information
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

    def maximise(self) -> Minimum:
        """Return the parameters ``theta`` of the lowest deviance."""
        starts = [self._effects.start(sd) for sd in _starts(len(self._y))]
        name = f"linear mixed model of {len(self._y):,} trials"
        return minimise(self.deviance, starts, _LIMIT_RATIO, name)

    def _solve(self, theta: np.ndarray) -> _Solution:
        effects = self._effects
        a = effects.values(theta)
        inner = effects.information(a)

        def v_inverse_times(columns: np.ndarray) -> np.ndarray:
            # Woodbury: V^-1 = (1 + A A')^-1 = 1 - A (A'A + 1)^-1 A'.
            within = np.column_stack([effects.transposed(a, column) for column in columns.T])
            solved = inner.solve(within)
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
        return _Solution(a, inner, beta, information, v_x, v_residual, squares)

    def deviance(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the restricted deviance, profiled over ``sigma``, and its gradient."""
        found = self._solve(theta)
        value, gradient = self._deviance(found, found.squares / self._df)
        return value, gradient[:-1]

    def deviance_with_sigma(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the restricted deviance and its gradient at ``theta`` followed by ``sigma``."""
        return self._deviance(self._solve(parameters[:-1]), parameters[-1] ** 2)

    def _deviance(self, found: _Solution, variance: float) -> tuple[float, np.ndarray]:
        effects, df = self._effects, self._df
        a, v_x, v_residual = found.values, found.v_x, found.v_residual
        # D = log |A'A + 1| + log |X' V^-1 X| + (n - p) log(2 pi sigma^2) + s / sigma^2,
        # with s = (y - X beta)' V^-1 (y - X beta); |V| = |A'A + 1|.
        logs = found.inner.log_determinant + np.linalg.slogdet(found.information)[1]
        value = logs + df * np.log(2 * np.pi * variance) + found.squares / variance
        # d log |V| / dA = 2 V^-1 A = 2 A (A'A + 1)^-1.
        by_values = 2 * effects.own_products(a, found.inner)
        # d log |X' V^-1 X| / dA = -2 V^-1 X (X' V^-1 X)^-1 X' V^-1 A.
        across = np.linalg.solve(found.information, v_x.T)
        for column, weight in zip(v_x.T, across, strict=True):
            by_values -= 2 * weight[:, None] * effects.transposed(a, column)[effects.places]
        # d s / dA = -2 V^-1 (y - X beta) (y - X beta)' V^-1 A; beta is at its optimum.
        explained = effects.transposed(a, v_residual)[effects.places]
        by_values -= 2 / variance * v_residual[:, None] * explained
        by_sigma = 2 * (df - found.squares / variance) / np.sqrt(variance)
        return float(value), np.append(effects.gradient(by_values), by_sigma)

    def solve(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Return ``beta``, its covariance ``sigma^2 (X' V^-1 X)^-1``, and ``sigma``."""
        found = self._solve(theta)
        sigma = float(np.sqrt(found.squares / self._df))
        return found.beta, sigma**2 * np.linalg.inv(found.information), sigma

    def covariance(self, parameters: np.ndarray) -> np.ndarray:
        """Return ``sigma^2 (X' V^-1 X)^-1`` at ``theta`` followed by ``sigma``."""
        covariance: np.ndarray = np.linalg.inv(self._solve(parameters[:-1]).information)
        covariance *= parameters[-1] ** 2
        return covariance

    def variance_hessian(self, parameters: np.ndarray) -> np.ndarray:
        """Return the Hessian of the restricted deviance at ``theta`` followed by ``sigma``."""
        return second_derivatives(self.deviance_with_sigma, parameters)
