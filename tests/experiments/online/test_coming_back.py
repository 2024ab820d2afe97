"""What becomes of a session whose page went away, was opened twice, or whose server stopped."""

from __future__ import annotations

import argparse
import threading
from dataclasses import replace

import pytest

from analysis.__main__ import main as analysis
from conditions.trials.condition_tables import table_path
from experiments.__main__ import main
from experiments.online.claims import ACTIVE, FINISHED, FREED, SCREENED_OUT, Refused
from experiments.online.online_study import OnlineSettings, OnlineStudy
from experiments.online.serve import add_options, make_study
from experiments.runner.session import Session
from experiments.runner.trial import Trial
from tests.experiments.online.test_online_study import finish, log_of, page_of
from unitscope.errors import BadInput
from unitscope.records import ABORTED


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


def test_tables_of_another_version_of_the_design_are_not_given_out(study_of):
    old = study_of("two_afc", participants=2)
    # The table of the first participant alone is made again.
    table_path(old.design, 1, old.settings.tables).unlink()
    new = study_of("two_afc", seed=99)
    with pytest.raises(BadInput, match="p002.csv: made for another version of the design"):
        OnlineStudy(new.design, [1, 2], old.settings)


def test_nobody_is_asked_for_the_notes_of_an_experimenter(study_of):
    study = study_of("two_afc")
    page = page_of(study)
    shown = page._event("flip", screen=0, frame=1)
    assert page.report([shown, page._event("press", code="F8")]) == {"go_on": True}
    finish(page)
    assert not (log_of(study)[0] / "notes.csv").exists()


def test_an_end_that_could_not_be_noted_is_noted_when_the_link_is_opened(study_of, monkeypatch):
    study = study_of("two_afc", exclusions={})
    page = page_of(study)

    def full(*claim):
        raise BadInput("the disk is full")

    with monkeypatch.context() as patch, pytest.raises(BadInput):
        patch.setattr(study.claims, "settle", full)
        finish(page)
    notes = page_of(study).plan["screens"][0]["notes"]
    (claim,) = study.claims.all()
    assert claim.state == FINISHED
    assert claim.code in [note["words"] for note in notes]


def test_an_end_that_could_not_be_noted_is_noted_when_the_server_starts(study_of):
    study = study_of("two_afc", exclusions={"less_used_side": 1000})
    finish(page_of(study))
    study.claims.settle("p001", ACTIVE)
    again = OnlineStudy(study.design, [1], study.settings)
    (claim,) = again.claims.all()
    assert claim.state == SCREENED_OUT


def test_who_answered_the_last_trial_and_went_has_finished(study_of):
    study = study_of("two_afc", comment=False, questions=[], exclusions={})
    page = page_of(study)
    last = max(row["trial_number"] for row in study._rows)
    while not at(study, page, last):
        page.go_on()
    page.go_on()
    study.close()
    (claim,) = study.claims.all()
    assert claim.state == FINISHED


def at(study, page, number):
    """Return whether a page shows a trial."""
    stage = study._seats[page.told.link].visit._stage
    return isinstance(stage, Trial) and stage.row["trial_number"] == number


def test_participants_of_the_lab_are_not_gone_on_with(study_of):
    study = study_of("two_afc", participants=2)
    request = replace(study._request("p001", 1), place="lab")
    Session.open(request).finish(ABORTED)
    with pytest.raises(BadInput, match="another place"):
        page_of(study)
    # Nor are their tables given out.
    Session.open(replace(study._request("p002", 2), place="lab")).finish(ABORTED)
    with pytest.raises(BadInput, match="sub-p002: p002 took part"):
        OnlineStudy(study.design, [1, 2], study.settings)


@pytest.mark.parametrize("is_given_up", [False, True])
def test_who_withdrew_is_told_so(study_of, is_given_up):
    study = study_of("two_afc")
    page = page_of(study)
    page.go_on()
    study.close()
    if is_given_up:  # The table was freed, and would be had back.
        study.claims.settle("p001", FREED)
    assert main(["withdraw", str(study.design.path), "p001", f"--data={study.settings.data}"]) == 0
    assert page.report([]) == {"begin_again": True}
    with pytest.raises(Refused) as refused:
        page_of(study)
    assert "You have withdrawn" in study.words(refused.value.reason)


def test_who_finished_and_withdrew_has_the_code_all_the_same(study_of):
    study = study_of("two_afc", exclusions={})
    finish(page_of(study))
    main(["withdraw", str(study.design.path), "p001", f"--data={study.settings.data}"])
    notes = page_of(study).plan["screens"][0]["notes"]
    assert study.claims.all()[0].code in [note["words"] for note in notes]


@pytest.mark.parametrize("away_s", [0.0, 1799.0, 1e9, float("nan")])
def test_times_away_that_let_no_study_work_are_refused(tmp_path, away_s):
    with pytest.raises(ValueError, match="away_s is .*, expected 1800.0 to 36000000"):
        OnlineSettings(tables=tmp_path, data=tmp_path, away_s=away_s)


def test_the_command_says_that_it_checks_all_tables(study_of, capsys):
    study = study_of("two_afc", participants=2)
    folders = [
        f"--{name}={getattr(study.settings, name)}" for name in ("tables", "data", "stimuli")
    ]
    parser = argparse.ArgumentParser()
    add_options(parser)
    made = make_study(parser.parse_args([str(study.design.path), *folders]))
    made.close()
    assert capsys.readouterr().out == "checking 2 condition tables ...\n"


@pytest.mark.parametrize("option", ["--away-h=0", "--away-h=nan", "--distance-cm=-5"])
def test_numbers_that_let_no_study_work_are_refused(option, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["serve", "demo_two_afc", option])
    assert "expected" in capsys.readouterr().err
