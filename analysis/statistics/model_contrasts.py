"""Differences between conditions as mixed models see them, for answers and for times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.estimates import LEVEL, not_computable
from analysis.statistics.evidence import holm
from analysis.statistics.mixed import MixedFit, mixed_linear, mixed_logistic
from analysis.statistics.performance import conditions_of
from analysis.statistics.random_slopes import GROUPS, RandomPart, fit_with_slopes

FACTOR = "reference_condition"

MODELS = ("right_answers", "log_rt")

LEAST_MEMBERS = 5
"""Participants or units below which a model cannot tell how much they vary."""

_COLUMNS = [
    *("model", "first", "second", "difference", "low", "high", "standard_error", "z", "p"),
    *("p_holm", "participant_sd", "unit_sd", "participant_difference_sd", "unit_difference_sd"),
    *("residual_sd", "random_effects", "n_trials", "reason"),
]


def model_contrasts(trials: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Fit both models to trials and compare all pairs of conditions.

    ``right_answers`` is a logistic regression and its differences are in logits, ``log_rt`` a
    linear one of the natural logarithm of positive reaction times, so that the exponential of a
    difference is a ratio of times. Participants and units have random intercepts, and random
    slopes of the conditions where the trials allow it
    (:func:`analysis.statistics.random_slopes.fit_with_slopes`).

    Parameters
    ----------
    trials
        Main trials with correct, rt_s, participant, unit and reference_condition.
    level
        Of the intervals (Wald).

    Returns
    -------
    pandas.DataFrame
        One row per model and pair: model, first, second, difference (first minus second), low,
        high, standard_error, z, p, p_holm (over the pairs of a model), participant_sd and unit_sd
        (of their means over conditions), participant_difference_sd and unit_difference_sd (of
        their differences; NaN where the model has none), residual_sd (NaN for the logistic
        model), random_effects (what varies, and what was given up and why), n_trials, reason.
    """
    if not len(trials):
        return pd.DataFrame(columns=_COLUMNS)
    timed = trials[trials["rt_s"] > 0]
    timed = timed.assign(log_rt=np.log(timed["rt_s"].to_numpy(float)))
    parts = []
    for name, rows in (("right_answers", trials), ("log_rt", timed)):
        conditions = conditions_of(rows)
        if len(conditions) < 2:
            continue
        chosen = rows[[FACTOR, "participant", "unit", "correct"]].assign(
            **{FACTOR: rows[FACTOR].astype(str), "log_rt": rows.get("log_rt")}
        )
        few = [group for group in GROUPS if 1 < chosen[group].nunique() < LEAST_MEMBERS]
        found = fit_with_slopes(_FITS[name], chosen, FACTOR, conditions)
        if few and not found.fit.reason:
            why = not_computable(f"there are fewer than {LEAST_MEMBERS} {few[0]}s")
            found = replace(found, fit=replace(found.fit, reason=why), structure="")
        parts.append(pd.DataFrame(_pairs(name, found, conditions, level), columns=_COLUMNS))
        parts[-1]["p_holm"] = holm(parts[-1]["p"].to_numpy(float))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_COLUMNS)


_FITS: dict[str, Callable[..., MixedFit]] = {
    "right_answers": mixed_logistic,
    "log_rt": partial(mixed_linear, outcome="log_rt"),
}


def _pairs(
    model: str, found: RandomPart, conditions: list[str], level: float
) -> list[dict[str, Any]]:
    fit = found.fit
    names = list(fit.coefficients["name"])
    reach = stats.norm.ppf((1 + level) / 2)
    rows = []
    for first, second in combinations(conditions, 2):
        weights = np.zeros(len(names))
        for name, sign in ((first, 1), (second, -1)):
            if f"{FACTOR} {name}" in names:
                weights[names.index(f"{FACTOR} {name}")] += sign
        known = fit.covariance is not None and not fit.reason
        covariance = fit.covariance if fit.covariance is not None else np.zeros((0, 0))
        difference = float(weights @ fit.coefficients["estimate"]) if known else np.nan
        error = float(np.sqrt(weights @ covariance @ weights)) if known else np.nan
        z = difference / error if known and error > 0 else np.nan
        reason = fit.reason or ("" if np.isfinite(z) else not_computable("the fit is singular"))
        mean = np.full(len(conditions), 1 / len(conditions))
        apart = np.array([float(c == first) - float(c == second) for c in conditions])
        rows.append(
            {"model": model, "first": first, "second": second, "difference": difference}
            | {"low": difference - reach * error, "high": difference + reach * error}
            | {"standard_error": error, "z": z, "p": 2 * stats.norm.sf(abs(z))}
            | {f"{group}_sd": _sd(found, group, mean) for group in GROUPS}
            | {f"{group}_difference_sd": _sd(found, group, apart) or np.nan for group in GROUPS}
            | {"residual_sd": fit.residual_sd, "random_effects": found.structure}
            | {"n_trials": fit.n_trials, "reason": reason}
        )
    return rows


def _sd(found: RandomPart, group: str, weights: np.ndarray) -> float:
    """Return the sd of a weighted sum of a group's members' values in the conditions."""
    if group not in found.spread or found.fit.reason:
        return np.nan
    variance = float(weights @ found.spread[group] @ weights)
    # Equal values in all conditions leave a difference that is 0 but for rounding.
    return variance**0.5 if variance > 1e-12 else 0.0
