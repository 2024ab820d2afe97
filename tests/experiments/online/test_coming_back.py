"""What becomes of a session whose page went away, was opened twice, or whose server stopped."""

from __future__ import annotations

import threading

import pytest

from analysis.__main__ import main as analysis
from experiments.runner.session import Session
from tests.experiments.online.test_online_study import finish, log_of, page_of


def to_first_trial(page):
    while page.plan["screens"][0]["phase"] != "fixation":
        page.go_on()


def test_an_answer_that_was_given_counts_though_the_page_is_loaded_again(study_of):
    """Else whoever saw the feedback could answer once more."""
    study = study_of("occlusion", durations={"feedback_s": 1.0, "self_paced": True})
    page = page_of(study)
    to_first_trial(page)
    page.go_on()
    assert "feedback" in [screen["phase"] for screen in page.plan["screens"]]
    again = page_of(study)
    _, log = log_of(study)
    assert list(log["trial_number"]) == [1]
    finish(again)
    folder, log = log_of(study)
    assert log["trial_number"].is_unique
    assert set(log["exposures"]) == {1}
    options = ["--design", str(study.design.path), "--stimuli", str(study.settings.stimuli)]
    assert analysis(["check", str(folder.parents[1]), *options]) == 0


@pytest.mark.parametrize("how", ["leaves", "reloads"])
def test_images_that_were_seen_before_count_as_exposures(study_of, how):
    study = study_of("two_afc")
    page = page_of(study)
    to_first_trial(page)
    flips = []
    for number, _ in enumerate(page.plan["screens"]):
        page._now_s += 1
        flips.append(page._event("flip", screen=number, frame=number + 1))
    page.report(flips)
    if how == "leaves":
        page._now_s += 1
        page.report([page._event("press", code="Escape")])
        page._now_s += 1
        page.report([page._event("flip", screen=0, frame=9), page._event("press", code="KeyQ")])
        assert page.is_over
    finish(page_of(study))
    _, log = log_of(study)
    assert list(log["exposures"][:2]) == [2, 1]


def test_a_report_that_is_being_taken_is_recorded_before_another_page_begins(study_of, monkeypatch):
    study = study_of("two_afc")
    page = page_of(study)
    to_first_trial(page)
    page.go_on()
    recording, go_on = threading.Event(), threading.Event()
    record = Session.record

    def slow(session, *measured):
        recording.set()
        assert go_on.wait(20)
        return record(session, *measured)

    monkeypatch.setattr(Session, "record", slow)

    def report():
        while not recording.is_set():
            page.go_on()

    reporting = threading.Thread(target=report)
    reporting.start()
    assert recording.wait(20)
    beginning = threading.Thread(target=page_of, args=(study,))
    beginning.start()
    beginning.join(0.5)
    go_on.set()
    for thread in (reporting, beginning):
        thread.join()
    finish(page_of(study))
    _, log = log_of(study)
    assert log["trial_number"].is_unique
    assert log["trial_number"].iloc[0] == 1
