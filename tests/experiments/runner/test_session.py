import json

import pandas as pd
import pytest

from experiments.runner.observers import GradedObserver
from experiments.runner.pages import Page
from experiments.runner.session import Session
from experiments.runner.simulation import FRAME_S, _Participant, run_stage, simulate
from experiments.runner.stages import stages_of
from experiments.runner.trial import Trial
from tests.conftest import some
from unitscope.columns import log_columns
from unitscope.errors import BadInput
from unitscope.records import read_session
from unitscope.tables import read_csv

MEASURED = {
    "response_source": "simulated",
    "frames": 1,
    "dropped_frames": 0,
    "largest_frame_interval_s": None,
    "photodiode": "off",
    "trigger": None,
}


def observed_stages(session):
    """Yield the stages of a session, each once an observer has gone through it."""
    clock_s, participant = 0.0, _Participant(session, GradedObserver(1), 0)
    for stage in stages_of(session, FRAME_S):
        clock_s, _, _ = run_stage(stage, participant, clock_s)
        if isinstance(stage, Trial):
            session.record(stage, MEASURED)
        yield stage


def run_trials(session, number):
    """Run some trials of a session and leave it as a crash would."""
    for stage in observed_stages(session):
        number -= isinstance(stage, Trial)
        if not number:
            break
    session.log.close()


def read_log(session):
    return read_csv(session.log.folder / "trials.csv", log_columns("two_afc"))


def test_a_whole_session_is_logged_with_its_condition_rows(request_for):
    session = Session.open(request_for())
    simulate(session, GradedObserver(1))
    log = read_log(session)
    assert log["trial_number"].tolist() == list(range(1, 24))
    table = pd.DataFrame(session.rows)
    for name in ("query_a", "correct_choice", "activation_b", "channel", "trial_role"):
        assert log[name].tolist() == table[name].tolist()
    assert (log["correct"] == (log["choice"] == log["correct_choice"])).all()
    assert (log["rt_s"] > 0).all()
    facts = read_session(session.log.folder)
    assert (facts["end_reason"], facts["trials_completed"]) == ("completed", 23)


def test_pages_stand_where_they_belong(request_for):
    session = Session.open(request_for())
    names = [
        stage.content.name if isinstance(stage, Page) else "trial"
        for stage in observed_stages(session)
    ]
    session.finish()
    shortened = [n for i, n in enumerate(names) if n != "trial" or names[i - 1] != "trial"]
    practice, main = ["part", "trial"], ["part", "trial", "break"]
    last = ["part", "trial"]
    assert shortened == [
        "consent",
        "welcome",
        *practice,
        *main,
        *practice,
        *main,
        *practice,
        *main,
        *last,
        "end",
    ]


def test_the_break_tells_the_score_of_its_block(request_for):
    session = Session.open(request_for())
    block = []
    for stage in some(observed_stages(session)):
        if isinstance(stage, Trial):
            block.append(stage.correct)
        elif stage.content.name == "break":
            assert f"{sum(block)} of {len(block)} rounds correctly" in stage.content.text
        elif stage.content.name == "part":
            block = []
    session.finish()


@pytest.mark.parametrize("done", [1, 4, 11, 22])
def test_a_crashed_session_goes_on_at_the_next_trial(request_for, done):
    run_trials(Session.open(request_for()), done)
    session = Session.open(request_for())
    assert session.run == 2
    assert session.number == 1
    stages = stages_of(session, FRAME_S)
    first = next(stages)
    assert first.content.name == "resumed"
    assert f"round {done + 1} of 23" in first.content.text
    simulate(session, GradedObserver(1))
    log = read_log(session)
    assert log["trial_number"].tolist() == list(range(1, 24))
    assert log["run"].tolist() == [1] * done + [2] * (23 - done)
    runs = read_session(session.log.folder)["runs"]
    assert [run["end_reason"] for run in runs] == ["running", "completed"]


def test_a_crashed_session_is_offered_at_its_very_next_trial(request_for):
    assert request_for().unfinished_at() is None
    run_trials(Session.open(request_for()), 7)
    assert request_for().unfinished_at() == 7
    simulate(Session.open(request_for()), GradedObserver(1))
    assert request_for().unfinished_at() is None


