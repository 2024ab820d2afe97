"""Differences between reference conditions estimated by mixed models of answers and of times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.estimates import LEVEL, not_computable
from analysis.statistics.evidence import holm
from analysis.statistics.mixed_likelihood import LinearisedLikelihood
from analysis.statistics.mixed_models import MixedFit, mixed_linear, mixed_logistic
from analysis.statistics.performance import conditions_of

FACTOR = "reference_condition"

GROUPS = ("participant", "unit")

MIN_LEVELS = 5
"""Participants or units below which their variance cannot be estimated."""

_COLUMNS = [
    *("model", "first", "second", "difference", "low", "high", "standard_error", "t", "df", "p"),
    *("p_holm", "participant_sd", "unit_sd", "participant_difference_sd", "unit_difference_sd"),
    *("residual_sd", "random_effects", "n_trials", "reason"),
]


def mixed_contrasts(trials: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Fit both mixed models and compare all pairs of reference conditions.

    ``right_answers`` is a logistic model of correct answers, whose differences are in logits;
    ``log_rt`` is a linear model of the natural logarithm of positive reaction times, so that the
    exponential of a difference is a ratio of times. Participants and units have random intercepts,
    and random slopes of the conditions where the trials allow it (:func:`fit_with_slopes`).

    Tests and intervals are those of t with Satterthwaite's degrees of freedom
    (:func:`analysis.statistics.mixed_likelihood.degrees_of_freedom`), of the logistic model those
    of its working response. Its variances are estimated by maximum likelihood, not by restricted
    maximum likelihood as those of the linear model, so that its standard errors are corrected for
    the numbers of participants and units, and it has no more than twice the degrees of freedom of
    either of them, since few members' variance may be estimated as 0. It is fitted without the
    conditions in which all answers are correct, or all wrong, as their logits would be infinite;
    only the differences from these are missing.

    Parameters
    ----------
    trials
        Main trials with correct, rt_s, participant, unit and reference_condition.
    level
        Confidence level.

    Returns
    -------
    pandas.DataFrame
        One row per model and pair: model, first, second, difference (first minus second), low,
        high, standard_error, t, df, p, p_holm (over the pairs of a model), participant_sd and
        unit_sd (of their means over conditions), participant_difference_sd and unit_difference_sd
        (of their differences; NaN where the model has none), residual_sd (NaN for the logistic
        model), random_effects (which random effects the model has, and why not others), n_trials,
        reason.

    Examples
    --------
    >>> cells = [(p, u, c) for p in "abcde" for u in "vwxyz" for c in ("natural", "blur")]
    >>> trials = pd.DataFrame(cells, columns=["participant", "unit", "reference_condition"])
    >>> trials["correct"] = [i % 3 > 0 or i % 4 == 0 for i in range(len(trials))]
    >>> trials["rt_s"] = [1.5 + 0.3 * (i % 2) + 0.1 * (i * 7 % 11) for i in range(len(trials))]
    >>> mixed_contrasts(trials)[["model", "first", "second", "difference", "df", "p"]].round(2)
               model    first second  difference    df     p
    0  right_answers  natural   blur        0.90   8.0  0.23
    1         log_rt  natural   blur       -0.16  48.0  0.00
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
        chosen = rows[[FACTOR, *GROUPS, "correct"]].assign(
            **{FACTOR: rows[FACTOR].astype(str), "log_rt": rows.get("log_rt")}
        )
        fitted, same = conditions, _of_one_kind(chosen) if name == "right_answers" else []
        if same and len(conditions) - len(same) >= 2:
            fitted = [condition for condition in conditions if condition not in same]
            chosen = chosen[chosen[FACTOR].isin(fitted)]
        few = [group for group in GROUPS if 1 < chosen[group].nunique() < MIN_LEVELS]
        model = fit_with_slopes(_FITS[name], chosen, fitted)
        if few and not model.fit.reason:
            why = not_computable(f"there are fewer than {MIN_LEVELS} {few[0]}s")
            model = replace(model, fit=replace(model.fit, reason=why), structure="")
        if fitted is not conditions and model.structure:
            without = " and ".join(same)
            model = replace(model, structure=f"{model.structure}; fitted without {without}")
        pairs = _pairs(name, model, chosen, fitted, level)
        pairs["p_holm"] = holm(pairs["p"].to_numpy(float))
        parts.append(_with_others(pairs, conditions))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_COLUMNS)


_FITS: dict[str, Callable[..., MixedFit]] = {
    "right_answers": mixed_logistic,
    "log_rt": partial(mixed_linear, outcome="log_rt"),
}


def _of_one_kind(trials: pd.DataFrame) -> list[str]:
    """Return the conditions in which all answers are correct, or all wrong."""
    kinds = trials.dropna(subset="correct").groupby(FACTOR)["correct"].nunique()
    return [str(condition) for condition in kinds.index[kinds == 1]]


def _with_others(pairs: pd.DataFrame, conditions: Sequence[str]) -> pd.DataFrame:
    """Return a model's pairs with those of the conditions that it does not have, in order."""
    model = pairs["model"].iloc[0]
    known = {(row["first"], row["second"]): row for row in pairs.to_dict("records")}
    fitted = {condition for pair in known for condition in pair}
    rows = []
    for pair in combinations(conditions, 2):
        lacking = [condition for condition in pair if condition not in fitted]
        if lacking:
            why = f"every answer has the same value where {FACTOR} is {lacking[0]}"
            rows.append(
                dict.fromkeys(_COLUMNS, np.nan)
                | {"model": model, "first": pair[0], "second": pair[1], "n_trials": 0}
                | {"random_effects": "", "reason": not_computable(why)}
            )
        else:
            rows.append(known[pair])
    return pd.DataFrame(rows, columns=_COLUMNS)


