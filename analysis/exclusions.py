"""Named rules by which sessions are left out, who fell to which, and what remains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.estimates import not_computable

SESSION_KEYS = ["observer_kind", "observer", "participant", "session"]


@dataclass(frozen=True)
class Rule:
    """A session is left out when its measure is below a threshold.

    Parameters
    ----------
    name
        Of the rule.
    measure
        Name of a measure in ``MEASURES``.
    at_least
        Smallest value that passes, in the measure's own unit.
    kinds
        Observer kinds that the rule is for: an inattentive machine is a finding, not a fault.
    """

    name: str
    measure: str
    at_least: float
    kinds: tuple[str, ...] = ("person", "simulated")

    @property
    def sentence(self) -> str:
        """What the rule asks for, for readers."""
        return f"{MEASURES[self.measure].description}: at least {self.at_least:g}"


@dataclass(frozen=True)
class Measure:
    """A number of one session that a rule can look at.

    Parameters
    ----------
    description
        For readers.
    of
        Returns the number and how many trials it rests on; NaN if there are none.
    """

    description: str
    of: Callable[[pd.DataFrame], tuple[float, int]]


def _catch_share_right(session: pd.DataFrame) -> tuple[float, int]:
    catch = session[session["trial_role"] == "catch"]
    # A catch trial that timed out was not answered rightly.
    right = catch["correct"].fillna(False).to_numpy(bool)
    return (float(right.mean()) if len(right) else np.nan), len(right)


def _less_used_side(session: pd.DataFrame) -> tuple[float, int]:
    choices = session.loc[session["trial_role"] != "practice", "choice"].dropna()
    return (float(min((choices == side).sum() for side in ("a", "b"))), len(choices))


MEASURES = {
    "catch_share_right": Measure("share of catch trials answered rightly", _catch_share_right),
    "less_used_side": Measure(
        "trials, other than practice, on the less-used side", _less_used_side
    ),
}

DEFAULT_RULES = (
    Rule("catch trials", "catch_share_right", 0.6),
    Rule("side bias", "less_used_side", 1),
)
"""Thresholds of Zimmermann et al., NeurIPS 2021."""


def judge(trials: pd.DataFrame, rules: Sequence[Rule] = DEFAULT_RULES) -> pd.DataFrame:
    """Hold every session against every rule that is for its kind of observer.

    Returns
    -------
    pandas.DataFrame
        One row per session and rule: observer_kind, observer, participant, session, rule, value,
        at_least, n_trials, excluded, reason (why the rule could not be applied, which lets the
        session pass).
    """
    rows = []
    for keys, session in trials.groupby(SESSION_KEYS, sort=True, dropna=False):
        for rule in rules:
            if keys[0] not in rule.kinds:
                continue
            value, number = MEASURES[rule.measure].of(session)
            rows.append(
                dict(zip(SESSION_KEYS, keys, strict=True))
                | {"rule": rule.name, "value": value, "at_least": rule.at_least}
                | {"n_trials": number, "excluded": bool(number) and value < rule.at_least}
                | {"reason": "" if number else not_computable("the session has no such trials")}
            )
    columns = [*SESSION_KEYS, "rule", "value", "at_least", "n_trials", "excluded", "reason"]
    return pd.DataFrame(rows, columns=columns)


def keep(trials: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """Return the trials of the sessions that no rule excludes."""
    excluded = judged.loc[judged["excluded"].astype(bool), SESSION_KEYS].astype("string").fillna("")
    out = set(excluded.itertuples(index=False, name=None))
    keys = trials[SESSION_KEYS].astype("string").fillna("")
    kept = [key not in out for key in keys.itertuples(index=False, name=None)]
    return trials[kept]
