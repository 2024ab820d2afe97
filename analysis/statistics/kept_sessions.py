"""Which rule excluded which session of a study, and the trials that remain."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from analysis.statistics.estimates import not_computable
from unitscope.exclusion import (
    JudgedSession,
    Rules,
    TakenPart,
    TrialAnswers,
    has_sides,
    judge,
    sessions_around,
)

SESSION_KEYS = ["observer_kind", "observer", "participant", "session"]


def choices_are_sides(trials: pd.DataFrame) -> bool:
    """Return whether the correct answers of a study are at either side.

    Examples
    --------
    >>> choices_are_sides(pd.DataFrame({"correct_choice": ["a", "b", "b"]}))
    True
    >>> choices_are_sides(pd.DataFrame({"correct_choice": ["a"] * 40}))
    False
    """
    if "correct_choice" not in trials.columns:
        return True
    return has_sides(trials["correct_choice"].dropna().tolist())


def exclusions(
    trials: pd.DataFrame, rules: Rules, sessions: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Hold every session against every rule that is for its group and its kind of observer.

    Parameters
    ----------
    trials
        All trials of a log.
    rules
        By which sessions are excluded.
    sessions
        What else is known, :attr:`analysis.logs.sessions.Log.sessions`; without it the rules about
        times and practice cannot be applied.

    Returns
    -------
    pandas.DataFrame
        One row per session and rule: observer_kind, observer, participant, session,
        participant_group, rule, value, at_least, at_most, n_trials, excluded, reason (why the rule
        could not be applied, which lets the session pass).

    Examples
    --------
    >>> trials = pd.DataFrame({"participant": ["p1"] * 3 + ["p2"] * 3, "session": 1})
    >>> trials = trials.assign(observer_kind="person", observer=None, trial_role="catch")
    >>> trials["correct"] = [True, True, True, False, False, True]
    >>> from unitscope.exclusion import Exclusions
    >>> rules = {"": Exclusions(catch_share=0.6).rules}
    >>> exclusions(trials, rules)[["participant", "rule", "value", "excluded"]].round(2)
      participant          rule  value  excluded
    0          p1  catch trials   1.00     False
    1          p2  catch trials   0.33      True
    """
    sided = choices_are_sides(trials)
    rows = [
        dict(zip(SESSION_KEYS, keys, strict=True))
        | {"participant_group": session.group, "rule": verdict.rule.name, "value": verdict.value}
        | {"at_least": verdict.rule.at_least, "at_most": verdict.rule.at_most}
        | {"n_trials": verdict.n_trials, "excluded": verdict.outcome == "broken"}
        | {"reason": not_computable(verdict.reason) if verdict.reason else ""}
        for keys, session in _judged_sessions(trials, sessions)
        for verdict in judge(session, rules, sided=sided)
    ]
    columns = [*SESSION_KEYS, "participant_group", "rule", "value", "at_least", "at_most"]
    columns += ["n_trials", "excluded", "reason"]
    found = pd.DataFrame(rows, columns=columns)
    return found.replace({"at_least": {-np.inf: np.nan}, "at_most": {np.inf: np.nan}})


def _judged_sessions(
    trials: pd.DataFrame, sessions: pd.DataFrame | None
) -> Iterator[tuple[tuple[object, ...], JudgedSession]]:
    """Yield the keys of each session, in their order, and what the rules look at in it."""
    place = trials.groupby(SESSION_KEYS, sort=True, dropna=False).ngroup().to_numpy()
    order = np.argsort(place, kind="stable")
    bounds = np.flatnonzero(np.diff(place[order], prepend=-1, append=len(place)))
    choice = trials["choice"] if "choice" in trials else pd.Series("", trials.index)
    group = trials["group"] if "group" in trials else pd.Series("", trials.index)
    roles, choices, correct = (
        column.iloc[order].tolist()
        for column in (
            trials["trial_role"].fillna(""),
            choice.fillna(""),
            # A trial without an answer was not answered correctly.
            trials["correct"].eq(True).fillna(False),
        )
    )
    first = trials[SESSION_KEYS].assign(group=group.fillna("")).iloc[order[bounds[:-1]]]
    known = _known(sessions)
    parts = list(itertools.pairwise(bounds))
    own = [(tuple(keys), str(of)) for *keys, of in first.itertuples(index=False, name=None)]
    around = sessions_around(
        [
            TakenPart(_plain(keys[:-1]), int(keys[-1]), roles[start:end])
            for (start, end), (keys, _) in zip(parts, own, strict=True)
        ]
    )
    for (start, end), (keys, of), (earlier, later) in zip(parts, own, around, strict=True):
        answers = TrialAnswers(roles[start:end], choices[start:end], correct[start:end])
        numbers = {"earlier_sessions": earlier, "later_sessions": later}
        yield (
            keys,
            JudgedSession(of, keys[0], answers, **numbers, **known.get(_plain(keys), {})),
        )


def _known(sessions: pd.DataFrame | None) -> dict[tuple[str, ...], dict[str, float]]:
    """Return the numbers of each session's record that are known."""
    if sessions is None:
        return {}
    measured = ("instruction_s", "total_s", "practice_rounds", "layout_scale", "excluded_by_study")
    names = [name for name in measured if name in sessions.columns]
    keys = sessions[SESSION_KEYS].itertuples(index=False, name=None)
    numbers = sessions[names].astype(float).to_dict("records")
    return {
        _plain(key): {str(name): value for name, value in own.items()}
        for key, own in zip(keys, numbers, strict=True)
    }


def _plain(keys: Iterable[object]) -> tuple[str, ...]:
    return tuple("" if pd.isna(key) else str(key) for key in keys)


def keep(trials: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """Return the trials of the sessions that no rule excludes.

    Examples
    --------
    >>> sessions = pd.DataFrame({"participant": ["p1", "p2"], "session": 1})
    >>> sessions = sessions.assign(observer_kind="person", observer=None)
    >>> keep(sessions, sessions.assign(excluded=[True, False]))["participant"].tolist()
    ['p2']
    """
    excluded = judged.loc[judged["excluded"].astype(bool), SESSION_KEYS].astype("string").fillna("")
    out = set(excluded.itertuples(index=False, name=None))
    keys = trials[SESSION_KEYS].astype("string").fillna("")
    kept = [key not in out for key in keys.itertuples(index=False, name=None)]
    return trials[np.array(kept, bool)]
