"""Whole sessions with every kind of stage, uninterrupted and cut off between any two of them."""

import dataclasses
import re

import pytest
import yaml

from conditions.design.reading import find_design, read_design
from conditions.trials.condition_tables import write_tables
from experiments.runner.observers import ChanceObserver, GradedObserver
from experiments.runner.pages import AGREE, BACK, DECLINE
from experiments.runner.request import Request
from experiments.runner.responses import Press
from experiments.runner.session import Session
from experiments.runner.simulation import FRAME_S, _Participant, run_stage, simulate
from experiments.runner.stages import stages_of
from experiments.runner.trial import Trial
from unitscope.columns import RATING_COLUMNS, log_columns
from unitscope.errors import BadInput
from unitscope.records import read_session
from unitscope.shown_texts import read_shown_texts
from unitscope.tables import read_csv

MEASURED = {
    "response_source": "simulated",
    "frames": 1,
    "dropped_frames": 0,
    "largest_frame_interval_s": None,
    "photodiode": "off",
    "trigger": None,
}


@pytest.fixture(scope="module")
def full_design(tmp_path_factory):
    """A short 2AFC with everything that a session can have around its trials."""
    data = yaml.safe_load(find_design("demo_two_afc").read_text(encoding="utf-8"))
    data |= {
        "name": "full",
        "units": {"sample": {"main": 4, "practice": 5}},
        "blocks": {
            "practice": {
                "role": "practice",
                "condition": "natural",
                "trials": 2,
                "pool": "practice",
            },
            "main": {"role": "main", "condition": "natural", "trials": 4},
            "again": {"role": "repeat", "condition": "natural"},
        },
        "orders": [["practice", "main", "again"]],
        "batches": {"practice": 0, "catch": 0, "first_main": 1, "last_main": 4},
        "practice": {"until_all_right": True, "max_rounds": 2},
        "repeats": {"least": 1, "most": 1},
        "ratings": {"pool": "practice", "before": 2, "after": 1},
        "consent": True,
        "questions": ["strategy", "difference"],
        "instructions": ["greeting", "task", "references", "example", "answer", "ready"],
        "comment": True,
    }
    path = tmp_path_factory.mktemp("design") / "full.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return read_design(path)


@pytest.fixture(scope="module")
def tables(full_design, stimulus_set, tmp_path_factory):
    """Folder of the full design's tables."""
    folder = tmp_path_factory.mktemp("tables")
    write_tables(full_design.path, stimulus_set, [1, 2, 3], folder)
    return folder / "full"


@pytest.fixture
def open_session(full_design, tables, stimulus_set, tmp_path):
    """Open a session of a participant, logged below the test's own folder."""

    def begin(participant="p001", data="data", **settings):
        request = Request(
            full_design,
            participant,
            table=tables / f"{participant}.csv",
            stimuli=stimulus_set,
            data=tmp_path / data,
            observer_kind="simulated",
            observer="graded",
            **settings,
        )
        return Session.open(request)

    return begin


def go_through(session, observer=None, until=10**6, before_next=False):
    """Go through a number of stages, or until just before the next is asked for; their names."""
    participant = _Participant(session, observer or GradedObserver(1), 5)
    clock_s, seen = 0.0, []
    for stage in stages_of(session, FRAME_S):
        if len(seen) == until:
            break
        clock_s, _, _ = run_stage(stage, participant, clock_s)
        if isinstance(stage, Trial):
            session.record(stage, MEASURED)
        seen.append(stage.name if not isinstance(stage, Trial) else stage.row["trial_role"])
        if before_next and len(seen) == until:
            break
    return seen


def crash(session):
    """Let go of the lock, as the end of a process does."""
    session.log.close()


def trials_of(session):
    log = read_csv(session.log.folder / "trials.csv", log_columns("two_afc"))
    return log.drop(
        columns=[n for n in log if n == "run" or n.endswith(("_s", "_utc")) or "frame" in n]
    )


def ratings_of(session):
    return read_csv(session.log.folder / "ratings.csv", RATING_COLUMNS)


