"""Logged trials are compared with those that the design plans, also where trials are repeated."""

import shutil

import pandas as pd
import pytest
import yaml

from analysis.__main__ import main
from analysis.logs.load import load_log
from analysis.logs.planned_trials import compare_with_design, design_at_hand
from analysis.report.quality import session_quality
from conditions.design.reading import find_design, read_design
from conditions.trials.condition_tables import write_tables
from experiments.runner.observers import make_observer
from experiments.runner.request import Request
from experiments.runner.session import Session
from experiments.runner.simulation import simulate
from tests.conftest import write_stimulus_set
from unitscope.errors import BadInput
from unitscope.tables import read_cells


class Study:
    """A design with repeats, another seed and three simulated sessions."""

    def __init__(self, base, **settings):
        data = yaml.safe_load(find_design("demo_two_afc").read_text(encoding="utf-8"))
        data |= {"name": "again", "seed": 77, "repeats": {"least": 1, "most": 1}, **settings}
        data["blocks"]["repeat_natural"] = {"role": "repeat", "condition": "natural"}
        data["orders"] = [[*order, "repeat_natural"] for order in data["orders"]]
        self.file = base / "again.yaml"
        self.file.write_text(yaml.safe_dump(data), encoding="utf-8")
        self.design = read_design(self.file)
        self.stimuli = write_stimulus_set(base / "toy", size_px=8)
        self.tables = write_tables(self.file, self.stimuli, [1, 2, 3], base / "tables")
        self.base = base
        self.folder = base / "data" / "again"

    def run(self, number):
        request = Request(
            design=self.design,
            participant=f"p{number:03d}",
            table=self.tables[number - 1],
            stimuli=self.stimuli,
            data=self.base / "data",
            observer_kind="simulated",
            observer="graded",
        )
        session = Session.open(request)
        simulate(session, make_observer("graded", number, session.stimuli.file))

    def log(self):
        return next(self.folder.glob("sub-p002/*/trials.csv"))

    def compare(self):
        return compare_with_design(load_log(self.folder, cache=False), self.design, self.stimuli)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    study = Study(tmp_path_factory.mktemp("ran"))
    for number in (1, 2, 3):
        study.run(number)
    return study


@pytest.fixture
def study(ran, tmp_path):
    """The study, whose logs a test may change."""
    shutil.copytree(ran.folder, tmp_path / "again")
    copy = object.__new__(Study)
    vars(copy).update(vars(ran), folder=tmp_path / "again")
    return copy


def edit(path, place, **cells):
    found = read_cells(path.read_bytes(), path)
    found.loc[place, list(cells)] = list(cells.values())
    found.to_csv(path, index=False, lineterminator="\n")


def test_what_the_runner_logs_is_as_planned(study):
    found = study.compare()
    assert (found.as_planned, found.sentences) == (3, ())
    assert (pd.read_csv(study.log())["trial_role"] == "repeat").sum() == 2


def test_a_log_that_was_edited_is_found(study):
    before = pd.read_csv(study.log()).iloc[8]
    other = {"a": "b", "b": "a"}[before["correct_choice"]]
    right = str(before["choice"] == other)
    edit(study.log(), 8, correct_choice=other, correct=right)
    with pytest.raises(
        BadInput, match=f"ses-01, trial 9, column 'correct_choice': found '{other}', expected"
    ):
        study.compare()


def test_a_condition_that_was_relabelled_is_found(study):
    edit(study.log(), 8, reference_condition="none")
    with pytest.raises(BadInput, match="trial 9, column 'reference_condition': found 'none'"):
        study.compare()


def test_a_repeat_of_other_queries_is_found(study):
    rows = pd.read_csv(study.log())
    place = int(rows.index[rows["trial_role"] == "repeat"][0])
    edit(study.log(), place, query_a=rows["query_b"][8])
    with pytest.raises(BadInput, match=f"trial {place + 1}, column 'query_a'.*which it repeats"):
        study.compare()


def test_other_versions_and_what_is_not_at_hand_are_said(study, tmp_path):
    log = load_log(study.folder, cache=False)
    assert design_at_hand(log, None) is None
    assert compare_with_design(log, None, study.stimuli).sentences == (
        "trials not compared with their design: no design 'again'",
    )
    missing = compare_with_design(log, study.design, tmp_path / "nowhere")
    assert "no stimulus set there" in missing.sentences[0]
    changed = study.file.read_text(encoding="utf-8").replace("seed: 77", "seed: 78")
    (tmp_path / "again.yaml").write_text(changed, encoding="utf-8")
    other = compare_with_design(log, read_design(tmp_path / "again.yaml"), study.stimuli)
    assert (other.as_planned, other.sentences) == (
        0,
        ("3 sessions: not compared with the design, as another version of the design is at hand",),
    )


def test_a_table_edited_on_purpose_is_said_by_record_check_and_quality(tmp_path, capsys):
    study = Study(tmp_path, edited_tables=True)
    cells = pd.read_csv(study.tables[1], dtype=str, keep_default_na=False)
    other = {"a": "b", "b": "a"}[cells["correct_choice"][8]]
    edit(study.tables[1], 8, correct_choice=other)
    study.run(1)
    study.run(2)
    command = ["check", str(study.folder), "--design", str(study.file)]
    assert main([*command, "--stimuli", str(study.stimuli)]) == 0
    printed = capsys.readouterr().out
    assert "1 session: the condition table was edited, as the design allows" in printed
    assert "sessions with every trial as their design plans it: 1" in printed
    quality = session_quality(load_log(study.folder, cache=False))
    assert main(["check", str(study.folder), "--stimuli", str(tmp_path / "nowhere")]) == 0
    assert "as their design plans it" not in capsys.readouterr().out
    assert list(quality["table_edited"]) == [False, True]
    assert "its condition table was edited by hand" in quality["remarks"][1]
