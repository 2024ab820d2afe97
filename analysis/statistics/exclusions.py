"""Named rules by which sessions are left out, who fell to which, and what remains."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.statistics.estimates import not_computable
from unitscope.exclusion import ExclusionRules

SESSION_KEYS = ["observer_kind", "observer", "participant", "session"]


@dataclass(frozen=True)
class Rule:
    """A session is left out when its measure lies outside of what is allowed.

    Parameters
    ----------
    name
        Of the rule.
    measure
        Name of a measure in ``MEASURES``.
    at_least, at_most
        Smallest and largest value that pass, in the measure's own unit.
    kinds
        Observer kinds that the rule is for: an inattentive machine is a finding, not a fault.
    """

    name: str
    measure: str
    at_least: float = -math.inf
    at_most: float = math.inf
    kinds: tuple[str, ...] = ("person", "simulated")

    @property
    def allowed(self) -> str:
        """What passes: ``at least 0.6``, ``90 to 900``."""
        if math.isinf(self.at_most):
            return f"at least {self.at_least:g}"
        if math.isinf(self.at_least):
            return f"at most {self.at_most:g}"
        return f"{self.at_least:g} to {self.at_most:g}"

    @property
    def sentence(self) -> str:
        """What the rule asks for, for readers."""
        return f"{MEASURES[self.measure].description}: {self.allowed}"


Rules = Sequence[Rule] | Callable[[str], Sequence[Rule]]
"""Rules for everybody, or a function from a participant's group to its rules."""


@dataclass(frozen=True)
class Measure:
    """A number of one session that a rule can look at.

    Parameters
    ----------
    description
        For readers.
    of
        Returns the number and how many trials it rests on, from a session's trials and what else
        is known of it; NaN and 0 where it cannot be told.
    absent
        Why it could not be told.
    """

    description: str
    of: Callable[[pd.DataFrame, Mapping[str, Any]], tuple[float, int]]
    absent: str = "the session has no such trials"


def _catch_share_right(session: pd.DataFrame, _: Mapping[str, Any]) -> tuple[float, int]:
    catch = session[session["trial_role"] == "catch"]
    # A catch trial that timed out was not answered rightly.
    right = catch["correct"].fillna(False).to_numpy(bool)
    return (float(right.mean()) if len(right) else np.nan), len(right)


def has_sides(trials: pd.DataFrame) -> bool:
    """Return whether right answers are at either side, not always the same choice.

    Imported logs may have a choice that stands for "right"; too few trials say nothing.
    """
    if "correct_choice" not in trials.columns:
        return True
    right = trials["correct_choice"].dropna()
    return len(right) < FEWEST_FOR_SIDES or right.nunique() > 1


def _less_used_side(session: pd.DataFrame, _: Mapping[str, Any]) -> tuple[float, int]:
    if "choice" not in session.columns:
        return np.nan, 0
    choices = session.loc[session["trial_role"] != "practice", "choice"].dropna()
    return (float(min((choices == side).sum() for side in ("a", "b"))), len(choices))


def _known(name: str) -> Callable[[pd.DataFrame, Mapping[str, Any]], tuple[float, int]]:
    def of(session: pd.DataFrame, facts: Mapping[str, Any]) -> tuple[float, int]:
        value = float(facts.get(name, np.nan))
        return value, len(session) if math.isfinite(value) else 0

    return of


FEWEST_FOR_SIDES = 20
"""As many right answers at one side by chance come about once in a million logs."""

_UNRECORDED = "the session's record does not say it"

MEASURES = {
    "instruction_s": Measure(
        "seconds on the pages before the first trial", _known("instruction_s"), _UNRECORDED
    ),
    "total_s": Measure(
        "seconds from the first page to the last trial", _known("total_s"), _UNRECORDED
    ),
    "catch_share_right": Measure("share of catch trials answered rightly", _catch_share_right),
    "less_used_side": Measure(
        "trials, other than practice, on the less-used side", _less_used_side
    ),
    "practice_rounds": Measure("rounds of practice", _known("practice_rounds"), _UNRECORDED),
}

