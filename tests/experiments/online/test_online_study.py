"""Online sessions as the server runs them: driven by a page without a browser."""

from __future__ import annotations

import json
import re

import pytest

from analysis.__main__ import main as analysis
from analysis.logs.load import load_log
from analysis.report.quality import session_quality
from experiments.lab.watch import watch
from experiments.online.claims import FINISHED, SCREENED_OUT, Refused
from experiments.online.online_study import Arrival
from experiments.online.reports import BadReport, read_arrival, read_report
from experiments.online.simulated_page import ARRIVAL, FRAME_S, SimulatedPage
from experiments.runner.log import read_session
from tests.conftest import some
from unitscope.columns import FRAME_COLUMNS, log_columns
from unitscope.tables import read_csv

TASKS = ("two_afc", "occlusion", "exemplar_matching")


def page_of(study, person="somebody", seed=0):
    """Return a simulated page that talks to a study without a network."""

    def tell(address, message):
        message = json.loads(json.dumps(message))
        if address == "begin":
            given = message.pop("person")
            answer = study.begin(Arrival(study.person_of(given), **read_arrival(message)))
            tell.link = answer["link"]
        else:
            answer = study.take(tell.link, read_report(message))
        return json.loads(json.dumps(answer))

    page = SimulatedPage(tell, study.design, person, seed)
    page.told = tell
    page.begin()
    return page


def finish(page, most=2000):
    """Go through the rest of a session; returns everything that the page was told."""
    told = [page.plan]
    while not page.is_over:
        assert len(told) < most
        told.append(page.go_on())
    return told


def finish_first_trial(page):
    """Go through all that comes before the first trial, and through the trial."""
    while page.plan["screens"][0]["phase"] != "fixation":
        page.go_on()
    first = page.plan["stage"]
    while page.plan["stage"] == first:
        page.go_on()


def log_of(study, participant="p001"):
    folder = study.settings.data / study.design.name / f"sub-{participant}" / "ses-01"
    return folder, read_csv(folder / "trials.csv", log_columns(study.design.task))


@pytest.mark.parametrize("task", TASKS)
def test_a_whole_session_is_logged_as_in_the_lab(study_of, task):
    study = study_of(task)
    finish(page_of(study))
    folder, log = log_of(study)
    session = read_session(folder)
    assert session["end_reason"] == "completed"
    assert session["runs"][-1]["display"]["browser"] == "simulated"
    assert session["runs"][-1]["layout_scale"] == 1
    assert session["place"] == "online"
    assert set(log["observer_kind"]) == {"person"}
    assert set(log["response_source"]) == {"browser"}
    # Every phase has its length to half a frame, as the machine that both share demands it.
    fixated = log["onset_s"] - log["fixation_onset_s"]
    assert fixated.between(0.1 - FRAME_S, 0.1 + 2 * FRAME_S).all()
    assert log["rt_s"].between(0.25, 10).all()
    frames = read_csv(folder / "frames.csv", FRAME_COLUMNS)
    assert {"fixation", "blank"} < set(frames["phase"])
    (claim,) = study.claims.all()
    assert claim.state in (FINISHED, SCREENED_OUT)


@pytest.mark.parametrize("task", TASKS)
def test_a_page_answers_by_mouse_where_the_design_asks_for_it(study_of, task):
    study = study_of(task, input="mouse")
    finish(page_of(study))
    folder, log = log_of(study)
    assert read_session(folder)["end_reason"] == "completed"
    column, value = ("input", "mouse") if task == "exemplar_matching" else ("response_key", "click")
    assert set(log[column]) == {value}
    assert log["response_s"].notna().all()


@pytest.mark.parametrize("task", TASKS)
def test_the_analysis_takes_an_online_log_unchanged(study_of, task, capsys):
    study = study_of(task)
    finish(page_of(study))
    folder, _ = log_of(study)
    options = ["--design", str(study.design.path), "--stimuli", str(study.settings.stimuli)]
    assert analysis(["check", str(folder.parents[1]), *options]) == 0
    assert "every cell valid" in capsys.readouterr().out