def _pairs(
    name: str, model: FittedModel, trials: pd.DataFrame, conditions: Sequence[str], level: float
) -> pd.DataFrame:
    fit = model.fit
    names = list(fit.coefficients["name"])
    pairs = list(combinations(conditions, 2))
    # With dummy coding a difference of two conditions is w'beta, with w 1 at the first one's dummy
    # and -1 at the second one's; its standard error is sqrt(w' cov(beta) w).
    weights = np.zeros((len(pairs), len(names)))
    for row, pair in zip(weights, pairs, strict=True):
        for condition, sign in zip(pair, (1, -1), strict=True):
            if f"{FACTOR} {condition}" in names:
                row[names.index(f"{FACTOR} {condition}")] = sign
    mean = np.full(len(conditions), 1 / len(conditions))
    known = fit.covariance is not None and not fit.reason
    dfs = fit.degrees_of_freedom(weights) if known else np.full(len(pairs), np.nan)
    rows = []
    for (first, second), w, df in zip(pairs, weights, dfs.tolist(), strict=True):
        difference = error = t = np.nan
        few: list[str] = []
        if fit.covariance is not None and not fit.reason:
            difference = float(w @ fit.coefficients["estimate"])
            error = float(np.sqrt(w @ fit.covariance @ w))
            if name == "right_answers":
                members = _degrees_of_members(trials, (first, second))
                error *= _correction(fit, w, members)
                # Of few members a variance is now and then estimated as 0, and then says nothing.
                df = min(df, *(2 * own_df for _, own_df in members.values()))
                few += [f"too few {g}s met them" for g, (_, own) in members.items() if own < 1]
            t = difference / error if error > 0 else np.nan
        reach = stats.t.ppf((1 + level) / 2, df) * error
        if few:
            t = df = np.nan
        why = few[0] if few else "the fit is singular" if not np.isfinite(t) else ""
        reason = fit.reason or (not_computable(why) if why else "")
        contrast = np.array([float(c == first) - float(c == second) for c in conditions])
        rows.append(
            {"model": name, "first": first, "second": second, "difference": difference}
            | {"low": difference - reach, "high": difference + reach}
            | {"standard_error": error, "t": t, "df": df, "p": 2 * stats.t.sf(abs(t), df)}
            | {f"{group}_sd": _sd(model, group, mean) for group in GROUPS}
            | {f"{group}_difference_sd": _sd(model, group, contrast) or np.nan for group in GROUPS}
            | {"residual_sd": fit.residual_sd, "random_effects": model.structure}
            | {"n_trials": fit.n_trials, "reason": reason}
        )
    return pd.DataFrame(rows, columns=_COLUMNS)


