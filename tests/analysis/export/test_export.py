"""Datasets for others: BIDS by its validator, Psych-DS by its published rules."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.export.bids import write_bids
from analysis.export.dataset import export, letters_and_digits
from analysis.export.psychds import write_psychds
from analysis.logs.load import load_log
from tests.conftest import some
from unitscope.columns import RATING_COLUMNS, log_columns, names
from unitscope.errors import BadInput
from unitscope.tables import write_csv


@pytest.fixture
def shared(study: Any) -> Path:
    """Logs with ratings, a second session, a declined one and what participants said."""
    first = study.write_session("p001", 1)
    study.write_session("p001", 1, session=2, trials=5, end_reason="aborted")
    study.write_session("p002", 2, kind="person", observer=None, windowed=True)
    ratings = {
        "participant": "p001",
        "session": 1,
        "run": 1,
        "moment": "before",
        "rating_number": 1,
        "network": "toy",
        "layer": "mixed4a",
        "branch": None,
        "channel": 3,
        "image": "x.png",
        "rating": -20,
        "onset_s": 1.5,
        "rt_s": 2.25,
        "response_source": "simulated",
    }
    write_csv(pd.DataFrame([ratings]), first / "ratings.csv", RATING_COLUMNS)
    declined = study.folder / "sub-p003" / "ses-01"
    declined.mkdir(parents=True)
    (declined / "session.json").write_text('{"end_reason": "declined"}', encoding="utf-8")
    told = "participant_id\tage_group\nsub-p002\t20 to 29\nsub-p009\t30 to 39\n"
    (study.folder / "participants.tsv").write_text(told, encoding="utf-8")
    return Path(study.folder)


def validator() -> str:
    """Return the program that checks BIDS, which the extra dev brings."""
    beside = Path(sysconfig.get_path("scripts")) / "bids-validator-deno"
    found = shutil.which("bids-validator-deno") or shutil.which(str(beside))
    assert found, "install the extra dev: bids-validator-deno is missing"
    return found


def errors_of(folder: Path) -> list[str]:
    """Return what the validator calls an error."""
    done = subprocess.run(
        [validator(), "--max-rows", "-1", "--format", "json", str(folder)],
        capture_output=True,
        text=True,
    )
    issues = json.loads(done.stdout)["issues"]["issues"]
    return [f"{i['code']} {i.get('location')}" for i in issues if i["severity"] == "error"]


def test_bids_is_valid(shared: Path, tmp_path: Path) -> None:
    out = export(shared, tmp_path / "bids", write_bids)
    assert errors_of(out) == []


def test_the_validator_sees_a_wrong_cell(shared: Path, tmp_path: Path) -> None:
    out = export(shared, tmp_path / "bids", write_bids)
    table = out / "sub-p002" / "ses-01" / "beh" / "sub-p002_ses-01_task-twoAfc_beh.tsv"
    table.write_text(table.read_text(encoding="utf-8").replace("\ttrue\t", "\tYes\t", 1), "utf-8")
    assert errors_of(out)


def test_bids_holds_every_cell(shared: Path, tmp_path: Path) -> None:
    out = export(shared, tmp_path / "bids", write_bids)
    log = load_log(shared).trials
    tables = sorted(out.glob("sub-*/ses-*/beh/*_task-twoAfc_beh.tsv"))
    read = [pd.read_csv(table, sep="\t", na_values=["n/a"]) for table in tables]
    found = pd.concat(read, ignore_index=True)
    assert list(found.columns) == names(log_columns("two_afc"))
    np.testing.assert_array_equal(found["rt_s"], log["rt_s"])
    assert found["query_a"].tolist() == log["query_a"].tolist()
    assert found["correct"].tolist() == log["correct"].tolist()
    sidecar = json.loads((out / "task-twoAfc_beh.json").read_text(encoding="utf-8"))
    assert sidecar["rt_s"]["Units"] == "s"
    assert set(sidecar["choice"]["Levels"]) == {"a", "b"}
    assert set(names(log_columns("two_afc"))) <= set(sidecar)


def test_bids_says_no_more_of_participants_than_the_experimenter(
    shared: Path, tmp_path: Path
) -> None:
    out = export(shared, tmp_path / "bids", write_bids)
    cells = (out / "participants.tsv").read_text(encoding="utf-8")
    assert cells == "participant_id\tage_group\nsub-p001\tn/a\nsub-p002\t20 to 29\n"
    assert not list(out.glob("sub-p003*"))  # no trial, no data


def test_a_second_export_is_the_same_and_overwrites_nothing(shared: Path, tmp_path: Path) -> None:
    for write in (write_bids, write_psychds):
        one, two = (export(shared, tmp_path / f"{write.__name__}{i}", write) for i in "12")
        for path in some(sorted(one.rglob("*"))):
            if path.is_file():
                assert path.read_bytes() == (two / path.relative_to(one)).read_bytes()
        with pytest.raises(BadInput, match="nothing is overwritten"):
            export(shared, one, write)


def test_psychds_follows_the_rules(shared: Path, tmp_path: Path) -> None:
    """Rules that psychds-docs.readthedocs.io lists as errors when they are broken.

    The metadata file at the top is JSON-LD with @context, @type, name, description and
    variableMeasured; there is a folder data with at least one table; names are key-value pairs with
    the suffix _data and the ending .csv; tables are UTF-8 with a header, rows as long as it, and no
    column that variableMeasured lacks, nor does that name one which no table has.
    """
    out = export(shared, tmp_path / "psychds", write_psychds)
    about = json.loads((out / "dataset_description.json").read_text(encoding="utf-8"))
    assert about["@context"] == "https://schema.org"
    assert about["@type"] == "Dataset"
    assert about["name"] and about["description"]
    measured = [variable["name"] for variable in about["variableMeasured"]]
    assert all(variable["@type"] == "PropertyValue" for variable in some(about["variableMeasured"]))
    assert len(measured) == len(set(measured))
    tables = sorted((out / "data").rglob("*"))
    assert len(tables) == 5  # three sessions, one with ratings, and the participants
    columns: set[str] = set()
    for table in tables:
        assert re.fullmatch(r"([a-z]+-[a-zA-Z0-9]+)(_[a-z]+-[a-zA-Z0-9]+)*_data\.csv", table.name)
        rows = pd.read_csv(table, dtype=str, keep_default_na=False, encoding="utf-8")
        lines = table.read_text(encoding="utf-8").splitlines()
        assert {line.count(",") for line in lines} == {len(rows.columns) - 1}
        assert len(rows) and "row_id" not in rows
        columns |= set(rows.columns)
    assert columns == set(measured)


def test_names_in_files() -> None:
    assert letters_and_digits("demo_two_afc") == "demoTwoAfc"
    assert letters_and_digits("p001") == "p001"


def test_bad_input_is_one_sentence(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(shared)]) == 2
    assert "--bids DIR" in capsys.readouterr().err
    file = shared / "participants.tsv"
    for content, expected in (
        ("id\tage\np001\t3\n", "column 'participant_id' is missing"),
        (
            "participant_id\np001\nsub-p001\n",
            "line 3, column 'participant_id': 'p001' is listed twice",
        ),
    ):
        file.write_text(content, encoding="utf-8")
        assert main(["export", str(shared), "--bids", str(tmp_path / "out")]) == 2
        error = capsys.readouterr().err
        assert expected in error and error.count("\n") == 1
        assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []


def test_the_command_writes_both(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bids, psychds = tmp_path / "a" / "bids", tmp_path / "a" / "psychds"
    assert main(["export", str(shared), "--bids", str(bids), "--psychds", str(psychds)]) == 0
    assert (bids / "README.md").is_file() and (psychds / "README.md").is_file()
    assert capsys.readouterr().out.count("exported to") == 2
