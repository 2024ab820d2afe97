"""Who takes part: the prepared participants, how far each is, and how cells are filled."""

from __future__ import annotations

import shutil

import pytest

from conditions.design.reading import read_design
from conditions.trials.condition_tables import prepared_participants
from experiments.__main__ import main
from experiments.runner.observers import GradedObserver
from experiments.runner.schedule import cell_of, next_open, schedule
from experiments.runner.session import Session
from experiments.runner.simulation import simulate
from unitscope.errors import BadInput


@pytest.fixture
def tables(quick_tables):
    return quick_tables.parent


def take_part(request):
    """Go through a whole session."""
    session = Session.open(request)
    simulate(session, GradedObserver(1))
    session.finish()


def begin(request):
    """Begin a session and leave it."""
    Session.open(request).finish()


def test_the_states_of_participants(request_for, quick_design, tables, tmp_path):
    take_part(request_for("p001"))
    begin(request_for("p002"))
    take_part(request_for("p003"))
    begin(request_for("p003", session=2))
    scheduled = schedule(quick_design, tmp_path / "data", tables)
    assert [one.participant for one in scheduled] == ["p001", "p002", "p003", "p004"]
    assert [one.state for one in scheduled] == ["done", "unfinished", "done", "open"]
    assert [one.words for one in scheduled] == [
        "session 1 completed",
        "session 1 unfinished after 0 trials",
        "session 1 completed, session 2 unfinished after 0 trials",
        "open",
    ]
    assert next_open(scheduled) == "p004"


def test_the_command_says_who_comes_next(request_for, quick_design_file, tables, tmp_path, capsys):
    take_part(request_for("p001"))
    begin(request_for("p002"))
    where = ["--tables", str(tables), "--data", str(tmp_path / "data")]
    assert main(["schedule", str(quick_design_file), *where]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "next: p003 (order 1)"
    assert [line.split() for line in lines[3:]] == [
        ["order", "done", "unfinished", "open"],
        ["1", "1", "0", "1"],
        ["2", "0", "1", "1"],
        ["all", "1", "1", "2"],
        ["p002:", "session", "1", "unfinished", "after", "0", "trials"],
    ]
    for participant in ("p003", "p004"):
        take_part(request_for(participant))
    assert main(["schedule", str(quick_design_file), *where]) == 0
    assert "next: nobody; make further tables" in capsys.readouterr().out


def test_a_design_without_tables_has_nobody(quick_design_file, tmp_path, capsys):
    where = ["--tables", str(tmp_path), "--data", str(tmp_path)]
    assert main(["schedule", str(quick_design_file), *where]) == 0
    assert "0 condition tables" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("design", "number", "cell"),
    [
        ("demo_two_afc", 2, {"order": "2"}),
        ("zimmermann2021_replication", 2, {"group": "synthetic"}),
        ("borowski2021_exp2", 6, {"order": "2", "schemes": "2"}),
        ("klein2023_featurevis", 6, {}),
    ],
)
def test_the_cell_of_a_participant(design, number, cell):
    assert cell_of(read_design(design), number) == cell


def test_a_further_session_is_begun_on_purpose_only(request_for):
    take_part(request_for())
    with pytest.raises(BadInput, match="p001 has completed session 1; .* --session 2$"):
        Session.open(request_for())
    take_part(request_for(session=2))
    with pytest.raises(BadInput, match="completed session 2; .* --session 3$"):
        Session.open(request_for())


@pytest.mark.parametrize(
    ("typed", "meant"), [("7", "p004"), ("p044", "p004"), ("P003", "p003"), ("sub2", "p002")]
)
def test_an_id_without_a_table_is_told_the_nearest_that_has_one(
    request_for, quick_tables, tmp_path, typed, meant
):
    request = request_for(typed, table=quick_tables / f"{typed}.csv")
    with pytest.raises(BadInput, match=f"has no condition table.* did you mean '{meant}'"):
        Session.open(request)
    assert not (tmp_path / "data").exists()


def test_participants_are_in_the_order_of_their_numbers(quick_tables, tmp_path):
    for name in ("p1000", "p002", "p999"):
        shutil.copy(quick_tables / "p001.csv", tmp_path / f"{name}.csv")
    assert prepared_participants(tmp_path) == ["p002", "p999", "p1000"]