def _degrees_of_members(trials: pd.DataFrame, pair: tuple[str, str]) -> dict[str, tuple[int, int]]:
    """Return the numbers of participants and of units, and less one mean, or one each condition."""
    own = trials[trials[FACTOR].isin(pair)]
    found = {}
    for group in GROUPS:
        conditions_met = own.groupby(group)[FACTOR].nunique()
        n_means = 1 if (conditions_met > 1).mean() > 0.5 else 2
        found[group] = len(conditions_met), len(conditions_met) - n_means
    return found


def _correction(fit: MixedFit, weights: np.ndarray, members: dict[str, tuple[int, int]]) -> float:
    """Return what the standard error of a logistic model's difference is too small by.

    Maximum likelihood underestimates the variance of ``m`` members' values about ``k`` means by
    ``(m - k) / m``, as the variance of a sample with divisor ``m``; ``k`` is 1 where members met
    both conditions, otherwise 2. The error is compared with that of as much larger variances.
    """
    if not isinstance(fit.likelihood, LinearisedLikelihood) or fit.variance_parameters is None:
        return 1.0
    factors: dict[str, float] = {}
    for group, (number, df) in members.items():
        factors |= dict.fromkeys((group, _interaction(group)), number / max(df, 1))
    theta = fit.variance_parameters
    larger, own_variance = (
        float(weights @ fit.likelihood.covariance(at) @ weights)
        for at in (fit.likelihood.scaled(theta, factors), theta)
    )
    return float((larger / own_variance) ** 0.5)


def _sd(model: FittedModel, group: str, weights: np.ndarray) -> float:
    """Return the standard deviation, over a group's members, of a weighted sum of conditions."""
    if group not in model.spread or model.fit.reason:
        return np.nan
    variance = float(weights @ model.spread[group] @ weights)
    # Members that differ alike in all conditions have a difference whose variance is 0 but for
    # rounding.
    return variance**0.5 if variance > 1e-12 else 0.0


@dataclass(frozen=True)
class FittedModel:
    """A mixed model of conditions and the random effects that it was given.

    Parameters
    ----------
    fit
        The model.
    structure
        Sentence for readers: which random effects the model has, and why not others.
    spread
        For participants and units, the covariance of a member's logits or log times in the
        conditions, shape (conditions, conditions).
    """

    fit: MixedFit
    structure: str
    spread: dict[str, np.ndarray]


