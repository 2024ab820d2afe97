"""Mixed models with crossed random effects: logistic for answers, linear for times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, stats

from analysis.statistics.crossed_effects import CrossedEffects, RandomTerm
from analysis.statistics.estimates import LEVEL, not_computable
from analysis.statistics.mixed_likelihood import (
    LaplaceLikelihood,
    RestrictedLikelihood,
    VarianceLikelihood,
    degrees_of_freedom,
)
from unitscope.errors import BadInput, nearest

Slopes = Sequence[str] | Mapping[str, Sequence[str]]
"""Fixed columns whose effect varies over every grouping factor, or over each one named."""


@dataclass(frozen=True)
class MixedFit:
    """A fitted mixed model.

    Parameters
    ----------
    coefficients
        One row per fixed effect: name, estimate, standard_error, low, high, z, p.
    covariances
        Covariance matrix of the random effects of each grouping factor, labelled by effect.
    residual_sd
        Residual standard deviation of a linear model; NaN for a logistic one.
    deviance
        Minus twice the log likelihood (of a linear model: the restricted one).
    n_trials
        Number of trials fitted.
    reason
        Why there is no fit or no interval; empty otherwise.
    covariance
        Covariance matrix of the coefficients, in their order; None without a fit.
    converged
        Whether the optimiser converged.
    singular
        Grouping factors whose random effects have a variance of 0 or a correlation of 1 or -1.
    likelihood
        Gives the covariance of the coefficients and the Hessian of the deviance for any variance
        parameters; None without a fit.
    variance_parameters
        ``theta``, in a linear model followed by ``residual_sd``, as ``likelihood`` takes them.
    """

    coefficients: pd.DataFrame
    covariances: dict[str, pd.DataFrame]
    residual_sd: float
    deviance: float
    n_trials: int
    reason: str = ""
    covariance: np.ndarray | None = None
    converged: bool = True
    singular: tuple[str, ...] = ()
    likelihood: VarianceLikelihood | None = None
    variance_parameters: np.ndarray | None = None

    def degrees_of_freedom(self, weights: np.ndarray) -> np.ndarray:
        """Return Satterthwaite's degrees of freedom of weighted sums of the coefficients."""
        if self.likelihood is None or self.variance_parameters is None:
            return np.full(len(weights), np.nan)
        return degrees_of_freedom(weights, self.likelihood, self.variance_parameters)

    @property
    def standard_deviations(self) -> dict[str, dict[str, float]]:
        """Standard deviations of the random effects, by grouping factor and effect."""
        return {
            group: dict(zip(own.columns, np.sqrt(np.diag(own)).tolist(), strict=True))
            for group, own in self.covariances.items()
        }


def mixed_logistic(
    trials: pd.DataFrame,
    outcome: str = "correct",
    fixed: Sequence[str] = ("reference_condition",),
    groups: Sequence[str] = ("participant", "unit"),
    slopes: Slopes = (),
    level: float = LEVEL,
) -> MixedFit:
    """Fit a logistic regression with crossed random effects by the Laplace approximation.

    Parameters
    ----------
    trials
        One row per trial.
    outcome
        Column of truth values; trials with a missing value are excluded.
    fixed
        Columns of the fixed effects: text and truth values are dummy-coded against their first
        level, numbers enter as they are.
    groups
        Columns of the grouping factors.
    slopes
        Fixed columns whose effect varies over each grouping factor, correlated with its intercept;
        a mapping of grouping factors to columns for some of them only.
    level
        Confidence level of the Wald intervals.

    Raises
    ------
    BadInput
        If a column is missing.

    Examples
    --------
    >>> cells = [(p, u, c) for p in "abcd" for u in "vwxyz" for c in ("blur", "natural")]
    >>> trials = pd.DataFrame(cells, columns=["participant", "unit", "reference_condition"])
    >>> trials["correct"] = [i % 3 > 0 or i % 4 == 1 for i in range(len(trials))]
    >>> fit = mixed_logistic(trials)
    >>> fit.coefficients[["name", "estimate", "standard_error"]].round(2)
                              name  estimate  standard_error
    0                    intercept      0.62            0.47
    1  reference_condition natural      0.77            0.73
    """
    frame, names, x, terms = _prepare(trials, outcome, fixed, groups, slopes)
    y = frame[outcome].to_numpy(float)
    if not 0 < y.mean() < 1:
        return _nothing(names, len(y), "every answer has the same value")
    why = _too_few(frame, groups, x) or _separated(frame, outcome, fixed, x)
    if why:
        return _nothing(names, len(y), why)
    effects = CrossedEffects(terms)
    likelihood = LaplaceLikelihood(y, x, effects)
    found = likelihood.maximise()
    beta, theta = found.at[: len(names)], found.at[len(names) :]
    covariance = likelihood.covariance(found.hessian)
    return MixedFit(
        _table(names, beta, np.sqrt(np.diag(covariance)), level),
        effects.covariances(theta),
        np.nan,
        found.deviance,
        len(y),
        covariance=covariance,
        converged=found.converged,
        singular=effects.singular(theta),
        likelihood=likelihood.linearised(found),
        variance_parameters=theta,
    )