def test_a_resumed_session_gives_the_same_trials_as_an_uninterrupted_one(request_for, tmp_path):
    whole = Session.open(request_for(data=tmp_path / "whole"))
    simulate(whole, GradedObserver(1))
    run_trials(Session.open(request_for()), 9)
    resumed = Session.open(request_for())
    simulate(resumed, GradedObserver(1))
    columns = ["trial_number", "query_a", "choice", "confidence", "correct"]
    assert read_log(whole)[columns].equals(read_log(resumed)[columns])


def test_a_completed_session_is_never_touched(request_for):
    first = Session.open(request_for())
    simulate(first, GradedObserver(1))
    content = (first.log.folder / "trials.csv").read_bytes()
    second = Session.open(request_for(session=2))
    assert second.number == 2
    second.finish()
    with pytest.raises(BadInput, match="participant p001 has completed session 1"):
        Session.open(request_for(session=1))
    assert (first.log.folder / "trials.csv").read_bytes() == content


def test_an_unfinished_session_is_not_mixed_with_another_table(request_for, quick_tables):
    run_trials(Session.open(request_for()), 2)
    with pytest.raises(BadInput, match="begun with another condition table"):
        Session.open(request_for(table=quick_tables / "p002.csv"))


def test_an_unfinished_session_keeps_the_keys_of_its_hand(request_for):
    run_trials(Session.open(request_for(left_handed=True)), 2)
    with pytest.raises(BadInput, match="keys of the left hand; resume it with --hand left"):
        Session.open(request_for())
    resumed = Session.open(request_for(left_handed=True))
    assert resumed.facts["left_handed"] is True
    resumed.finish()


def test_a_missing_table_says_how_to_make_it(request_for, tmp_path):
    with pytest.raises(BadInput, match="p009 has no condition table; make it with: python -m"):
        Session.open(request_for("p009", table=tmp_path / "p009.csv"))


def test_nothing_is_written_where_the_input_is_bad(request_for, tmp_path):
    with pytest.raises(BadInput):
        Session.open(request_for(language="fr"))
    assert not (tmp_path / "data").exists()


def test_an_error_is_written_down_and_the_lock_let_go(request_for):
    with pytest.raises(RuntimeError), Session.open(request_for()) as session:
        raise RuntimeError
    assert read_session(session.log.folder)["end_reason"] == "interrupted"
    Session.open(request_for()).finish()


def test_german_screens(request_for):
    session = Session.open(request_for(language="de"))
    assert "freiwillig" in next(stages_of(session, FRAME_S)).content.text
    session.finish()
    facts = json.loads((session.log.folder / "session.json").read_text(encoding="utf-8"))
    assert facts["language"] == "de"


def refuse(request, before=lambda session: None):
    """Open a session and end it as a failed check does."""
    with pytest.raises(BadInput, match="checks failed"), Session.open(request) as session:
        (session.log.folder / "psychopy_run-01.log").write_text("PsychoPy's own")
        before(session)
        raise BadInput("checks failed")


def test_a_refused_session_leaves_nothing_behind(request_for):
    request = request_for()
    refuse(request)
    assert list(request.data.rglob("*")) == []
    assert request.sessions == {}
    assert request.session_number() == 1
    with Session.open(request):
        pass
    assert request.unfinished == 1


def test_what_others_put_into_the_folder_of_a_refused_session_is_kept(request_for):
    request = request_for()
    refuse(request, lambda session: (session.log.folder / "notes.txt").write_text("late"))
    assert [path.name for path in request.folder(1).iterdir()] == ["notes.txt"]
    assert request.sessions == {}


@pytest.mark.parametrize(
    "record",
    [
        lambda session: session.note_consent(True, 3.0),
        lambda session: session.add_instruction_time(2.0),
    ],
)
def test_a_session_in_which_somebody_took_part_is_kept_when_refused(request_for, record):
    request = request_for()
    refuse(request, record)
    assert request.sessions == {1: "interrupted"}
    # The next run is refused, too; what the first one recorded stays.
    refuse(request)
    assert len(read_session(request.folder(1))["runs"]) == 2
