"""Whoever withdraws is left out by everything that reads data, and nothing of them stays."""

import json
import os
import shutil
from datetime import date

import pytest

from analysis.export.bids import write_bids
from analysis.export.dataset import export
from analysis.logs.load import load_log
from conditions.__main__ import main as conditions
from experiments.__main__ import main
from experiments.lab.watch import watch
from experiments.runner.demographics import Demographics, add_demographics
from experiments.runner.log import TrialLog
from experiments.runner.observers import make_observer
from experiments.runner.request import Request
from experiments.runner.schedule import describe_schedule, next_open
from experiments.runner.schedule import schedule as scheduled_of
from experiments.runner.session import Session
from experiments.runner.simulation import simulate
from experiments.runner.withdraw import Withdrawing
from tests.conftest import some
from unitscope.errors import BadInput
from unitscope.withdrawal import read_withdrawal

DAY = date(2027, 2, 3)


@pytest.fixture
def study(quick_design, quick_tables, stimulus_set, tmp_path):
    """Two participants with a session each and demographics; returns the folder of all logs."""
    data = tmp_path / "data"
    for participant in some(("p001", "p002")):
        request = Request(
            design=quick_design,
            participant=participant,
            table=quick_tables / f"{participant}.csv",
            stimuli=stimulus_set,
            data=data,
            observer_kind="simulated",
            observer="graded",
        )
        session = Session.open(request)
        simulate(session, make_observer("graded", 1, session.stimuli.file))
        add_demographics(data, Demographics(participant, "quick", age=30))
    return data


def everything(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock" and not path.name.endswith(".lock")
    }


def withdraw(design_file, data, *options, participant="p001"):
    return main(["withdraw", str(design_file), participant, "--data", str(data), *options])


def test_a_marked_participant_is_kept_and_left_out_by_every_reader(
    study, quick_design, quick_design_file, quick_tables, stimulus_set, tmp_path, capsys
):
    load_log(study / "quick", cache=True)
    before = everything(study)
    assert withdraw(quick_design_file, study) == 0
    said = capsys.readouterr().out
    assert "session 1 (completed, " in said
    assert "p001 is marked as withdrawn: nothing reads these data any more." in said
    after = everything(study)
    mark = after.pop("quick/sub-p001/withdrawn.json")
    assert {name: after[name] for name in before} == before
    assert set(json.loads(mark)) == {"participant", "design", "withdrawn_on", "data"}
    for cache in (True, False):
        log = load_log(study / "quick", cache=cache)
        assert set(log.trials["participant"]) == set(log.sessions["participant"]) == {"p002"}
        assert log.warnings == ("1 participant has withdrawn, so their data are left out: p001",)
    for path in some((study / "quick/sub-p001", study / "quick/sub-p001/ses-01/trials.csv")):
        with pytest.raises(BadInput, match="the participant has withdrawn"):
            load_log(path)
    bids = export(study / "quick", tmp_path / "bids", write_bids)
    assert not [name for name in everything(bids) if "p001" in name]
    assert b"p001" not in b"".join(everything(bids).values())
    gone, other = watch("lab", study, {})
    assert (gone.participant, gone.status, gone.rts_s, gone.done) == ("p001", "withdrawn", [], 0)
    assert other.participant == "p002"
    request = Request(quick_design, "p001", 2, quick_tables / "p001.csv", stimulus_set, study)
    with pytest.raises(BadInput, match="p001 has withdrawn and takes no further part"):
        Session.open(request)
    with pytest.raises(BadInput, match="p001 has withdrawn; nothing is recorded"):
        add_demographics(study, Demographics("p001", "quick"))
    first, *_ = scheduled_of(quick_design, study, quick_tables.parent)
    assert (first.participant, first.state) == ("p001", "withdrawn")


def test_deletion_leaves_a_mark_without_anything_personal(
    study, quick_design_file, monkeypatch, capsys
):
    load_log(study / "quick", cache=True)
    kept = {n: c for n, c in everything(study / "quick").items() if n.startswith("sub-p002")}
    assert withdraw(quick_design_file, study, "--delete", "--yes") == 0
    said = capsys.readouterr().out
    assert "participants.tsv: line 2" in said
    assert ".cache: copies of the logs of all participants" in said
    left = everything(study / "quick")
    assert set(left) == {"sub-p001/withdrawn.json", *kept}
    assert {name: left[name] for name in kept} == kept
    mark = json.loads(left["sub-p001/withdrawn.json"])
    assert mark == {
        "participant": "p001",
        "design": "quick",
        "withdrawn_on": date.today().isoformat(),
        "data": "deleted",
    }
    lines = (study / "participants.tsv").read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[0] for line in lines] == ["participant", "p002"]
    if os.name == "posix":
        assert (study / "quick/sub-p001").stat().st_mode & 0o777 == 0o700
    assert set(load_log(study / "quick").trials["participant"]) == {"p002"}


