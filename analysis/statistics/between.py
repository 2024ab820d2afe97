"""Differences between groups of participants, each of which met one condition."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.estimates import LEVEL, CIUnit, Estimate, not_computable


def difference_between(
    first: pd.DataFrame, second: pd.DataFrame, ci_unit: CIUnit = "crossed", level: float = LEVEL
) -> Estimate:
    """Return how much more often the first participants were right than the second ones.

    Participants enter with their means, as Welch's test has it, units with the difference of
    their means. Crossed intervals add both variances, which is the F' minimum of Clark (J. Verb.
    Learn. Verb. Behav. 1973, 12, 335-359) and rather too wide than too narrow, with
    Satterthwaite's degrees of freedom.

    Parameters
    ----------
    first, second
        Answered trials with correct, participant and unit, of different participants.
    ci_unit
        Whom the interval speaks for; ``paper`` gives 2 standard errors over participants.
    level
        Of the interval.
    """
    parts = (first, second)
    value = float(first["correct"].astype(float).mean() - second["correct"].astype(float).mean())
    who = [part["participant"].nunique() for part in parts]
    units = [_means(part, "unit") for part in parts]
    shared = units[0].index.intersection(units[1].index)
    found = {
        "value": value,
        "n_trials": len(first) + len(second),
        "n_participants": sum(who),
        "n_units": len(units[0].index.union(units[1].index)),
        "ci_unit": ci_unit,
    }
    errors: list[tuple[float, float]] = []
    if ci_unit in ("crossed", "participant", "paper"):
        if min(who) < 2:
            return Estimate(
                **found, reason=not_computable("a condition has fewer than 2 participants")
            )
        errors += [_error_of_mean(_means(part, "participant")) for part in parts]
    if ci_unit in ("crossed", "unit"):
        if len(shared) < 2:
            return Estimate(**found, reason=not_computable("the conditions share too few units"))
        errors.append(_error_of_mean(units[0][shared] - units[1][shared]))
    if ci_unit == "trial":
        errors += [_error_of_mean(part["correct"].astype(float)) for part in parts]
    variance = sum(error for error, _ in errors)
    if not variance > 0:
        return Estimate(**found, reason=not_computable("nobody differs from anybody else"))
    df = variance**2 / sum(error**2 / own for error, own in errors)
    error = variance**0.5
    half = 2.0 if ci_unit == "paper" else float(stats.t.ppf((1 + level) / 2, df))
    return Estimate(
        **found, low=value - half * error, high=value + half * error, standard_error=error, df=df
    )


def _means(trials: pd.DataFrame, by: str) -> pd.Series:
    return trials["correct"].astype(float).groupby(trials[by].astype(str)).mean()


def _error_of_mean(values: pd.Series) -> tuple[float, float]:
    """Return the squared standard error of a mean and its degrees of freedom."""
    return float(np.var(values, ddof=1)) / len(values), len(values) - 1
