"""Mixed models with crossed participant and unit effects, for choices and for times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg, optimize, stats

from analysis.crossed_effects import CrossedEffects, RandomTerm
from analysis.estimates import LEVEL, not_computable
from conditions.errors import BadInput, nearest

_STEPS = 60
_TOLERANCE = 1e-6
_LIMIT_LOGIT = 25.0


@dataclass(frozen=True)
class MixedFit:
    """A fitted mixed model.

    Parameters
    ----------
    coefficients
        One row per fixed effect: name, estimate, standard_error, low, high, z, p.
    standard_deviations
        Of the random effects, by grouping factor and column.
    residual_sd
        Of a linear model's residuals; NaN for a logistic one.
    deviance
        Twice the negative log likelihood (of a linear model: the restricted one).
    n_trials
        What it rests on.
    reason
        Why there is no fit or no interval; empty where there is one.
    covariance
        Of the coefficients, in their order; None without a fit.
    """

    coefficients: pd.DataFrame
    standard_deviations: dict[str, dict[str, float]]
    residual_sd: float
    deviance: float
    n_trials: int
    reason: str = ""
    covariance: np.ndarray | None = None


def mixed_logistic(
    trials: pd.DataFrame,
    outcome: str = "correct",
    fixed: Sequence[str] = ("reference_condition",),
    groups: Sequence[str] = ("participant", "unit"),
    slopes: Sequence[str] = (),
    level: float = LEVEL,
) -> MixedFit:
    """Fit a logistic regression with crossed random effects by the Laplace approximation.

    Parameters
    ----------
    trials
        One row per trial with all columns named.
    outcome
        Column of truth values; missing ones are left out.
    fixed
        Columns of the fixed effects: text or truth values are compared with their first level,
        numbers enter as they are.
    groups
        Columns of the grouping factors.
    slopes
        Fixed columns whose effect varies over each group, correlated with its intercept.
    level
        Of the intervals (Wald).

    Raises
    ------
    BadInput
        If a column is missing.
    """
    frame, names, x, effects = _prepare(trials, outcome, fixed, groups, slopes)
    y = frame[outcome].to_numpy(float)
    if not 0 < y.mean() < 1:
        return _nothing(names, len(y), "all answers are alike")
    why = _too_few(frame, groups, x)
    if why:
        return _nothing(names, len(y), why)
    fit = _Laplace(y, x, effects)
    beta, theta = fit.maximise()
    covariance = fit.covariance(beta, theta)
    table = _table(names, beta, np.sqrt(np.diag(covariance)), level)
    deviance = fit.deviance(beta, theta)
    reason = ""
    if np.abs(beta).max() > 12:
        reason = not_computable("a condition has answers of one kind only")
    return MixedFit(
        table,
        effects.standard_deviations(theta),
        np.nan,
        deviance,
        len(y),
        reason=reason,
        covariance=covariance,
    )


def mixed_linear(
    trials: pd.DataFrame,
    outcome: str,
    fixed: Sequence[str] = ("reference_condition",),
    groups: Sequence[str] = ("participant", "unit"),
    slopes: Sequence[str] = (),
    level: float = LEVEL,
) -> MixedFit:
    """Fit a linear mixed model with crossed random effects by restricted maximum likelihood.

    Parameters
    ----------
    trials, fixed, groups, slopes, level
        As for :func:`mixed_logistic`.
    outcome
        Column of numbers, such as the logarithm of reaction times.
    """
    frame, names, x, effects = _prepare(trials, outcome, fixed, groups, slopes)
    y = frame[outcome].to_numpy(float)
    if np.ptp(y) == 0:
        return _nothing(names, len(y), "all values are alike")
    why = _too_few(frame, groups, x)
    if why:
        return _nothing(names, len(y), why)
    fit = _Restricted(y, x, effects)
    theta = _minimise(fit.deviance, effects.start(), effects.bounds())
    beta, covariance, sigma = fit.solve(theta)
    table = _table(names, beta, np.sqrt(np.diag(covariance)), level)
    spread = {
        term: {name: sd * sigma for name, sd in of_term.items()}
        for term, of_term in effects.standard_deviations(theta).items()
    }
    deviance = fit.deviance(theta)
    return MixedFit(table, spread, sigma, deviance, len(y), covariance=covariance)


class _Laplace:
    """Minus twice the log likelihood of a logistic mixed model, random effects integrated out."""

    def __init__(self, y: np.ndarray, x: np.ndarray, effects: CrossedEffects) -> None:
        self._y, self._x, self._effects = y, x, effects
        self._u: np.ndarray | None = None

    def maximise(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the best fixed effects and parameters of the random ones."""
        n_fixed = self._x.shape[1]
        beta = np.zeros(n_fixed)
        share = self._y.mean()
        beta[0] = np.log(share / (1 - share))
        start = np.concatenate([beta, self._effects.start()])
        bounds = [(-20.0, 20.0)] * n_fixed + self._effects.bounds()
        best = _minimise(lambda p: self.deviance(p[:n_fixed], p[n_fixed:]), start, bounds)
        return best[:n_fixed], best[n_fixed:]

    def deviance(self, beta: np.ndarray, theta: np.ndarray) -> float:
        """Return the deviance at fixed effects and parameters."""
        a = self._effects.design(theta)
        offset = self._x @ beta
        u, chol = self._mode(a, offset)
        eta = offset + a @ u
        loss = np.logaddexp(0, eta).sum() - self._y @ eta
        return float(2 * loss + u @ u + 2 * np.log(np.diag(chol)).sum())

    def _mode(self, matrix: Any, offset: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the most likely standardised effects by Newton's method."""
        size = matrix.shape[1]
        u = self._u if self._u is not None and len(self._u) == size else np.zeros(size)
        transposed = matrix.T.tocsr()
        value = self._penalised(offset + matrix @ u, u)
        chol = np.eye(size)
        for _ in range(_STEPS):
            eta = np.clip(offset + matrix @ u, -_LIMIT_LOGIT, _LIMIT_LOGIT)
            mu = 1 / (1 + np.exp(-eta))
            gradient = transposed @ (self._y - mu) - u
            weighted = transposed.multiply(mu * (1 - mu)) @ matrix
            hessian = weighted.toarray() + np.eye(size)
            chol = linalg.cholesky(hessian, lower=True)
            step = linalg.cho_solve((chol, True), gradient)
            scale = 1.0
            while scale > 1e-4:
                tried = u + scale * step
                new = self._penalised(offset + matrix @ tried, tried)
                if new <= value + 1e-12:
                    break
                scale /= 2
            u, value = tried, new
            # Newton's last step is exact to its square, so that differences can be taken.
            if np.abs(step).max() < _TOLERANCE:
                break
        self._u = u
        return u, chol

    def _penalised(self, eta: np.ndarray, u: np.ndarray) -> float:
        return float(np.logaddexp(0, eta).sum() - self._y @ eta + u @ u / 2)

    def covariance(self, beta: np.ndarray, theta: np.ndarray) -> np.ndarray:
        """Return the fixed effects' covariance, from the curvature of the whole deviance."""
        best = np.concatenate([beta, theta])
        n_fixed = len(beta)
        # A parameter at its bound of 0 has no curvature of its own.
        free = np.concatenate([np.ones(n_fixed, bool), np.abs(theta) > 1e-4])

        def deviance(values: np.ndarray) -> float:
            whole = best.copy()
            whole[free] = values
            return self.deviance(whole[:n_fixed], whole[n_fixed:])

        hessian = _hessian(deviance, best[free]) / 2
        try:
            inverse = np.linalg.inv(hessian)
        except np.linalg.LinAlgError:
            inverse = np.full_like(hessian, np.nan)
        covariance = inverse[:n_fixed, :n_fixed]
        if not (np.diag(covariance) > 0).all():
            covariance = np.linalg.pinv(hessian[:n_fixed, :n_fixed])
        return covariance


class _Restricted:
    """Restricted deviance of a linear mixed model, profiled over fixed effects and residual sd."""

    def __init__(self, y: np.ndarray, x: np.ndarray, effects: CrossedEffects) -> None:
        self._y, self._x, self._effects = y, x, effects

    def _factor(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        a = self._effects.design(theta)
        chol = linalg.cholesky((a.T @ a).toarray() + np.eye(a.shape[1]), lower=True)
        ax = linalg.solve_triangular(chol, a.T @ self._x, lower=True)
        ay = linalg.solve_triangular(chol, a.T @ self._y, lower=True)
        information = self._x.T @ self._x - ax.T @ ax
        beta = np.linalg.solve(information, self._x.T @ self._y - ax.T @ ay)
        rest = float(self._y @ self._y - ay @ ay - beta @ (self._x.T @ self._y - ax.T @ ay))
        return chol, information, beta, max(rest, 1e-12)

    def deviance(self, theta: np.ndarray) -> float:
        """Return the restricted deviance at the random effects' relative factors."""
        chol, information, _, rest = self._factor(theta)
        df = len(self._y) - self._x.shape[1]
        logs = 2 * np.log(np.diag(chol)).sum() + np.linalg.slogdet(information)[1]
        return float(logs + df * (1 + np.log(2 * np.pi * rest / df)))

    def solve(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Return the fixed effects, their covariance and the residual sd."""
        _, information, beta, rest = self._factor(theta)
        variance = rest / (len(self._y) - self._x.shape[1])
        return beta, variance * np.linalg.inv(information), float(np.sqrt(variance))


def _prepare(
    trials: pd.DataFrame,
    outcome: str,
    fixed: Sequence[str],
    groups: Sequence[str],
    slopes: Sequence[str],
) -> tuple[pd.DataFrame, list[str], np.ndarray, CrossedEffects]:
    for name in (outcome, *fixed, *groups, *slopes):
        if name not in trials.columns:
            raise BadInput(f"no column {name!r} in the trials{nearest(name, trials.columns)}")
    for name in slopes:
        if name not in fixed:
            raise BadInput(f"slope {name!r} is none of the fixed effects ({', '.join(fixed)})")
    frame = trials.dropna(subset=[outcome, *fixed, *groups])
    names, columns = ["intercept"], [np.ones(len(frame))]
    by_factor: dict[str, list[int]] = {}
    for factor in fixed:
        coded = _coded(frame[factor])
        by_factor[factor] = list(range(len(names), len(names) + len(coded)))
        names += [f"{factor}{label}" for label in coded]
        columns += list(coded.values())
    x = np.column_stack(columns)
    wanted = [0] + [place for factor in slopes for place in by_factor[factor]]
    terms = [
        RandomTerm(
            group,
            pd.factorize(frame[group], sort=True)[0],
            x[:, wanted],
            tuple(names[place] for place in wanted),
        )
        for group in groups
    ]
    return frame, names, x, CrossedEffects(terms) if len(frame) else CrossedEffects(())


def _coded(values: pd.Series) -> dict[str, np.ndarray]:
    """Return a factor's columns by label: numbers as they are, levels against the first one."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return {"": values.to_numpy(float)}
    text = values.astype(str)
    return {f" {lv}": (text == lv).to_numpy(float) for lv in sorted(text.unique())[1:]}


def _too_few(frame: pd.DataFrame, groups: Sequence[str], x: np.ndarray) -> str:
    for group in groups:
        if frame[group].nunique() < 2:
            return f"there is one {group} only"
    if np.linalg.matrix_rank(x) < x.shape[1]:
        return "the fixed effects cannot be told apart"
    return ""


def _nothing(names: Sequence[str], n_trials: int, why: str) -> MixedFit:
    nothing = np.full(len(names), np.nan)
    table = _table(names, nothing, nothing, LEVEL)
    return MixedFit(table, {}, np.nan, np.nan, n_trials, reason=not_computable(why))


def _table(
    names: Sequence[str], beta: np.ndarray, errors: np.ndarray, level: float
) -> pd.DataFrame:
    reach = stats.norm.ppf((1 + level) / 2) * errors
    z = beta / errors
    return pd.DataFrame(
        {
            "name": list(names),
            "estimate": beta,
            "standard_error": errors,
            "low": beta - reach,
            "high": beta + reach,
            "z": z,
            "p": 2 * stats.norm.sf(np.abs(z)),
        }
    )


def _minimise(
    function: Callable[[np.ndarray], float],
    start: np.ndarray,
    bounds: Sequence[tuple[float | None, float | None]],
) -> np.ndarray:
    found = optimize.minimize(
        function,
        start,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 200, "ftol": 1e-9, "gtol": 1e-3, "eps": 1e-5},
    )
    best: np.ndarray = found.x
    return best


def _hessian(function: Callable[[np.ndarray], float], at: np.ndarray) -> np.ndarray:
    """Return second derivatives by central differences."""
    steps = 1e-3 * np.maximum(1, np.abs(at))
    size = len(at)
    hessian = np.empty((size, size))
    centre = function(at)
    for i in range(size):
        for j in range(i, size):
            one, two = np.zeros(size), np.zeros(size)
            one[i], two[j] = steps[i], steps[j]
            if i == j:
                value = (function(at + one) - 2 * centre + function(at - one)) / steps[i] ** 2
            else:
                value = (
                    function(at + one + two)
                    - function(at + one - two)
                    - function(at - one + two)
                    + function(at - one - two)
                ) / (4 * steps[i] * steps[j])
            hessian[i, j] = hessian[j, i] = value
    return hessian