def test_every_stage_stands_where_it_belongs(open_session):
    session = open_session()
    seen = go_through(session, ChanceObserver(3))
    session.finish()
    without_turns = [name for i, name in enumerate(seen) if i == 0 or name != seen[i - 1]]
    text = " ".join(without_turns)
    assert re.fullmatch(
        r"consent greeting ratings_before rating_before task .*ready part practice "
        r"(again practice )?(practice_limit )?part main break part repeat "
        r"ratings_after rating_after question_strategy question_difference comment end",
        text,
    ), text
    assert seen.count("rating_before") == 2
    assert seen.count("repeat") == 2
    facts = read_session(session.log.folder)
    assert facts["end_reason"] == "completed"
    assert facts["instruction_s"] > 2
    assert facts["consent_utc"] < facts["instructions_utc"]
    assert facts["comment"] in ("", "fun", "hard")
    assert set(facts["answers"]) == {"strategy", "difference"}


def test_pages_of_instruction_can_be_read_again(open_session):
    session = open_session()
    stages, names = stages_of(session, FRAME_S), []
    turns = iter(["space", "right", "left", "right", "right"])
    for stage in stages:
        stage.step(0.0, [])
        stage.flipped(0.0)
        if stage.kind == "slider":
            stage.step(1.0, [Press(0.5, "5"), Press(0.6, "space")])
            continue
        names.append(stage.name)
        if stage.name in ("consent", "ratings_before"):
            stage.step(1.0, [Press(0.5, "1"), Press(0.6, "space")])
            continue
        key = next(turns, None)
        if key is None:
            break
        stage.step(1.0, [Press(0.5, key)])
    # Nobody can turn back to the pages before the ratings.
    assert names[1:] == [
        "greeting",
        "ratings_before",
        "task",
        "references",
        "task",
        "references",
        "example_natural",
    ]
    assert session.facts["instruction_s"] == 6.0
    session.finish()


def test_the_last_page_of_instruction_is_not_left_by_the_arrow_key(open_session):
    session = open_session()
    participant, clock_s = _Participant(session, GradedObserver(1), 5), 0.0
    for stage in stages_of(session, FRAME_S):
        if stage.name == "ready":
            break
        clock_s, _, _ = run_stage(stage, participant, clock_s)
    assert stage.name == "ready"
    stage.step(clock_s, [])
    stage.flipped(clock_s)
    assert stage.step(clock_s + 1, [Press(clock_s + 0.5, "right")]) == "page"
    session.finish()


def test_whoever_declines_leaves_nothing_but_that(open_session):
    session = open_session()
    stages = stages_of(session, FRAME_S)
    consent = next(stages)
    consent.step(0.0, [])
    consent.flipped(0.0)
    consent.step(1.0, [Press(0.5, "2")])
    assert consent.turned == DECLINE
    assert next(stages).name == "declined"
    assert next(stages, None) is None
    session.finish()
    facts = read_session(session.log.folder)
    assert facts["end_reason"] == facts["runs"][0]["end_reason"] == "declined"
    assert "consent_utc" not in facts
    assert facts["trials_completed"] == 0
    files = {path.name for path in session.log.folder.iterdir()}
    assert files <= {"session.json", "texts.jsonl", ".lock"}
    copies = read_shown_texts(session.log.folder)
    assert [one["name"] for one in copies] == ["consent", "declined"]
    with pytest.raises(BadInput, match="p001 has declined session 1; .* --session 2"):
        open_session()
    again = open_session(session=2)
    assert again.number == 2
    again.finish()


def test_practice_is_repeated_until_it_is_right(open_session):
    class Learner(GradedObserver):
        """Wrong in the first round, right later."""

        def respond(self, row):
            answer = super().respond(row)
            wrong = row["practice_round"] == 1
            right = row["correct_choice"]
            return dataclasses.replace(answer, choice="ab".replace(right, "") if wrong else right)

    session = open_session()
    seen = go_through(session, Learner(1))
    session.finish()
    assert seen.count("practice") == 4
    assert seen.count("again") == 1
    facts = read_session(session.log.folder)
    assert (facts["practice_rounds"], facts["trials_skipped"]) == (2, 0)

    right_at_once = open_session("p002")
    seen = go_through(right_at_once, GradedObserver(1, {"natural": 50.0}))
    right_at_once.finish()
    assert seen.count("practice") == 2
    assert "again" not in seen
    facts = read_session(right_at_once.log.folder)
    assert (facts["practice_rounds"], facts["trials_skipped"]) == (1, 2)
    assert facts["end_reason"] == "completed"
    assert facts["trials_completed"] + facts["trials_skipped"] == facts["trials"]


