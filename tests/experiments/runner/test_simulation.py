"""Whole sessions of every demo design without a window, by every observer."""

import pytest

from conditions.columns import log_columns
from conditions.csv_files import read_csv
from experiments.runner.log import read_session
from experiments.runner.observers import OBSERVERS, make_observer
from experiments.runner.session import Session
from experiments.runner.simulation import simulate


def log_of(request, observer):
    session = Session.open(request)
    simulate(session, make_observer(observer, 1, session.stimuli.file))
    folder = session.log.folder
    assert read_session(folder)["end_reason"] == "completed"
    return read_csv(folder / "trials.csv", log_columns(request.design.task))


@pytest.mark.parametrize("observer", OBSERVERS[:3])
@pytest.mark.parametrize("task", ["two_afc", "occlusion", "exemplar_matching"])
def test_every_observer_completes_every_task(request_of, task, observer):
    log = log_of(request_of(task), observer)
    assert set(log["task"]) == {task}
    assert (log["rt_s"] > 0).all()
    assert log["correct"].notna().all()
    if task == "exemplar_matching":
        assert (log["input"] == "keys").all()
        assert (log["match_2_s"] < log["rt_s"]).all()
    else:
        assert log["confidence"].between(1, 3).all()


@pytest.mark.parametrize("observer", OBSERVERS[3:])
def test_baselines_answer_the_occlusion_task(request_of, observer):
    log = log_of(request_of("occlusion"), observer)
    assert (log["confidence"] == 1).all()


@pytest.mark.parametrize("task", ["two_afc", "occlusion"])
def test_confidence_in_two_steps(request_of, task):
    log = log_of(request_of(task, confidence="two_step"), "graded")
    assert set(log["response_key"]) == {"f", "j"}
    assert (log["confidence_rt_s"] > log["rt_s"]).all()


def test_exemplar_matching_by_mouse(request_of):
    log = log_of(request_of("exemplar_matching", input="mouse"), "graded")
    assert set(log["input"]) == {"mouse"}
    assert (log["hits"] >= 0).all()
    assert ((log["hits"] == 3) == log["correct"]).all()


@pytest.mark.parametrize("number", range(1, 6))
def test_every_reference_condition_of_the_occlusion_task(request_of, number):
    log = log_of(request_of("occlusion", number), "similarity")
    assert log["reference_condition"].nunique() == 1