def mixed_linear(
    trials: pd.DataFrame,
    outcome: str,
    fixed: Sequence[str] = ("reference_condition",),
    groups: Sequence[str] = ("participant", "unit"),
    slopes: Slopes = (),
    level: float = LEVEL,
) -> MixedFit:
    """Fit a linear mixed model with crossed random effects by restricted maximum likelihood.

    Parameters
    ----------
    trials, fixed, groups, slopes, level
        As for :func:`mixed_logistic`.
    outcome
        Column of numbers, such as the logarithm of reaction times.

    Examples
    --------
    >>> cells = [(p, u, c) for p in "abcd" for u in "vwxyz" for c in ("blur", "natural")]
    >>> trials = pd.DataFrame(cells, columns=["participant", "unit", "reference_condition"])
    >>> trials["log_rt"] = [0.5 + 0.1 * (i % 2) + 0.01 * (i * 7 % 11) for i in range(len(trials))]
    >>> fit = mixed_linear(trials, "log_rt")
    >>> fit.coefficients[["name", "estimate", "standard_error"]].round(3)
                              name  estimate  standard_error
    0                    intercept     0.548           0.007
    1  reference_condition natural     0.104           0.010
    """
    frame, names, x, terms = _prepare(trials, outcome, fixed, groups, slopes)
    y = frame[outcome].to_numpy(float)
    if len(y) and np.ptp(y) == 0:
        return _nothing(names, len(y), "every value is the same")
    why = _too_few(frame, groups, x)
    if why:
        return _nothing(names, len(y), why)
    effects = CrossedEffects(terms)
    likelihood = RestrictedLikelihood(y, x, effects)
    found = likelihood.maximise()
    beta, covariance, sigma = likelihood.solve(found.at)
    # The factors L are in units of sigma, so that a term's covariance is sigma^2 L L'.
    spread = {name: own * sigma**2 for name, own in effects.covariances(found.at).items()}
    return MixedFit(
        _table(names, beta, np.sqrt(np.diag(covariance)), level),
        spread,
        sigma,
        found.deviance,
        len(y),
        covariance=covariance,
        converged=found.converged,
        singular=effects.singular(found.at),
        likelihood=likelihood,
        variance_parameters=np.append(found.at, sigma),
    )


def _prepare(
    trials: pd.DataFrame,
    outcome: str,
    fixed: Sequence[str],
    groups: Sequence[str],
    slopes: Slopes,
) -> tuple[pd.DataFrame, list[str], np.ndarray, list[RandomTerm]]:
    for name in (outcome, *fixed, *groups):
        if name not in trials.columns:
            raise BadInput(f"no column {name!r} in the trials{nearest(name, trials.columns)}")
    by_group = dict(slopes) if isinstance(slopes, Mapping) else dict.fromkeys(groups, slopes)
    for group, varying in by_group.items():
        if group not in groups:
            raise BadInput(f"slopes vary over {group!r}, expected one of {', '.join(groups)}")
        for name in varying:
            if name not in fixed:
                raise BadInput(
                    f"slope {name!r} is not a fixed effect, expected one of {', '.join(fixed)}"
                )
    frame = trials.dropna(subset=[outcome, *fixed, *groups])
    names, columns = ["intercept"], [np.ones(len(frame))]
    by_factor: dict[str, list[int]] = {}
    for factor in fixed:
        coded = _coded(frame[factor])
        by_factor[factor] = list(range(len(names), len(names) + len(coded)))
        names += [f"{factor}{label}" for label in coded]
        columns += list(coded.values())
    x = np.column_stack(columns)
    terms = []
    for group in groups:
        wanted = [0] + [place for factor in by_group.get(group, ()) for place in by_factor[factor]]
        codes = pd.factorize(frame[group], sort=True)[0]
        of_columns = tuple(names[place] for place in wanted)
        terms.append(RandomTerm(group, codes, x[:, wanted], of_columns))
    return frame, names, x, terms


def _coded(values: pd.Series) -> dict[str, np.ndarray]:
    """Return a factor's columns by label: numbers as they are, dummies of the other levels."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return {"": values.to_numpy(float)}
    text = values.astype(str)
    return {f" {lv}": (text == lv).to_numpy(float) for lv in sorted(text.unique())[1:]}


def _too_few(frame: pd.DataFrame, groups: Sequence[str], x: np.ndarray) -> str:
    for group in groups:
        if frame[group].nunique() < 2:
            return f"there is only one {group}"
    if np.linalg.matrix_rank(x) < x.shape[1]:
        return "the fixed effects are collinear"
    return ""


def _separated(frame: pd.DataFrame, outcome: str, fixed: Sequence[str], x: np.ndarray) -> str:
    """Return why the likelihood of a logistic model has no maximum; empty if it has one."""
    patterns = np.unique(np.column_stack([x, frame[outcome].to_numpy(float)]), axis=0)
    signed = (2 * patterns[:, -1:] - 1) * patterns[:, :-1]
    # Albert & Anderson, Biometrika 1984, 71, 1-10: coefficients grow without end if and only if
    # some b has (2 y - 1) x'b >= 0 for every trial, and more than 0 for one.
    best = optimize.linprog(
        -signed.sum(0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1)
    )
    if best.fun > -1e-9:
        return ""
    for name in fixed:
        if pd.api.types.is_numeric_dtype(frame[name]) and frame[name].nunique() > 2:
            continue
        same = frame.groupby(name)[outcome].nunique() == 1
        if same.any():
            return f"every answer has the same value where {name} is {same.idxmax()}"
    return "the fixed effects tell correct from wrong answers without error"


def _nothing(names: Sequence[str], n_trials: int, why: str) -> MixedFit:
    nothing = np.full(len(names), np.nan)
    table = _table(names, nothing, nothing, LEVEL)
    return MixedFit(table, {}, np.nan, np.nan, n_trials, reason=not_computable(why))


def _table(
    names: Sequence[str], beta: np.ndarray, errors: np.ndarray, level: float
) -> pd.DataFrame:
    # Wald: estimate -+ z_(1 - alpha / 2) standard_error.
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