class Beginner(GradedObserver):
    """Wrong in every trial."""

    def respond(self, row):
        wrong = "ab".replace(row["correct_choice"], "")
        return dataclasses.replace(super().respond(row), choice=wrong)


def press(stage, key):
    """Show a page and press a key on it."""
    stage.step(0.0, [])
    stage.flipped(0.0)
    return stage.step(1.0, [Press(0.5, key)])


def until_page(session, name):
    """Go through the stages until a page comes; returns it and the stages after it."""
    stages = stages_of(session, FRAME_S)
    participant, clock_s = _Participant(session, Beginner(1), 5), 0.0
    for stage in stages:
        if stage.name == name:
            return stage, stages
        clock_s, _, _ = run_stage(stage, participant, clock_s)
        if isinstance(stage, Trial):
            session.record(stage, MEASURED)
    raise AssertionError(name)


def test_at_the_limit_of_practice_only_the_experimenter_goes_on(open_session):
    session = open_session()
    page, stages = until_page(session, "practice_limit")
    assert "answered 0 of 2 practice rounds" in page.content.text
    assert press(page, "space") == "page"
    assert read_session(session.log.folder).get("practice_limits_utc") is None
    assert session.log.completed is None and len(session.completed) == 4
    crash(session)

    # Nobody comes past the page by a crash.
    session = open_session()
    page, stages = until_page(session, "practice_limit")
    assert press(page, "c") == "done"
    assert next(stages).name == "part"
    assert len(read_session(session.log.folder)["practice_limits_utc"]) == 1
    crash(session)
    session = open_session()
    page, stages = until_page(session, "part")
    assert not session.rows[len(session.completed)]["practice_round"]
    session.finish()


def test_practice_that_is_not_needed_is_on_the_disk_at_once(open_session):
    session = open_session()
    seen = []
    for stage in stages_of(session, FRAME_S):
        if isinstance(stage, Trial):
            seen.append(read_session(session.log.folder)["trials_skipped"])
            if len(seen) == 3:
                break
        run_stage(stage, _Participant(session, GradedObserver(1, {"natural": 50.0}), 5), 0.0)
        if isinstance(stage, Trial):
            session.record(stage, MEASURED)
    assert seen == [0, 0, 2]
    session.finish()


def test_a_trial_that_was_left_counts_its_exposures(open_session):
    session = open_session()
    participant, clock_s = _Participant(session, GradedObserver(1), 5), 0.0
    for stage in stages_of(session, FRAME_S):
        if isinstance(stage, Trial):
            break
        clock_s, _, _ = run_stage(stage, participant, clock_s)
    while stage.step(clock_s, []) != "queries":
        stage.flipped(clock_s)
        clock_s += FRAME_S
    stage.flipped(clock_s)
    stage.step(clock_s + 1, [Press(clock_s + 0.5, "escape")])
    stage.step(clock_s + 2, [])
    assert stage.step(clock_s + 3, [Press(clock_s + 2.5, "q")]) == "left"
    session.note_left(stage)
    session.finish()
    session = open_session()
    go_through(session, until=6)
    session.finish()
    log = trials_of(session)
    assert log["exposures"].tolist()[:2] == [2, 1]


def test_instructions_can_be_read_again_during_practice(open_session):
    session = open_session()
    for name in ("part", "again", "practice_limit"):
        page, stages = until_page(session, name)
        spent_s = session.facts["instruction_s"]
        assert press(page, "left") == "done"
        names = []
        for stage in stages:
            names.append(stage.name)
            if stage.name == name:
                break
            press(stage, "space")
        read = ["greeting", "task", "references", "example_natural", "answer", "ready"]
        assert names == [*read, name]
        assert session.facts["instruction_s"] == pytest.approx(spent_s + 6.0)


def test_pages_of_practice_say_how_often_it_is_repeated(open_session):
    session = open_session()
    page, _ = until_page(session, "part")
    assert "up to 2 times in all" in page.content.text
    page, _ = until_page(session, "again")
    assert "answered 0 of 2" in page.content.text
    assert "practice 2 of at most 2" in page.content.text


