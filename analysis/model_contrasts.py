"""Differences between conditions as mixed models see them, for answers and for times."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.estimates import LEVEL, not_computable
from analysis.evidence import holm
from analysis.mixed import MixedFit, mixed_linear, mixed_logistic
from analysis.performance import conditions_of

FACTOR = "reference_condition"

MODELS = ("right_answers", "log_rt")

_COLUMNS = [
    *("model", "first", "second", "difference", "low", "high", "standard_error", "z", "p"),
    *("p_holm", "participant_sd", "unit_sd", "residual_sd", "n_trials", "reason"),
]


def model_contrasts(trials: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Fit both models to trials and compare all pairs of conditions.

    ``right_answers`` is a logistic regression and its differences are in logits, ``log_rt`` a
    linear one of the natural logarithm of positive reaction times, so that the exponential of a
    difference is a ratio of times. Participants and units have random intercepts.

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
        high, standard_error, z, p, p_holm (over the pairs of a model), participant_sd, unit_sd,
        residual_sd (NaN for the logistic model), n_trials, reason.
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
        if name == "right_answers":
            fit = mixed_logistic(chosen, level=level)
        else:
            fit = mixed_linear(chosen, "log_rt", level=level)
        parts.append(pd.DataFrame(_pairs(name, fit, conditions, level), columns=_COLUMNS))
        parts[-1]["p_holm"] = holm(parts[-1]["p"].to_numpy(float))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_COLUMNS)


def _pairs(model: str, fit: MixedFit, conditions: list[str], level: float) -> list[dict[str, Any]]:
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
        rows.append(
            {"model": model, "first": first, "second": second, "difference": difference}
            | {"low": difference - reach * error, "high": difference + reach * error}
            | {"standard_error": error, "z": z, "p": 2 * stats.norm.sf(abs(z))}
            | {f"{term}_sd": _sd(fit, term) for term in ("participant", "unit")}
            | {"residual_sd": fit.residual_sd, "n_trials": fit.n_trials, "reason": reason}
        )
    return rows


def _sd(fit: MixedFit, term: str) -> float:
    return float(fit.standard_deviations.get(term, {}).get("intercept", np.nan))