@pytest.mark.parametrize("task", TASKS)
def test_answers_come_after_they_are_given(study_of, task):
    """Whatever is told before an answer is the same with the other side correct."""
    study = study_of(task)
    page = page_of(study)
    before = []
    while not page.is_over:
        phases = [screen["phase"] for screen in page.plan["screens"]]
        if "queries" in phases or "matching" in phases:
            assert "feedback" not in phases
            before.append(page.plan)
        page.go_on()
    text = json.dumps(some(before))
    assert "correct" not in text.replace(study.texts.question, "")
    manifest = study.settings.stimuli / "manifest.csv"
    names = {line.split(",")[0] for line in manifest.read_text().splitlines()[1:]}
    for name in some(names):
        assert name not in text
    images = [plan["images"] for plan in before]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{16}", token) for token in some(images))
    # The elements name images by their places alone, whatever stands there.
    shown = [
        [element for element in plan["screens"][-1]["elements"] if element[0] == "image"]
        for plan in before
    ]
    assert all([e[1] for e in one] == list(range(len(one))) for one in some(shown))


def test_the_live_page_shows_an_online_session_with_the_rest(study_of):
    study = study_of("occlusion")
    page = page_of(study)
    finish_first_trial(page)
    rules = {study.design.name: study.design.exclusions}
    (state,) = watch("online", study.settings.data, rules)
    assert (state.status, state.done, state.observer) == ("running", 1, "person")
    assert state.place == "online"
    finish(page)
    (state,) = watch("online", study.settings.data, rules)
    assert state.status in ("completed", "aborted")


def test_who_breaks_a_rule_for_good_is_screened_out_at_the_next_page(study_of):
    """Of three rounds of practice one is allowed, and whoever guesses needs more."""
    study = study_of(
        "occlusion", settings={"screened_out_code": "NO42"}, exclusions={"practice_rounds": 1}
    )
    told = finish(page_of(study, seed=1))
    (claim,) = study.claims.all()
    folder, log = log_of(study)
    assert claim.state == SCREENED_OUT
    assert set(log["trial_role"]) == {"practice"}
    assert read_session(folder)["end_reason"] == "aborted"
    notes = [note["words"] for note in told[-1]["screens"][0]["notes"]]
    assert notes == [study.words("screened_out"), "NO42"]
    # The link is used: what it shows is the same.
    again = page_of(study)
    assert again.is_over
    assert [note["words"] for note in again.plan["screens"][0]["notes"]] == notes


def test_who_is_screened_out_at_the_end_reads_that_alone(study_of):
    study = study_of("two_afc", exclusions={"less_used_side": 1000})
    page = page_of(study)
    finish(page)
    (screen,) = page.plan["screens"]
    assert screen["body"] == ""
    assert [note["words"] for note in screen["notes"]] == [study.words("screened_out")]


def test_who_leaves_can_come_back(study_of):
    study = study_of("two_afc")
    page = page_of(study)
    page.go_on()
    shown = page._event("flip", screen=0, frame=1)
    page.report([shown, page._event("press", code="Escape")])
    page.report([page._event("flip", screen=0, frame=9), page._event("press", code="KeyQ")])
    assert page.is_over
    assert "2 hours" in page.plan["screens"][0]["notes"][0]["words"]
    again = page_of(study)
    assert not again.is_over
    finish(again)
    assert read_session(log_of(study)[0])["end_reason"] == "completed"


def test_who_declines_is_out_and_the_table_goes_to_another(study_of):
    study = study_of("two_afc")
    page = page_of(study)
    page.report([page._event("flip", screen=0, frame=1), page._event("press", code="Digit2")])
    assert page.plan["screens"][0]["name"] == "declined"
    with pytest.raises(Refused, match="used"):
        page_of(study)
    assert page_of(study, "another").plan["screens"][0]["name"] == "consent"
    assert [claim.participant for claim in study.claims.all()] == ["p001", "p001b"]


def test_a_page_that_is_silent_gives_its_session_up(study_of):
    study = study_of("two_afc", settings={"idle_s": -1.0})
    page = page_of(study)
    study.give_up_silent()
    assert page.report([]) == {"begin_again": True}


def test_a_page_that_was_hidden_is_recorded(study_of):
    study = study_of("two_afc")
    page = page_of(study)
    page.report([page._event("hidden")])
    page._now_s += 5
    page.report([page._event("visible")])
    finish(page)
    (hidden,) = read_session(log_of(study)[0])["runs"][0]["page_hidden"]
    assert hidden["to_s"] - hidden["from_s"] == pytest.approx(5)
    (remark,) = session_quality(load_log(log_of(study)[0].parents[1]))["remarks"]
    assert "times that the page was hidden or its window too small: 1" in remark