def test_a_repeated_trial_shows_what_the_first_one_showed(open_session):
    session = open_session()
    simulate(session, GradedObserver(4), 4)
    log = trials_of(session)
    repeats = log[log["trial_role"] == "repeat"]
    assert set(repeats["repeat_of"]) == {"natural-least-1", "natural-most-1"}
    by_number = log.set_index("trial_number")
    for row in repeats.itertuples():
        first = by_number.loc[row.repeated_trial]
        assert first["trial_role"] == "main"
        shown = [n for n in log if n.startswith(("query", "reference", "activation", "correct_c"))]
        assert first[shown].fillna("").tolist() == [
            "" if value != value or value is None else value
            for value in by_number.loc[row.trial_number][shown].fillna("")
        ]
    least, most = (
        by_number.loc[repeats.set_index("repeat_of").loc[f"natural-{end}-1", "repeated_trial"]]
        for end in ("least", "most")
    )
    confidences = log[log["trial_role"] == "main"]["confidence"]
    assert least["confidence"] == confidences.min()
    assert most["confidence"] == confidences.max()
    assert log[log["trial_role"] != "repeat"]["repeated_trial"].isna().all()


@pytest.fixture
def whole_session(open_session):
    """An uninterrupted session, and the number of its stages."""
    session = open_session(data="whole")
    stages = len(go_through(session))
    session.finish()
    return session, stages


def check_cut_off(open_session, whole, stages, before_next):
    """Cut a session off after a number of stages; what it ends with must be the same."""
    data = f"after-{stages}"
    first = open_session(data=data)
    before = go_through(first, until=stages, before_next=before_next)
    given, agreed = len(first.rated), "consent_utc" in first.facts
    crash(first)
    second = open_session(data=data)
    assert second.run == 2
    after = go_through(second)
    second.finish()
    facts = read_session(second.log.folder)
    assert facts["end_reason"] == "completed"
    assert [run["end_reason"] for run in facts["runs"]] == ["running", "completed"]
    assert isinstance(facts["comment"], str)
    assert trials_of(second).equals(trials_of(whole))
    ratings, same = ratings_of(second), ["moment", "rating_number", "channel", "image"]
    assert ratings[same].equals(ratings_of(whole)[same])
    assert ratings["run"].tolist() == [1] * given + [2] * (len(ratings) - given)
    # Nobody is asked twice for consent; whoever was under way is welcomed back.
    assert ("consent" in after) == (not agreed)
    if set(before) & {"practice", "main", "repeat"} and after:
        assert after[0] == "resumed"
        assert not set(after) & {"greeting", "rating_before"}


@pytest.mark.parametrize("stages", [1, 4, 12, -2])
def test_a_session_that_was_cut_off_ends_the_same(open_session, whole_session, stages):
    whole, number = whole_session
    check_cut_off(open_session, whole, stages % number, before_next=stages % 3 == 0)


@pytest.mark.slow
@pytest.mark.parametrize("before_next", [True, False])
def test_a_session_may_be_cut_off_at_any_stage(open_session, whole_session, before_next):
    whole, number = whole_session
    for stages in range(1, number + 1):
        check_cut_off(open_session, whole, stages, before_next)


def test_a_session_cut_off_twice_keeps_its_instruction_time(open_session):
    first = open_session()
    go_through(first, until=6)
    spent_s = first.facts["instruction_s"]
    crash(first)
    second = open_session()
    assert second.facts["instruction_s"] == spent_s
    go_through(second)
    second.finish()
    assert second.facts["instruction_s"] > spent_s


def test_two_writers_of_one_session_are_refused(open_session):
    session = open_session()
    with pytest.raises(BadInput, match="running already"):
        open_session()
    session.finish()


def test_consent_is_given_by_its_key_and_back_is_a_turn(open_session):
    session = open_session(language="de")
    stage = next(stages_of(session, FRAME_S))
    assert "freiwillig" in stage.content.text
    assert set(stage.turns.values()) == {AGREE, DECLINE}
    assert BACK not in stage.turns.values()
    session.finish()
