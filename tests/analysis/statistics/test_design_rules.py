"""The rules of a design, each on its own, and for its group."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.logs.durations import total_s
from analysis.statistics.exclusions import judge, rules_of
from conditions.design.reading import read_design
from unitscope.exclusion import ExclusionRules, Exclusions


def study(**facts: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    keys = {"observer_kind": "person", "observer": None, "participant": "p001", "session": 1}
    trial = keys | {"trial_role": "catch", "correct": True, "choice": "a", "group": None}
    trials = pd.DataFrame([trial, trial | {"choice": "b"}])
    return trials, pd.DataFrame([keys | facts])


@pytest.mark.parametrize(
    ("given", "name", "good", "bad"),
    [
        ({"instruction_s": 20}, "instruction_s", 20, 19.9),
        ({"total_s": (90, 900)}, "total_s", 90, 89),
        ({"total_s": (90, 900)}, "total_s", 900, 901),
        ({"practice_rounds": 5}, "practice_rounds", 5, 6),
    ],
)
def test_each_rule_has_its_edge(given: dict, name: str, good: float, bad: float) -> None:
    rules = rules_of(ExclusionRules(**given))
    assert not judge(*_with(rules, **{name: good}))["excluded"].any()
    assert judge(*_with(rules, **{name: bad}))["excluded"].all()
    unknown = judge(*_with(rules))
    assert not unknown["excluded"].any() and "does not say" in unknown["reason"].iloc[0]


def _with(rules: object, **facts: float):
    trials, sessions = study(**facts)
    return trials, rules, sessions


def test_a_group_has_its_own_rules() -> None:
    given = Exclusions(instruction_s=20, groups={"none": ExclusionRules(instruction_s=15)})
    trials, sessions = study(instruction_s=17)
    judged = judge(trials, lambda group: rules_of(given.rules(group)), sessions)
    assert judged["excluded"].all()
    other = trials.assign(group="none")
    judged = judge(other, lambda group: rules_of(given.rules(group)), sessions)
    assert not judged["excluded"].any() and set(judged["participant_group"]) == {"none"}


def test_the_published_rules_are_all_there() -> None:
    rules = rules_of(read_design("zimmermann2021_occlusion").exclusions.rules("natural"))
    assert [rule.allowed for rule in rules] == [
        *("at least 20", "90 to 900", "at least 0.6", "at least 1", "at most 5"),
    ]


def test_total_time_ends_with_the_last_trial_of_each_run() -> None:
    trial = {"run": 1, "trial_number": 1, "trial_began_utc": "2024-05-06T09:01:00.000+00:00"}
    trial |= {"fixation_onset_s": 60.0, "onset_s": 60.5, "trial_end_s": 65.0}
    runs = [
        {
            "began_utc": "2024-05-06T09:00:00.000+00:00",
            "ended_utc": "2024-05-06T10:00:00.000+00:00",
        },
        {
            "began_utc": "2024-05-06T11:00:00.000+00:00",
            "ended_utc": "2024-05-06T11:00:20.000+00:00",
        },
    ]
    assert total_s({"runs": runs}, {1: trial}) == pytest.approx(65 + 20)
    assert pd.isna(total_s({}, {1: trial}))
    assert pd.isna(total_s({"runs": [{"end_reason": "completed"}]}, {}))