DEFAULT_RULES = (
    Rule("catch trials", "catch_share_right", 0.6),
    Rule("side bias", "less_used_side", 1),
)
"""Thresholds of Zimmermann et al., NeurIPS 2021, for logs whose design is not at hand."""


def rules_of(given: ExclusionRules) -> tuple[Rule, ...]:
    """Return the rules that a design gives.

    Times are asked of people only: a simulated participant's clock costs no time.
    """
    found = []
    if given.instruction_s is not None:
        rule = Rule("instruction time", "instruction_s", given.instruction_s, kinds=("person",))
        found.append(rule)
    if given.total_s is not None:
        found.append(Rule("total time", "total_s", *given.total_s, kinds=("person",)))
    if given.catch_share is not None:
        found.append(Rule("catch trials", "catch_share_right", given.catch_share))
    if given.less_used_side is not None:
        found.append(Rule("side bias", "less_used_side", given.less_used_side))
    if given.practice_rounds is not None:
        found.append(Rule("practice", "practice_rounds", at_most=given.practice_rounds))
    return tuple(found)


def judge(
    trials: pd.DataFrame, rules: Rules = DEFAULT_RULES, sessions: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Hold every session against every rule that is for its kind of observer.

    Parameters
    ----------
    trials
        All trials of a log.
    rules
        By which sessions are left out.
    sessions
        What else is known, :attr:`analysis.logs.load.Log.sessions`; without it the rules about
        times and practice cannot be applied.

    Returns
    -------
    pandas.DataFrame
        One row per session and rule: observer_kind, observer, participant, session,
        participant_group, rule, value, at_least, at_most, n_trials, excluded, reason (why the rule
        could not be applied, which lets the session pass).
    """
    facts = _facts(sessions)
    sided = has_sides(trials)
    rows = []
    for keys, session in trials.groupby(SESSION_KEYS, sort=True, dropna=False):
        known = facts.get(_plain(keys), {})
        group = session["group"].iloc[0] if "group" in session.columns else ""
        group = "" if pd.isna(group) else str(group)
        for rule in rules(group) if callable(rules) else rules:
            if keys[0] not in rule.kinds:
                continue
            measure = MEASURES[rule.measure]
            value, number = measure.of(session, known)
            absent = measure.absent
            if rule.measure == "less_used_side" and not sided:
                value, number, absent = np.nan, 0, "the same choice is always the right one"
            outside = bool(number) and not rule.at_least <= value <= rule.at_most
            rows.append(
                dict(zip(SESSION_KEYS, keys, strict=True))
                | {"participant_group": group, "rule": rule.name, "value": value}
                | {"at_least": rule.at_least, "at_most": rule.at_most}
                | {"n_trials": number, "excluded": outside}
                | {"reason": "" if number else not_computable(absent)}
            )
    columns = [*SESSION_KEYS, "participant_group", "rule", "value", "at_least", "at_most"]
    columns += ["n_trials", "excluded", "reason"]
    found = pd.DataFrame(rows, columns=columns)
    return found.replace({"at_least": {-math.inf: np.nan}, "at_most": {math.inf: np.nan}})


def _facts(sessions: pd.DataFrame | None) -> dict[tuple[str, ...], dict[str, Any]]:
    if sessions is None:
        return {}
    return {
        _plain(tuple(row[key] for key in SESSION_KEYS)): row for row in sessions.to_dict("records")
    }


def _plain(keys: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple("" if pd.isna(key) else str(key) for key in keys)


def keep(trials: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """Return the trials of the sessions that no rule excludes."""
    excluded = judged.loc[judged["excluded"].astype(bool), SESSION_KEYS].astype("string").fillna("")
    out = set(excluded.itertuples(index=False, name=None))
    keys = trials[SESSION_KEYS].astype("string").fillna("")
    kept = [key not in out for key in keys.itertuples(index=False, name=None)]
    return trials[np.array(kept, bool)]