def test_frames_that_came_late_are_counted_by_the_page(study_of):
    study = study_of("two_afc")
    page = page_of(study)
    told = page.told
    page._tell = lambda path, message: told(path, message | {"late": 3})
    finish_first_trial(page)
    _, log = log_of(study)
    assert list(log["dropped_frames"]) == [3]


def test_a_page_that_comes_back_goes_on_at_the_next_trial(study_of):
    study = study_of("two_afc")
    page = page_of(study)
    finish_first_trial(page)
    page.go_on()  # half of the second trial, which is lost
    again = page_of(study)
    assert again.plan["screens"][0]["name"] == "resumed"
    finish(again)
    _, log = log_of(study)
    assert log["trial_number"].is_unique
    assert set(log["run"]) == {1, 2}
    # The page that was left is told so.
    assert page.report([]) == {"elsewhere": True}


def test_a_report_that_is_sent_again_is_answered_again(study_of):
    study = study_of("two_afc")
    page = page_of(study)
    message = {
        "run": page.plan["run"],
        "number": 1,
        "turn": page.plan["turn"],
        "frames": 1,
        "late": 0,
        "largest_s": None,
        "events": [
            {"kind": "flip", "time_s": 1.0, "screen": 0, "frame": 1, "interval_s": None},
            {"kind": "button", "time_s": 2.0, "key": "1"},
        ],
    }
    first = study.take(page.told.link, read_report(message))
    assert first["screens"][0]["name"] != "consent"
    assert study.take(page.told.link, read_report(message)) == first
    with pytest.raises(BadReport, match="out of order"):
        study.take(page.told.link, read_report(message | {"number": 5}))


def test_a_press_during_the_fixation_counts_as_early_and_changes_nothing(study_of):
    study = study_of("two_afc")
    page = page_of(study)
    while page.plan["screens"][0]["phase"] != "fixation":
        page.go_on()
    t = page._now_s
    flip = {"kind": "flip", "frame": 1, "interval_s": None}
    told = page.report(
        [
            flip | {"time_s": t + 0.02, "screen": 0},
            {"kind": "press", "time_s": t + 0.05, "code": "KeyF"},
        ]
    )
    assert told == {"go_on": True}
    page.report([flip | {"time_s": t + 0.12, "screen": 1}])
    page.report([{"kind": "press", "time_s": t + 0.9, "code": "KeyJ"}])
    page._now_s = t + 0.9
    finish(page)
    _, log = log_of(study)
    assert log["early_presses"].iloc[0] == 1
    assert log["rt_s"].iloc[0] == pytest.approx(0.78)
    assert log["choice"].iloc[0] == "b"


def test_a_phase_that_the_page_cuts_short_is_no_onset(study_of):
    """Whoever reports queries after a tenth of the fixation is shown the fixation again."""
    study = study_of("two_afc", durations={"fixation_s": 1.0})
    page = page_of(study)
    while page.plan["screens"][0]["phase"] != "fixation":
        page.go_on()
    t = page._now_s
    flip = {"kind": "flip", "frame": 1, "interval_s": None}
    told = page.report(
        [
            flip | {"time_s": t + 0.02, "screen": 0},
            flip | {"time_s": t + 0.12, "screen": 1},
            {"kind": "press", "time_s": t + 0.2, "code": "KeyF"},
        ]
    )
    assert told.get("screens", page.plan["screens"])[0]["phase"] == "fixation"


def test_who_names_nobody_is_refused(study_of):
    study = study_of("two_afc")
    with pytest.raises(Refused, match="unknown"):
        study.person_of({"id": "x", "other": "y"})
    with pytest.raises(Refused, match="preview"):
        study.person_of({"workerId": "W", "assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE"})
    assert study.person_of({"workerId": "W", "assignmentId": "A"}) == "W"
    assert study.person_of({"PROLIFIC_PID": "P"}) == "P"


@pytest.mark.parametrize(
    "change",
    [
        {"frame_s": float("nan")},
        {"width_px": -1},
        {"width_px": "1920"},
        {"browser": "x" * 10_000},
        {"px_per_cm": 1e9},
        {"height_px": True},
    ],
)
def test_what_no_page_says_of_itself_is_refused(change):
    with pytest.raises(BadReport):
        read_arrival(ARRIVAL | change)
