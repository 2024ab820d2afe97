"""Versions of the suite; files of version 0.1.0 are read for ever, newer ones are refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pandas as pd
import pytest

import unitscope
from analysis.__main__ import main as analysis
from analysis.logs.load import load, load_log
from analysis.logs.ratings import load_ratings
from analysis.logs.sessions import load_frames
from conditions.__main__ import main as conditions
from conditions.design.reading import read_design
from conditions.trials.condition_tables import write_tables
from experiments.lab.timing.photodiode_recording import analyse
from experiments.lab.watch import watch
from experiments.runner.log import TrialLog
from experiments.runner.observers import make_observer
from experiments.runner.request import Request
from experiments.runner.session import Session
from experiments.runner.simulation import simulate
from unitscope.columns import (
    COLUMNS_VERSION,
    FRAME_COLUMNS,
    MANIFEST_COLUMNS,
    RATING_COLUMNS,
    VERSION_COLUMN,
    Column,
    as_of,
    log_columns,
    names,
    table_columns,
)
from unitscope.errors import BadInput
from unitscope.records import read_session
from unitscope.tables import read_csv
from unitscope.versions import NewerVersion, versions
from unitscope.vocabulary import TASKS

ROOT = Path(unitscope.__file__).parents[1]
OLD = Path(__file__).with_name("logs_0_1_0")
TRIALS_OF = {"two_afc": 13, "occlusion": 4, "exemplar_matching": 5}
NEWER = COLUMNS_VERSION + 1
REFUSED = f"its columns are of version {NEWER}, but this Unitscope .* {COLUMNS_VERSION}; update it"


def test_versions_of_what_is_installed_and_what_is_not() -> None:
    found = versions("numpy", "no-such-package")
    assert found["numpy"] == metadata.version("numpy")
    assert found["no-such-package"] is None


def test_the_suite_knows_its_own_without_being_installed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "unitscope", tmp_path / "unitscope")
    code = "from unitscope.versions import versions; print(versions('numpy'))"
    command = [sys.executable, "-S", "-c", code]  # -S: nothing that is installed is seen
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "{'unitscope':",
        f"'{unitscope.__version__}',",
        "'numpy':",
        "None}",
    ]


def test_the_installed_package_has_the_same() -> None:
    assert metadata.version("unitscope") == unitscope.__version__


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy of the study of version 0.1.0, with images."""
    study = tmp_path / "study"
    shutil.copytree(OLD, study)
    for manifest in study.glob("sets/*/manifest.csv"):
        for name in read_csv(manifest, MANIFEST_COLUMNS)["path"]:
            image = manifest.parent / name
            image.parent.mkdir(parents=True, exist_ok=True)
            image.write_bytes(name.encode())
    return study


def request_for(study: Path, task: str, number: int) -> Request:
    participant = f"p{number:03d}"
    return Request(
        design=read_design(study / "designs" / f"old_{task}.yaml"),
        participant=participant,
        table=study / "tables" / f"old_{task}" / f"{participant}.csv",
        stimuli=study / "sets" / task,
        data=study / "logs",
        observer_kind="simulated",
        observer="graded",
    )


@pytest.mark.parametrize("task", TASKS)
def test_old_logs_are_loaded(task: str) -> None:
    log = load_log(OLD / "logs" / f"old_{task}")
    assert log.warnings == ()
    assert len(log.trials) == TRIALS_OF[task]
    assert set(log.trials.columns) == {*names(log_columns(task)), "session_state", "unit", "place"}
    assert log.trials[VERSION_COLUMN.name].isna().all()
    assert log.trials["correct"].notna().all()
    frames = load_frames(log)
    assert set(frames["trial_number"]) == set(log.trials["trial_number"])
    assert len(load_ratings(log)) == (3 if task == "two_afc" else 0)


def test_old_logs_are_loaded_beside_new_ones_both_ways(old: Path, monkeypatch) -> None:
    simulate_new(old, "p003")
    both = load(old / "logs" / "old_two_afc")
    versions = both.groupby("participant")[VERSION_COLUMN.name].agg(lambda v: set(v.dropna()))
    assert versions.to_dict() == {"p001": set(), "p002": set(), "p003": {COLUMNS_VERSION}}
    monkeypatch.setattr("analysis.logs.log_files.read_at_once", lambda files, columns: None)
    pd.testing.assert_frame_equal(load(old / "logs" / "old_two_afc"), both)


def simulate_new(study: Path, participant: str) -> Path:
    """Run a whole session of today's version; returns its folder."""
    folder = study / "new"
    design = study / "designs" / "old_two_afc.yaml"
    (table,) = write_tables(design, study / "sets" / "two_afc", [3], folder)
    request = Request(
        design=read_design(design),
        participant=participant,
        table=table,
        stimuli=study / "sets" / "two_afc",
        data=study / "logs",
        observer_kind="simulated",
        observer="graded",
    )
    session = Session.open(request)
    simulate(session, make_observer("graded", 3, session.stimuli.file))
    return session.log.folder


