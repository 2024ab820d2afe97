"""The rules of a design, each on its own and for its group, and how long a session took."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from conditions.design.reading import read_design
from unitscope.exclusion import (
    Exclusions,
    JudgedSession,
    TakenPart,
    Thresholds,
    TrialAnswers,
    judge,
    judged_session,
    rules_for,
    sessions_around,
)
from unitscope.session_facts import TrialTimes, layout_scale, total_s

OCCLUSION = read_design("zimmermann2021_occlusion").exclusions
SESSION = JudgedSession(
    "", "person", TrialAnswers(["main", "catch", "practice"], ["a", "b", "a"], [True, True, False])
)


def outcomes(session: JudgedSession, given: Exclusions, **options: bool) -> dict[str, str]:
    """Return the outcome of each rule."""
    return {v.rule.name: v.outcome for v in judge(session, given.by_group, **options)}


@pytest.mark.parametrize(
    ("given", "name", "good", "bad"),
    [
        ({"instruction_s": 20}, "instruction_s", 20, 19.9),
        ({"total_s": (90, 900)}, "total_s", 90, 89),
        ({"total_s": (90, 900)}, "total_s", 900, 901),
        ({"practice_rounds": 5}, "practice_rounds", 5, 6),
    ],
)
def test_each_rule_has_its_edge(given: dict[str, Any], name: str, good: float, bad: float) -> None:
    rules = Exclusions(**given).by_group

    def outcome(value: float) -> str:
        (verdict,) = judge(replace(SESSION, **{name: value}), rules)
        return verdict.outcome

    assert outcome(good) == "met"
    assert outcome(bad) == "broken"
    (unknown,) = judge(SESSION, rules)
    assert unknown.outcome == "unknown" and "does not say" in unknown.sentence


def test_a_group_has_its_own_rules() -> None:
    given = Exclusions(instruction_s=20, groups={"none": Thresholds(instruction_s=15)})
    session = replace(SESSION, instruction_s=17)
    assert outcomes(session, given) == {"instruction time": "broken"}
    assert outcomes(replace(session, group="none"), given) == {"instruction time": "met"}
    assert outcomes(replace(session, group="natural"), given) == {"instruction time": "broken"}


def test_the_published_rules_are_all_there() -> None:
    assert [rule.allowed for rule in rules_for(OCCLUSION.by_group, "natural")] == [
        *("at least 20", "90 to 900", "at least 0.6", "at least 1", "at most 5"),
    ]


def test_times_are_asked_of_people_and_nothing_of_machines() -> None:
    session = replace(SESSION, instruction_s=1, total_s=1)
    simulated = outcomes(replace(session, observer_kind="simulated"), OCCLUSION)
    assert simulated == {"catch trials": "met", "side bias": "met", "practice": "unknown"}
    assert outcomes(replace(session, observer_kind="machine"), OCCLUSION) == {}


def test_what_a_running_session_has_not_reached_is_open() -> None:
    given = Exclusions(
        instruction_s=20, total_s=(90, 900), catch_share=0.6, less_used_side=1, practice_rounds=2
    )
    nothing_yet = replace(SESSION, answers=TrialAnswers(["main"], ["a"], [True]))
    session = replace(nothing_yet, instruction_s=19, total_s=30)
    assert outcomes(session, given, is_over=False) == {
        "instruction time": "broken",  # the pages are over
        "total time": "open",
        "catch trials": "open",
        "side bias": "open",
        "practice": "open",
    }
    assert outcomes(session, given) == {
        "instruction time": "broken",
        "total time": "broken",
        "catch trials": "unknown",
        "side bias": "broken",
        "practice": "unknown",
    }
    # What has become too large stays so.
    late = replace(session, total_s=901, practice_rounds=3)
    found = outcomes(late, given, is_over=False)
    assert (found["total time"], found["practice"]) == ("broken", "broken")


def test_choices_that_are_no_sides_exclude_nobody() -> None:
    given = Exclusions(less_used_side=2)
    assert outcomes(SESSION, given) == {"side bias": "broken"}
    (verdict,) = judge(SESSION, given.by_group, sided=False)
    assert verdict.outcome == "unknown" and "always the correct one" in verdict.sentence


def test_a_verdict_reads_as_a_sentence() -> None:
    (verdict,) = judge(replace(SESSION, instruction_s=17), Exclusions(instruction_s=20).by_group)
    assert verdict.sentence == (
        "seconds on the pages before the first trial: 17 (the rule is at least 20)"
    )


RUNS = [
    {"began_utc": "2024-05-06T09:00:00.000+00:00", "ended_utc": "2024-05-06T10:00:00.000+00:00"},
    {"began_utc": "2024-05-06T11:00:00.000+00:00", "ended_utc": "2024-05-06T11:00:20.000+00:00"},
    {"began_utc": "2024-05-06T12:00:00.000+00:00"},
]


def row(number: int, began: str, run: int = 1, **cells: str) -> dict[str, str]:
    """Return a row of a log in which a trial takes 5 s."""
    whole = {"run": str(run), "trial_number": str(number), "observer_kind": "person"}
    whole |= {"trial_began_utc": f"2024-05-06T{began}.000+00:00", "trial_role": "main"}
    whole |= {"fixation_onset_s": "60.0", "onset_s": "60.5", "trial_end_s": "65.0"}
    return whole | cells


def test_runs_last_to_the_end_of_their_last_trial_and_are_added_up() -> None:
    rows = [row(1, "09:00:30"), row(2, "09:01:00"), row(3, "12:00:10", run=3)]
    # The second run has no trial and adds nothing; the third crashed and does.
    assert judged_session({"runs": RUNS}, rows).total_s == pytest.approx(65 + 15)
    rows[1]["fixation_onset_s"] = ""
    assert judged_session({"runs": RUNS}, rows).total_s == pytest.approx(64.5 + 15)


def test_the_time_is_not_known_without_a_beginning_or_a_trial() -> None:
    rows = [row(1, "09:00:30")]
    records: tuple[dict[str, Any], ...] = ({}, {"runs": []}, {"runs": [{"run": 1}]})
    for record in records:
        assert math.isnan(judged_session(record, rows).total_s)
    assert math.isnan(judged_session({"runs": RUNS}, [row(1, "09:00:30", run=4)]).total_s)
    assert math.isnan(total_s({"runs": RUNS}, TrialTimes((), (), (), (), (), ())))


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"layout_scale": 1.0}, "met"),
        ({"layout_scale": 0.8}, "broken"),
        ({}, "unknown"),  # without a window
    ],
)
def test_images_that_were_shrunk_exclude_a_session_of_every_study(
    facts: dict[str, float], outcome: str
) -> None:
    session = replace(SESSION, **facts)
    (whole, _) = judge(session, Exclusions().of_study)
    assert (whole.rule.name, whole.outcome) == ("shrunk images", outcome)


def test_the_smallest_images_of_all_runs_count() -> None:
    runs: list[dict[str, Any]] = [{"layout_scale": 1.0}, {}, {"layout_scale": 0.75}]
    assert layout_scale({"runs": runs}) == 0.75
    assert math.isnan(layout_scale({"runs": [{}]}))
    assert math.isnan(layout_scale({}))


def test_the_first_session_with_trials_counts() -> None:
    main, practice = ["practice", "main"], ["practice"]
    taken = [
        TakenPart("p1", 1, practice),
        TakenPart("p1", 2, main),
        TakenPart("p2", 1, main),
        TakenPart("p1", 4, main),
        TakenPart("p1", 3, main),
    ]
    assert sessions_around(taken) == [(0, 3), (0, 2), (0, 0), (2, 0), (1, 1)]
    (_, once) = judge(replace(SESSION, earlier_sessions=1), Exclusions().of_study, is_over=False)
    assert (once.rule.name, once.outcome) == ("first session", "broken")
