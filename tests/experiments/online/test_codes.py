"""What is listed of online participants, and what of it is forgotten."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timezone

import pytest

from experiments.__main__ import main
from experiments.online.claims import (
    FILE,
    FINISHED,
    FOLDER,
    KEY,
    SCREENED_OUT,
    Refused,
    _keyed_hash,
    forget,
)
from tests.experiments.online.test_online_study import finish, page_of


@pytest.fixture
def study(study_of):
    """A study of which two have finished, one was screened out, and one has begun."""
    study = study_of("two_afc", participants=4)
    for person in ("anna", "bert"):
        finish(page_of(study, person))
        # Those who guess are screened out.
        study.claims.settle(study.claims.claim(person)[0].participant, FINISHED)
    study.claims.settle(study.claims.claim("carl")[0].participant, SCREENED_OUT)
    study.claims.claim("dora")
    return study


def run(study, command, *options):
    return main([command, str(study.design.path), *options, "--data", str(study.settings.data)])


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_codes_are_listed_of_who_finished(study, capsys, tmp_path):
    assert run(study, "codes") == 0
    text = capsys.readouterr().out
    found = rows(text)
    assert [row["participant"] for row in found] == ["p001", "p002", "p003", "p003b"]
    assert [row["state"] for row in found] == ["finished", "finished", "screened out", "active"]
    codes = {claim.participant: claim.code for claim in study.claims.all()}
    assert [row["code"] for row in found] == [codes["p001"], codes["p002"], "", ""]
    assert [row["cell"] for row in found] == ["order 1", "order 2", "order 1", "order 1"]
    for row in found:
        then = datetime.fromisoformat(row["claimed_at"])
        assert abs((datetime.now(timezone.utc) - then).total_seconds()) < 3600
    assert run(study, "codes", "--out", str(tmp_path / "codes.csv")) == 0
    assert (tmp_path / "codes.csv").read_text() == text


def test_a_persons_code_is_looked_up(study, capsys):
    assert run(study, "codes", "--person", "bert") == 0
    (row,) = rows(capsys.readouterr().out)
    assert (row["participant"], row["state"]) == ("p002", "finished")
    assert run(study, "codes", "--person", "emil") == 2
    assert "nobody with the id emil has taken part in quick_two_afc" in capsys.readouterr().err
    (study.settings.data / FOLDER / KEY).unlink()
    assert run(study, "codes", "--person", "bert") == 2
    assert "is gone, so that nobody can tell" in capsys.readouterr().err
    assert not (study.settings.data / FOLDER / KEY).exists()
    assert run(study, "codes") == 0


def test_where_nobody_took_part_nothing_is_made(quick_design_file, tmp_path, capsys):
    assert main(["codes", str(quick_design_file), "--data", str(tmp_path / "data")]) == 2
    assert "nobody has taken part in quick online" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_whose_data_are_deleted_is_forgotten(study, capsys):
    folder = study.settings.data / FOLDER
    content = (folder / FILE).read_bytes()
    hashed = _keyed_hash((folder / KEY).read_bytes(), "anna").encode()
    code = study.claims.all()[0].code.encode()
    assert hashed in content
    assert code in content
    # A mark keeps the data, and who it was.
    assert run(study, "withdraw", "p001") == 0
    assert "who came online, as a keyed hash" in capsys.readouterr().out
    assert (folder / FILE).read_bytes() == content
    assert run(study, "withdraw", "p001", "--delete", "--yes") == 0
    assert "who came online, as a keyed hash" in capsys.readouterr().out
    content = (folder / FILE).read_bytes()
    assert hashed not in content
    assert code not in content
    # The table is given to nobody else, and the person is a stranger, who gets the last one.
    assert study.claims.all()[0].state == "finished"
    assert study.claims.claim("anna")[0].participant == "p004"
    with pytest.raises(Refused, match="full"):
        study.claims.claim("emil")
    # Again there is nothing to forget, and others are known as before.
    assert run(study, "withdraw", "p001", "--delete", "--yes") == 0
    assert "who came online" not in capsys.readouterr().out
    assert study.claims.claim("bert")[0].participant == "p002"


def test_a_place_that_was_forgotten_can_be_freed(study_of):
    study = study_of("two_afc")
    first, _ = study.claims.claim("anna", now_s=0)
    forget(study.settings.data / FOLDER, study.design.name, first.participant)
    with pytest.raises(Refused, match="full"):
        study.claims.claim("bert", now_s=7000)
    assert study.claims.claim("bert", now_s=7500)[0].participant == "p001b"