@pytest.mark.parametrize("task", TASKS)
def test_old_logs_are_checked_and_reported(task: str, old: Path, capsys) -> None:
    logs = str(old / "logs" / f"old_{task}")
    assert analysis(["check", logs]) == 0
    assert f"{TRIALS_OF[task]} trials" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_old_logs_are_reported(task: str, old: Path) -> None:
    out = old / "report"
    assert analysis(["report", str(old / "logs" / f"old_{task}"), "--out", str(out)]) == 0
    assert (out / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize("task", TASKS)
def test_old_tables_are_checked_and_found_to_be_the_same(task: str, old: Path, capsys) -> None:
    design, stimuli = old / "designs" / f"old_{task}.yaml", old / "sets" / task
    table = old / "tables" / f"old_{task}" / "p001.csv"
    before = table.read_bytes()
    options = ["--design", str(design), "--stimuli", str(stimuli)]
    assert conditions(["check", str(table), *options]) == 0
    assert "every image present and unchanged" in capsys.readouterr().out
    assert write_tables(design, stimuli, [1], old / "tables") == [table]
    assert table.read_bytes() == before


def test_an_old_session_is_gone_on_with_in_its_own_columns(old: Path) -> None:
    request = request_for(old, "two_afc", 2)
    assert request.unfinished_at() == 4
    folder = request.folder(1)
    before = {name: (folder / name).read_bytes() for name in ("trials.csv", "ratings.csv")}
    session = Session.open(request)
    assert (session.number, session.run) == (1, 2)
    simulate(session, make_observer("graded", 2, session.stimuli.file))
    for name, content in before.items():
        assert (folder / name).read_bytes().startswith(content)
    facts = read_session(folder)
    assert (facts["end_reason"], facts["trials_completed"]) == ("completed", 9)
    assert facts[VERSION_COLUMN.name] == COLUMNS_VERSION
    trials = load(folder)
    assert trials["run"].tolist() == [1] * 4 + [2] * 5
    assert len(load_ratings(load_log(folder))) == 2


def test_an_old_session_that_is_completed_stays_so(old: Path) -> None:
    request = request_for(old, "occlusion", 1)
    with pytest.raises(BadInput, match="completed session 1.*--session 2"):
        request.session_number()
    assert replace(request, session=request.next_session).session_number() == 2


def test_what_is_written_today_says_its_version(old: Path) -> None:
    folder = simulate_new(old, "p003")
    for file in (folder / "trials.csv", folder / "ratings.csv", old / "new/old_two_afc/p003.csv"):
        cells = pd.read_csv(file)
        assert cells.columns[0] == VERSION_COLUMN.name
        assert set(cells[VERSION_COLUMN.name]) == {COLUMNS_VERSION}
    assert json.loads((folder / "session.json").read_text())[VERSION_COLUMN.name] == COLUMNS_VERSION


def newer(file: Path) -> None:
    """Make a file one of the version to come, which has a column more."""
    if file.suffix == ".json":
        facts = json.loads(file.read_text()) | {VERSION_COLUMN.name: NEWER, "runs": "other"}
        file.write_text(json.dumps(facts))
        return
    header, *lines = file.read_text().splitlines()
    if header.startswith(VERSION_COLUMN.name):
        header, lines = (text.split(",", 1)[-1] for text in [header]), lines
    text = [f"{VERSION_COLUMN.name},to_come,{header}", *(f"{NEWER},1,{line}" for line in lines)]
    file.write_text("\n".join(text) + "\n")


def refused_by(command: Callable[[list[str]], int], *arguments: object) -> bool:
    return command([str(argument) for argument in arguments]) == 2


@pytest.mark.parametrize("name", ["trials.csv", "session.json", "ratings.csv", "frames.csv"])
def test_newer_logs_are_refused_by_those_who_read_them(name: str, old: Path, capsys) -> None:
    request = request_for(old, "two_afc", 2)
    folder = request.folder(1)
    newer(folder / name)
    content = (folder / name).read_bytes()
    with pytest.raises(NewerVersion, match=f"{name}: {REFUSED}"):
        TrialLog(folder) if name.endswith(".csv") else Session.open(request)
    study = old / "logs" / "old_two_afc"
    if name == "frames.csv":
        with pytest.raises(NewerVersion, match=REFUSED):
            load_frames(load_log(study))
    else:
        assert refused_by(analysis, "check", study)
        assert "update it" in capsys.readouterr().err
    assert refused_by(analysis, "report", study, "--out", old / "report")
    assert f"its columns are of version {NEWER}" in capsys.readouterr().err
    assert not (old / "report").exists()
    assert (folder / name).read_bytes() == content


def test_a_newer_table_is_refused(old: Path, capsys) -> None:
    design, table = (
        old / "designs" / "old_two_afc.yaml",
        old / "tables" / "old_two_afc" / "p001.csv",
    )
    newer(table)
    assert refused_by(conditions, "check", table, "--design", design)
    assert f"{table}: its columns are of version {NEWER}" in capsys.readouterr().err
    with pytest.raises(NewerVersion, match=REFUSED):
        write_tables(design, old / "sets" / "two_afc", [1], old / "tables")
    with pytest.raises(NewerVersion, match=REFUSED):
        Session.open(request_for(old, "two_afc", 1))


def test_a_newer_manifest_is_refused(old: Path, capsys) -> None:
    manifest = old / "sets" / "two_afc" / "manifest.csv"
    newer(manifest)
    design, table = (
        old / "designs" / "old_two_afc.yaml",
        old / "tables" / "old_two_afc" / "p001.csv",
    )
    arguments = ("check", table, "--design", design, "--stimuli", manifest.parent)
    assert refused_by(conditions, *arguments)
    assert f"{manifest}: its columns are of version {NEWER}" in capsys.readouterr().err


def test_the_live_page_names_a_newer_session(old: Path) -> None:
    newer(old / "logs" / "old_two_afc" / "sub-p002" / "ses-01" / "session.json")
    states = {(s.design, s.participant): s for s in watch("lab", old / "logs", {})}
    assert len(states) == 4
    assert f"version {NEWER}" in states["old_two_afc", "p002"].warnings[0]


def test_a_recording_is_not_compared_with_a_newer_log(old: Path) -> None:
    folder = old / "logs" / "old_exemplar_matching" / "sub-p001" / "ses-01"
    newer(folder / "trials.csv")
    recording = old / "recording.csv"
    recording.write_text("time_s,value\n0,0\n1,1\n")
    with pytest.raises(NewerVersion, match=REFUSED):
        analyse(recording, folder)


@pytest.mark.parametrize("cell", ["", "two", "-1", "0", "2.5"])
def test_a_version_that_never_was_is_refused(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "frames.csv"
    path.write_text(f"{','.join(names(FRAME_COLUMNS))}\n{cell},1,1,1,0.1,,fixation\n")
    with pytest.raises(BadInput, match="expected"):
        read_csv(path, FRAME_COLUMNS)


def test_the_rows_of_one_file_are_of_one_version(tmp_path: Path) -> None:
    path = tmp_path / "frames.csv"
    rows = "\n".join(f"{version},1,1,1,0.1,,fixation" for version in (COLUMNS_VERSION, NEWER))
    path.write_text(f"{','.join(names(FRAME_COLUMNS))}\n{rows}\n")
    with pytest.raises(BadInput, match=f"line 3, column 'columns_version': found '{NEWER}'"):
        read_csv(path, FRAME_COLUMNS)


TO_COME = (
    VERSION_COLUMN,
    Column("kept", "int", "As ever."),
    Column("new_name", "str", "Renamed.", since=2, formerly="old_name"),
    Column("added_s", "float", "New, though never blank.", "s", since=2),
)


def test_renamed_columns_are_found_under_their_old_names_and_new_ones_are_empty(tmp_path) -> None:
    assert names(as_of(TO_COME, 1)) == ["kept", "old_name"]
    assert names(as_of(TO_COME, 2)) == names(TO_COME)
    path = tmp_path / "old.csv"
    path.write_text("kept,old_name\n3,x\n")
    found = read_csv(path, TO_COME)
    assert list(found.columns) == names(TO_COME)
    assert found.loc[0, ["kept", "new_name"]].tolist() == [3, "x"]
    assert found[["columns_version", "added_s"]].isna().all(axis=None)
    path.write_text("kept,new_name\n3,x\n")
    with pytest.raises(BadInput, match="column 'old_name' is missing"):
        read_csv(path, TO_COME)


def test_a_log_goes_on_under_the_names_that_its_columns_had(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("experiments.runner.log.RATING_COLUMNS", TO_COME)
    (tmp_path / "ratings.csv").write_text("kept,old_name\n3,x\n")
    log = TrialLog(tmp_path)
    log.append_rating({"kept": 4, "new_name": "y", "added_s": 0.5})
    log.close()
    assert (tmp_path / "ratings.csv").read_text() == "kept,old_name\n3,x\n4,y\n"


FIRST = {
    "logs/old_two_afc/sub-p001/ses-01/ratings.csv": RATING_COLUMNS,
    "logs/old_two_afc/sub-p001/ses-01/frames.csv": FRAME_COLUMNS,
    **{f"logs/old_{task}/sub-p001/ses-01/trials.csv": log_columns(task) for task in TASKS},
    **{f"tables/old_{task}/p001.csv": table_columns(task) for task in TASKS},
}


@pytest.mark.parametrize("file", FIRST)
def test_a_changed_column_says_since_which_version(file: str) -> None:
    """Where this fails, a column was added or renamed without ``since`` and ``formerly``."""
    columns, header = FIRST[file], (OLD / file).read_text(encoding="utf-8").split("\n")[0]
    assert header.split(",") == names(as_of(columns, 1))
    assert [VERSION_COLUMN.name, *header.split(",")] == names(as_of(columns, 2))


def test_the_version_is_that_of_the_newest_column() -> None:
    every = [column for columns in FIRST.values() for column in columns]
    assert max(column.since for column in every) == COLUMNS_VERSION
