"""Differences between reference conditions within participants, and claims of no difference."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import integrate, optimize, stats

from analysis.estimates import LEVEL, CIUnit, Estimate, not_computable
from analysis.intervals import mean_with_interval
from analysis.performance import conditions_of

SMALLEST_EFFECT = 0.10
"""Difference in accuracy below which two conditions count as alike, unless another is stated."""

JZS_SCALE = 2**0.5 / 2
"""Scale of the Cauchy prior on the standardised effect."""


def compare_conditions(
    trials: pd.DataFrame,
    ci_unit: CIUnit = "crossed",
    level: float = LEVEL,
    smallest_effect: float = SMALLEST_EFFECT,
) -> pd.DataFrame:
    """Compare the accuracies of all pairs of reference conditions.

    Parameters
    ----------
    trials
        Rows of a log with correct, participant, unit and reference_condition; unanswered ones do
        not count. Crossed and unit intervals rest on the participants' differences for units that
        they met in both conditions, the others on each participant's difference of means.
    ci_unit
        Whom interval and tests speak for; tests of ``paper`` are those of ``participant``.
    level
        Of the interval.
    smallest_effect
        Smallest difference in accuracy of interest, for the test of equivalence.

    Returns
    -------
    pandas.DataFrame
        One row per pair: first, second, difference (first minus second), low, high,
        standard_error, df, t, p, p_holm (Holm-corrected over the rows), smallest_effect,
        p_equivalence (TOST), equivalent (whether it is below 1 - level), bayes_factor (JZS, for a
        difference), n_trials, n_participants, n_units, ci_unit, reason.
    """
    answered = trials[trials["correct"].notna()]
    rows = [
        _compare(answered, first, second, ci_unit, level, smallest_effect)
        for first, second in combinations(conditions_of(answered), 2)
    ]
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    frame["p_holm"] = holm(frame["p"].to_numpy(float))
    return frame


_COLUMNS = [
    *("first", "second", "difference", "low", "high", "standard_error", "df", "t", "p", "p_holm"),
    *("smallest_effect", "p_equivalence", "equivalent", "bayes_factor"),
    *("n_trials", "n_participants", "n_units", "ci_unit", "reason"),
]


def _compare(
    trials: pd.DataFrame,
    first: str,
    second: str,
    ci_unit: CIUnit,
    level: float,
    smallest_effect: float,
) -> dict[str, Any]:
    within = ["participant"] if ci_unit in ("participant", "paper") else ["participant", "unit"]
    pairs = _paired(trials, first, second, within)
    units = pairs["unit"] if "unit" in within else pairs["participant"]
    labels = pairs["participant"].to_numpy(), units.to_numpy()
    difference = pairs["difference"].to_numpy(float)
    estimate = mean_with_interval(difference, *labels, ci_unit, level)
    tested = estimate
    if ci_unit == "paper":
        tested = mean_with_interval(difference, *labels, "participant", level)
    row = {
        "first": first,
        "second": second,
        "difference": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "standard_error": estimate.standard_error,
        "df": tested.df,
        **_tests(tested, smallest_effect, level),
        "n_trials": int(pairs["n_trials"].sum()),
        "n_participants": estimate.n_participants,
        "n_units": int(pairs["n_units"].max()) if "unit" not in within else estimate.n_units,
        "ci_unit": ci_unit,
    }
    if not len(pairs):
        who = "met the same unit" if "unit" in within else "took part"
        row["n_units"] = 0
        row["reason"] = not_computable(f"no participant {who} in both conditions")
    elif np.ptp(difference) == 0:
        row["reason"] = not_computable("all differences are the same")
    else:
        row["reason"] = tested.reason
    return row


def _paired(trials: pd.DataFrame, first: str, second: str, within: Sequence[str]) -> pd.DataFrame:
    """Return the difference of mean accuracies of each cell that has both conditions."""
    means, counts = {}, {}
    for condition in (first, second):
        part = trials[trials["reference_condition"] == condition]
        grouped = part.assign(right=part["correct"].astype(float)).groupby(list(within))
        means[condition] = grouped["right"].mean()
        counts[condition] = grouped["right"].size()
    both = means[first].index.intersection(means[second].index)
    frame = pd.DataFrame(
        {
            "difference": means[first].loc[both] - means[second].loc[both],
            "n_trials": counts[first].loc[both] + counts[second].loc[both],
        },
        index=both,
    ).reset_index()
    chosen = trials[
        trials["reference_condition"].isin([first, second])
        & trials["participant"].isin(frame["participant"])
    ]
    return frame.assign(n_units=chosen["unit"].nunique())


def _tests(estimate: Estimate, smallest_effect: float, level: float) -> dict[str, Any]:
    if not estimate.has_interval:
        nothing = ("t", "p", "p_equivalence", "bayes_factor")
        return {
            **dict.fromkeys(nothing, np.nan),
            "smallest_effect": smallest_effect,
            "equivalent": None,
        }
    error, df = estimate.standard_error, estimate.df
    t = estimate.value / error
    p_equivalence = equivalence(estimate.value, error, df, smallest_effect)
    return {
        "t": t,
        "p": float(2 * stats.t.sf(abs(t), df)),
        "smallest_effect": smallest_effect,
        "p_equivalence": p_equivalence,
        "equivalent": p_equivalence < 1 - level,
        "bayes_factor": jzs_bayes_factor(t, df),
    }


def holm(p: np.ndarray) -> np.ndarray:
    """Return p values corrected by Holm's method (Scand. J. Stat. 1979, 6, 65-70).

    Parameters
    ----------
    p
        Shape (tests,); NaN stands for a test that could not be made and does not count.
    """
    p = np.asarray(p, float)
    corrected = np.full(p.shape, np.nan)
    made = np.flatnonzero(np.isfinite(p))
    order = made[np.argsort(p[made], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(steps))
    return corrected


def equivalence(
    difference: float, standard_error: float, df: float, smallest_effect: float
) -> float:
    """Return the p value of two one-sided tests (Schuirmann, J. Pharmacokin. Biopharm. 1987, 15).

    Small values speak for a difference nearer to 0 than ``smallest_effect``.

    Raises
    ------
    ValueError
        If the smallest effect is not above 0.
    """
    if not smallest_effect > 0:
        raise ValueError(f"smallest_effect is {smallest_effect}, expected more than 0")
    above = stats.t.sf((difference + smallest_effect) / standard_error, df)
    below = stats.t.cdf((difference - smallest_effect) / standard_error, df)
    return float(max(above, below))


def jzs_bayes_factor(t: float, df: float, scale: float = JZS_SCALE) -> float:
    """Return the JZS Bayes factor of a one-sample t for a difference over none.

    Rouder, Speckman, Sun, Morey & Iverson, Psychon. Bull. Rev. 2009, 16, 225-237. The size of the
    sample is taken as ``df + 1``, so that with crossed intervals, whose degrees of freedom count
    participants and units alike, it speaks for both as well.

    Parameters
    ----------
    t
        Statistic, any sign.
    df
        Degrees of freedom, more than 0.
    scale
        Of the Cauchy prior on the standardised effect.

    Returns
    -------
    float
        More than 1 for a difference, less than 1 for none; at most 1e300.
    """
    n = df + 1

    def log_density(log_g: float) -> float:
        """Return the log of the density over ln g, relative to that of no difference."""
        spread = 1 + n * np.exp(log_g)
        likelihood = np.log1p(t**2 / (spread * df)) - np.log1p(t**2 / df)
        return float(
            -0.5 * np.log(spread)
            - (df + 1) / 2 * likelihood
            + np.log(scale / np.sqrt(2 * np.pi))
            - 0.5 * log_g
            - scale**2 / 2 * np.exp(-log_g)
        )

    found = optimize.minimize_scalar(lambda x: -log_density(x), bounds=(-10, 30), method="bounded")
    peak = float(found.x)
    top = log_density(peak)
    area, _ = integrate.quad(
        lambda x: np.exp(log_density(x) - top), -12, 60, limit=400, epsrel=1e-9, points=(peak,)
    )
    return float(np.exp(min(top + np.log(area), np.log(1e300))))