def fit_with_slopes(
    model: Callable[..., MixedFit], trials: pd.DataFrame, conditions: Sequence[str]
) -> FittedModel:
    """Fit a mixed model with the largest random-effects structure that the trials support.

    Random slopes are tried for participants, and for units, if most of them met two conditions and
    there are on average two trials per member and condition. The model is the first of these that
    converges and is not singular: correlated intercepts and slopes; an intercept for each member
    and one for each member and condition, with the same variance in all conditions; intercepts
    only, which is also what the second amounts to where its variance is 0. It follows the advice
    of Barr, Levy, Scheepers & Tily, J. Mem. Lang. 2013, 68, 255-278, to keep the slopes of what
    was varied within participants and items.

    Parameters
    ----------
    model
        Takes the trials, ``fixed``, ``groups`` and ``slopes``.
    trials
        One row per trial with participant, unit and reference_condition, as text.
    conditions
        The reference conditions.

    Examples
    --------
    >>> cells = [(p, u, c) for p in "abcde" for u in "vwxyz" for c in ("natural", "blur")]
    >>> trials = pd.DataFrame(cells, columns=["participant", "unit", "reference_condition"])
    >>> trials["correct"] = [i % 3 > 0 or i % 4 == 0 for i in range(len(trials))]
    >>> found = fit_with_slopes(mixed_logistic, trials, ["natural", "blur"])
    >>> for part in found.structure.split("; "):
    ...     print(part)
    intercepts only (with correlated slopes the fit is singular over participants and units)
    differences were not found to vary over participants and units
    """
    varying = [group for group in GROUPS if _varies_within(trials, group)]
    if not varying:
        structure = "intercepts only (too few trials of a member in two conditions)"
        return _fitted(model(trials, fixed=(FACTOR,)), structure, conditions)
    fit = model(trials, fixed=(FACTOR,), slopes=dict.fromkeys(varying, (FACTOR,)))
    singular = [group for group in varying if group in fit.singular]
    if fit.reason or (fit.converged and not singular):
        return _fitted(fit, f"differences vary over {_plural(varying)}", conditions)
    failed = f"is singular over {_plural(singular)}" if fit.converged else "did not converge"
    why = f"with correlated slopes the fit {failed}"
    interactions = {group: _interaction(group) for group in varying}
    crossed = trials.assign(
        **{
            name: trials[group].astype(str) + "|" + trials[FACTOR]
            for group, name in interactions.items()
        }
    )
    fit = model(crossed, fixed=(FACTOR,), groups=(*GROUPS, *interactions.values()))
    if not fit.converged:
        why += "; with one variance in all conditions it did not converge"
        return _fitted(model(trials, fixed=(FACTOR,)), f"intercepts only ({why})", conditions)
    kept = [group for group, name in interactions.items() if name not in fit.singular]
    dropped = [group for group in varying if group not in kept]
    none = f"; differences were not found to vary over {_plural(dropped)}" if dropped else ""
    if not kept:
        fit = model(trials, fixed=(FACTOR,))
        return _fitted(fit, f"intercepts only ({why}){none}", conditions)
    structure = f"differences vary over {_plural(kept)}, each condition by the same variance"
    return _fitted(fit, f"{structure} ({why}){none}", conditions)


def _varies_within(trials: pd.DataFrame, group: str) -> bool:
    cells = trials.groupby(group)[FACTOR].nunique()
    return bool((cells > 1).mean() > 0.5 and len(trials) >= 2 * cells.sum())


def _interaction(group: str) -> str:
    return f"{group} and condition"


def _plural(groups: Sequence[str]) -> str:
    return " and ".join(f"{group}s" for group in groups)


def _fitted(fit: MixedFit, structure: str, conditions: Sequence[str]) -> FittedModel:
    if not fit.reason and not fit.converged:
        fit = replace(fit, reason=not_computable("the fit did not converge"))
    spread = {}
    for group in GROUPS:
        if group not in fit.covariances:
            continue
        own = fit.covariances[group]
        # A member's value in condition c is its intercept plus, except for the first level, its
        # slope of c; with the rows of T picking these, the covariance over conditions is
        # T cov(effects) T' + sd_interaction^2 1.
        picks = np.array(
            [
                [float(name in ("intercept", f"{FACTOR} {condition}")) for name in own.columns]
                for condition in conditions
            ]
        )
        spread[group] = picks @ own.to_numpy() @ picks.T
        interaction = fit.covariances.get(_interaction(group))
        if interaction is not None:
            spread[group] += float(interaction.iloc[0, 0]) * np.eye(len(conditions))
    return FittedModel(fit, structure if not fit.reason else "", spread)