@pytest.mark.parametrize("answer", ["", "y", "p002", None])
def test_nothing_is_deleted_unless_the_id_is_typed(
    study, quick_design_file, monkeypatch, capsys, answer
):
    def typed(prompt):
        assert "Type p001 to confirm" in prompt
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("builtins.input", typed)
    before = everything(study)
    assert withdraw(quick_design_file, study, "--delete") == 2
    assert "nothing was deleted" in capsys.readouterr().err
    assert everything(study) == before
    monkeypatch.setattr("builtins.input", lambda prompt: " p001 ")
    assert withdraw(quick_design_file, study, "--delete") == 0


def test_a_running_session_is_not_withdrawn(study, quick_design_file, capsys):
    log = TrialLog(study / "quick/sub-p001/ses-01")
    before = everything(study)
    assert withdraw(quick_design_file, study, "--delete", "--yes") == 2
    assert "this session is running; end it first" in capsys.readouterr().err
    assert everything(study) == before
    log.close()


def test_who_is_not_there_is_named_with_the_nearest(study, quick_design_file, capsys):
    assert withdraw(quick_design_file, study, participant="p0001") == 2
    assert "there are no data of participant p0001; did you mean 'p001'" in capsys.readouterr().err


def test_a_deletion_that_was_cut_off_is_finished_by_the_same_command(
    study, quick_design_file, monkeypatch
):
    withdrawing = Withdrawing(study, "quick", "p001")
    real = shutil.rmtree

    def crash(path, *args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", crash)
    with pytest.raises(KeyboardInterrupt):
        withdrawing.delete(DAY)
    monkeypatch.setattr(shutil, "rmtree", real)
    # Whatever is left, nothing reads a part of it.
    assert set(load_log(study / "quick", cache=False).trials["participant"]) == {"p002"}
    Withdrawing(study, "quick", "p001").delete(DAY)
    folders = sorted(path.name for path in (study / "quick").iterdir())
    assert folders == ["sub-p001", "sub-p002"]
    assert read_withdrawal(study / "quick/sub-p001")["withdrawn_on"] == "2027-02-03"
    assert read_withdrawal(study / "quick/sub-p001")["data"] == "deleted"


def test_a_damaged_mark_is_one_all_the_same(study, quick_design_file, capsys):
    (study / "quick/sub-p001/withdrawn.json").write_text("{", encoding="utf-8")
    assert set(load_log(study / "quick").trials["participant"]) == {"p002"}
    assert read_withdrawal(study / "quick/sub-p001")["data"] == "kept"
    assert withdraw(quick_design_file, study, "--delete", "--yes") == 0


def test_when_all_have_withdrawn_it_is_said(study, quick_design_file):
    for participant in some(("p001", "p002")):
        withdraw(quick_design_file, study, participant=participant)
    with pytest.raises(BadInput, match="no session is left; 2 participants have withdrawn"):
        load_log(study / "quick")


def test_somebody_else_gets_the_place(
    study, quick_design, quick_design_file, quick_tables, stimulus_set, tmp_path, capsys
):
    tables = tmp_path / "tables"
    shutil.copytree(quick_tables, tables / "quick")
    withdraw(quick_design_file, study)
    text = describe_schedule(quick_design, study, tables)
    command = "python -m conditions make quick --participants 1 --id p001b"
    assert f"data kept; for somebody else in the same cell: {command}" in text
    assert "withdrawn" in text.splitlines()[3]
    made = ["make", str(quick_design_file), "--participants", "1", "--id", "p001b"]
    assert conditions([*made, "--stimuli", str(stimulus_set), "--tables", str(tables)]) == 0
    own, new = (tables / "quick" / f"{name}.csv" for name in ("p001", "p001b"))
    assert own.read_bytes() == new.read_bytes()
    text = describe_schedule(quick_design, study, tables)
    assert "data kept; p001b has the place" in text
    scheduled = scheduled_of(quick_design, study, tables)
    assert next_open(scheduled) == "p003"
    assert "p001b" in [one.participant for one in scheduled if one.state == "open"]
    request = Request(quick_design, "p001b", None, new, stimulus_set, study, "simulated", "graded")
    session = Session.open(request)
    simulate(session, make_observer("graded", 1, session.stimuli.file))
    assert set(load_log(study / "quick").sessions["participant"]) == {"p001b", "p002"}


@pytest.mark.parametrize(("numbers", "own"), [("1-2", "p001b"), ("1", "p002"), ("1", "Ada L.")])
def test_an_id_that_is_none_of_its_own_is_refused(
    quick_design_file, stimulus_set, tmp_path, capsys, numbers, own
):
    command = ["make", str(quick_design_file), "--participants", numbers, "--id", own]
    options = ["--stimuli", str(stimulus_set), "--tables", str(tmp_path / "none")]
    assert conditions([*command, *options]) == 2
    assert "expected one participant number, and an id" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
