"""Rules exclude the sessions that break them, and no others."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from analysis import load
from analysis.statistics.kept_sessions import exclusions, keep
from unitscope.exclusion import DEFAULT_RULES, ExclusionRule

DEFAULT = {"": DEFAULT_RULES}


def fallen(judged: pd.DataFrame) -> set[tuple[str, str]]:
    """Return participant and rule of every exclusion."""
    rows = judged[judged["excluded"]]
    return set(rows[["participant", "rule"]].itertuples(index=False, name=None))


@pytest.fixture
def trials(study: Any) -> pd.DataFrame:
    """Four sessions: attentive, inattentive in catch trials, one-sided, and a machine."""
    study.write_session("p001", 1, catch_right=1.0)
    study.write_session("p002", 2, catch_right=0.0)
    study.write_session("p003", 3, always="a")
    study.write_session("m001", 1, kind="machine", observer="similarity", catch_right=0.0)
    return load(study.folder)


def test_each_session_is_excluded_by_the_rule_that_it_breaks(trials: pd.DataFrame) -> None:
    judged = exclusions(trials, DEFAULT)
    assert {("p002", "catch trials"), ("p003", "side bias")} <= fallen(judged)
    assert not {pair for pair in fallen(judged) if pair[0] in ("p001", "m001")}
    assert set(judged["observer_kind"]) == {"simulated"}


def test_keep_leaves_the_others_out(trials: pd.DataFrame) -> None:
    kept = keep(trials, exclusions(trials, DEFAULT))
    assert set(kept["participant"]) == {"p001", "m001"}
    assert len(kept) == 46


def test_the_same_participant_of_another_observer_stays(study: Any) -> None:
    study.write_session("p001", 1, always="a")
    study.write_session("x001", 1, kind="simulated", observer="chance", catch_right=1.0)
    trials = load(study.folder).replace({"participant": {"x001": "p001"}})
    kept = keep(trials, exclusions(trials, {"": DEFAULT_RULES[1:]}))
    assert set(kept["observer"]) == {"chance"}


def test_thresholds_are_data(trials: pd.DataFrame) -> None:
    assert not fallen(exclusions(trials, {"": [ExclusionRule("lenient", "catch_correct", 0.0)]}))
    rule = ExclusionRule("strict", "less_used_side", 50, kinds=("machine",))
    strict = exclusions(trials, {"": [rule]})
    assert fallen(strict) == {("m001", "strict")}
    assert keep(trials, exclusions(trials, {"": []})).equals(trials)


def test_a_session_without_catch_trials_passes_and_says_so(trials: pd.DataFrame) -> None:
    judged = exclusions(trials[trials["trial_role"] != "catch"], {"": DEFAULT_RULES[:1]})
    assert not judged["excluded"].any()
    assert judged["reason"].str.startswith("not computable because").all()


def test_an_unanswered_catch_trial_is_not_correct(trials: pd.DataFrame) -> None:
    mine = trials[trials["participant"] == "p001"].copy()
    mine.loc[mine["trial_role"] == "catch", "correct"] = pd.NA
    assert fallen(exclusions(mine, DEFAULT)) == {("p001", "catch trials")}


def test_rules_read_as_sentences() -> None:
    sentence = "proportion of catch trials answered correctly: at least 0.6"
    assert DEFAULT_RULES[0].sentence == sentence
