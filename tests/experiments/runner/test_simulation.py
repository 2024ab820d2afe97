"""Whole sessions of every demo design without a window, by every observer."""

import shutil

import pytest

from conditions.design.reading import read_design, shipped_designs
from conditions.trials.condition_tables import images_of, read_table, write_tables
from experiments.runner.log import read_session
from experiments.runner.observers import make_observer
from experiments.runner.request import Request
from experiments.runner.session import Session
from experiments.runner.simulation import simulate
from tests.conditions.conftest import units_for
from tests.conftest import BASELINES, KINDS_OF_OCCLUSION, some, write_stimulus_set
from unitscope.columns import log_columns
from unitscope.errors import BadInput
from unitscope.tables import read_csv


def log_of(request, observer):
    session = Session.open(request)
    simulate(session, make_observer(observer, 1, session.stimuli.file))
    folder = session.log.folder
    assert read_session(folder)["end_reason"] == "completed"
    return read_csv(folder / "trials.csv", log_columns(request.design.task))


@pytest.mark.parametrize("observer", ["graded", "chance", "ideal", "lapsing", "similarity"])
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


@pytest.mark.parametrize("observer", BASELINES)
def test_baselines_answer_as_was_computed_with_the_set(request_of, observer):
    log = log_of(request_of("occlusion"), observer)
    assert set(log["correct"]) == {True, False}
    assert log["correct"].tolist() == (log["channel"] % 2 == 0).tolist()
    assert (log["confidence"] == 1).all()


def test_a_baseline_that_was_not_computed_is_named(request_of, tmp_path):
    stimuli, queries = request_of("occlusion").stimuli, tmp_path / "queries.csv"
    row = read_table(request_of("occlusion").table).iloc[0]
    shutil.copy(stimuli / "queries.csv", queries)
    with pytest.raises(BadInput, match="queries.csv: column 'object_correct' is missing"):
        make_observer("object", 1, tmp_path.joinpath).respond(row)
    queries.write_text("".join(queries.read_text().splitlines(keepends=True)[:1]))
    with pytest.raises(BadInput, match="has no answer of the baseline 'centre' to network toy"):
        make_observer("centre", 1, tmp_path.joinpath).respond(row)
    queries.unlink()
    with pytest.raises(BadInput, match="no such file"):
        make_observer("centre", 1, tmp_path.joinpath).respond(row)


@pytest.mark.parametrize("task", ["two_afc", "occlusion"])
def test_confidence_in_two_steps(request_of, task):
    log = log_of(request_of(task, confidence="two_step"), "graded")
    assert set(log["response_key"]) == {"f", "j"}
    assert (log["confidence_rt_s"] > log["rt_s"]).all()


@pytest.mark.parametrize("confidence", ["one_press", "two_step"])
@pytest.mark.parametrize("task", ["two_afc", "occlusion"])
def test_choices_by_mouse(request_of, task, confidence):
    request = request_of(task, confidence=confidence, input="mouse")
    log = log_of(request, "graded")
    observer = make_observer("graded", 1, request.stimuli.joinpath)
    assert set(log["response_key"]) == {"click"}
    for row in some(log.to_dict("records")):
        meant = observer.respond(row)
        assert (row["choice"], row["confidence"]) == (meant.choice, meant.confidence)
        assert row["rt_s"] == pytest.approx(meant.rt_s)


def test_exemplar_matching_by_mouse(request_of):
    log = log_of(request_of("exemplar_matching", input="mouse"), "graded")
    assert set(log["input"]) == {"mouse"}
    assert (log["hits"] >= 0).all()
    assert ((log["hits"] == 3) == log["correct"]).all()


@pytest.mark.parametrize("number", range(1, 6))
def test_every_reference_condition_of_the_occlusion_task(request_of, number):
    log = log_of(request_of("occlusion", number), "similarity")
    assert log["reference_condition"].nunique() == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped_designs())
def test_every_shipped_design_runs(name, tmp_path):
    design = read_design(name)
    stimuli = write_stimulus_set(
        tmp_path / "set",
        units=units_for(design),
        n_batches=20 if design.units.table else 5,
        n_synthetic=10,
        kinds=KINDS_OF_OCCLUSION if design.task == "occlusion" else ("natural", "synthetic"),
        with_files=False,
    )
    (table,) = write_tables(design.path, stimuli, [2], tmp_path / "tables")
    for image in images_of(read_table(table)):
        # What such a set says of its files; the graded observer opens none.
        (stimuli / image).parent.mkdir(parents=True, exist_ok=True)
        (stimuli / image).write_bytes(image.encode())
    request = Request(
        design=design,
        participant="p002",
        table=table,
        stimuli=stimuli,
        data=tmp_path / "data",
        observer_kind="simulated",
        observer="graded",
    )
    log = log_of(request, "graded")
    assert set(log["task"]) == {design.task}
    assert log["repeated_trial"].notna().sum() == (log["trial_role"] == "repeat").sum()
