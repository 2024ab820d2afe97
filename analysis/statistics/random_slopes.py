"""Which random effects of conditions a mixed model gets, and how they are given up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.statistics.mixed import MixedFit

GROUPS = ("participant", "unit")


@dataclass(frozen=True)
class RandomPart:
    """What varies at random in a fitted model of conditions.

    Parameters
    ----------
    fit
        The model.
    structure
        The sentence that says which effects it has, and what was left out and why.
    spread
        By group, the covariance of its members' logits or logs, shape (conditions, conditions).
    """

    fit: MixedFit
    structure: str
    spread: dict[str, np.ndarray]


def fit_with_slopes(
    model: Callable[..., MixedFit], trials: pd.DataFrame, factor: str, conditions: Sequence[str]
) -> RandomPart:
    """Fit a model whose differences of conditions vary over participants and units.

    A group has them if most of its members met two conditions and there are two trials for each
    member and condition on average. The first of these fits counts that ends and is not singular:
    intercepts and slopes with all their correlations; a deviation for each member and condition,
    all conditions with the same variance; intercepts alone, to which the former comes where that
    variance is 0.

    Parameters
    ----------
    model
        Takes the trials, ``fixed``, ``groups`` and ``slopes``.
    trials
        One row per trial with the factor, participant and unit.
    factor
        Column of conditions, as text.
    conditions
        Its levels.
    """
    varying = [group for group in GROUPS if _is_within(trials, group, factor)]
    if varying:
        fit = model(trials, fixed=(factor,), slopes=dict.fromkeys(varying, (factor,)))
        if fit.reason or (fit.converged and not set(fit.singular) & set(varying)):
            what = f"differences vary over {_plural(varying)}"
            return _part(fit, what, factor, conditions)
        failed = "is singular" if fit.converged else "did not converge"
        together = {group: _deviations(group) for group in varying}
        paired = trials.assign(
            **{
                name: trials[group].astype(str) + "|" + trials[factor]
                for group, name in together.items()
            }
        )
        fit = model(paired, fixed=(factor,), groups=(*GROUPS, *together.values()))
        left = [group for group, name in together.items() if name not in fit.singular]
        what = f"differences vary over {_plural(left)}, each condition by the same variance"
        none = [group for group in varying if group not in left]
        gone = f"; none found over {_plural(none)}" if none else ""
        if fit.converged and left:
            why = f" (with correlated slopes the fit {failed}){gone}"
            return _part(fit, what + why, factor, conditions)
        why = f"intercepts only (with slopes the fit {failed}){gone}"
    else:
        why = "intercepts only (too few trials of a member in two conditions)"
    return _part(model(trials, fixed=(factor,)), why, factor, conditions)


def _is_within(trials: pd.DataFrame, group: str, factor: str) -> bool:
    cells = trials.groupby(group)[factor].nunique()
    return bool((cells > 1).mean() > 0.5 and len(trials) >= 2 * cells.sum())


def _deviations(group: str) -> str:
    return f"{group} and condition"


def _plural(groups: Sequence[str]) -> str:
    return " and ".join(f"{group}s" for group in groups)


def _part(fit: MixedFit, structure: str, factor: str, conditions: Sequence[str]) -> RandomPart:
    spread = {}
    for group in GROUPS:
        if group not in fit.covariances:
            continue
        own = fit.covariances[group]
        # A condition's effect is the intercept and, but for the first level, its own slope.
        shows = [
            [float(name in ("intercept", f"{factor} {condition}")) for name in own.columns]
            for condition in conditions
        ]
        spread[group] = np.array(shows) @ own.to_numpy() @ np.array(shows).T
        apart = fit.covariances.get(_deviations(group))
        if apart is not None:
            spread[group] += float(apart.iloc[0, 0]) * np.eye(len(conditions))
    return RandomPart(fit, structure if not fit.reason else "", spread)
