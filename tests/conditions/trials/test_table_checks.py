"""Condition tables are believed in nothing: each is made again and compared."""

import shutil

import pandas as pd
import pytest
import yaml

from conditions.__main__ import main
from conditions.design.reading import find_design, read_design
from conditions.trials import table_checks
from conditions.trials.condition_tables import read_table, write_tables
from conditions.trials.table_checks import TableChecks
from tests.conditions.conftest import units_for
from tests.conftest import write_stimulus_set
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet
from unitscope.tables import read_cells


def design_file(folder, name, **settings):
    """Write a shipped design with another seed, and whatever else is to differ."""
    data = yaml.safe_load(find_design(name).read_text(encoding="utf-8"))
    data |= {"seed": 90210, **settings}
    folder.mkdir(parents=True, exist_ok=True)
    if "table" in data["units"]:
        shutil.copy(find_design(name).parent / data["units"]["table"], folder / "units.csv")
        data["units"]["table"] = "units.csv"
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return write_stimulus_set(tmp_path_factory.mktemp("sets") / "toy")


def edited(path, change):
    """Edit the cells of a table as text and write it back."""
    cells = read_cells(path.read_bytes(), path)
    change(cells).to_csv(path, index=False, lineterminator="\n")
    return path


def check(path, design, stimuli):
    return TableChecks(read_design(design), StimulusSet.open(stimuli)).check(read_table(path), path)


def cell(row, column, value):
    """Return a change of one cell; a function of the old value gives the new one."""

    def change(cells):
        old = cells.loc[row, column]
        cells.loc[row, column] = value(old) if callable(value) else value
        assert cells.loc[row, column] != old
        return cells

    return change


def same_as(column, other):
    """Return a change that puts one column's cell of the tenth trial into another's."""
    return lambda cells: cell(9, column, cells.loc[9, other])(cells)


def other_units_references(cells):
    columns = [name for name in cells if name.startswith("reference_m")]
    cells.loc[9, columns] = cells.loc[11, columns]
    return cells


def swapped_trials(cells):
    own = [name for name in cells if name not in ("trial_number", "trial_in_block")]
    cells.loc[[9, 10], own] = cells.loc[[10, 9], own].to_numpy()
    return cells


CHANGES = {
    "a flipped answer": cell(9, "correct_choice", lambda old: {"a": "b", "b": "a"}[old]),
    "another condition": cell(9, "reference_condition", "none"),
    "a query of another trial": lambda cells: cell(9, "query_a", cells.loc[10, "query_a"])(cells),
    "a query that is a reference": same_as("query_a", "reference_max_0"),
    "other units' references": other_units_references,
    "another activation": cell(9, "activation_a", lambda old: str(float(old) + 1e-9)),
    "another channel": cell(9, "channel", lambda old: str(int(old) + 1)),
    "another role": cell(9, "trial_role", "catch"),
    "trials in another order": swapped_trials,
    "a trial less": lambda cells: cells.iloc[:-1],
    "a trial more": lambda cells: pd.concat(
        [cells, cells.iloc[-1:].assign(trial_number=str(len(cells) + 1))]
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_edited_table_is_refused_unless_the_design_allows_it(tmp_path, toy, change):
    design = design_file(tmp_path / "strict", "demo_two_afc")
    (path,) = write_tables(design, toy, [2], tmp_path / "tables")
    assert check(path, design, toy) is False
    with pytest.raises(BadInput, match=r"p002.csv, (line|end of the file).*the table was edited"):
        check(edited(path, change), design, toy)


def test_the_message_names_line_column_and_both_values(tmp_path, toy):
    design = design_file(tmp_path, "demo_two_afc")
    (path,) = write_tables(design, toy, [2], tmp_path / "tables")
    before = read_table(path)["channel"].iloc[9]
    edited(path, cell(9, "channel", "77"))
    with pytest.raises(
        BadInput, match=f"line 11, column 'channel': found '77', expected '{before}'"
    ):
        check(path, design, toy)


@pytest.mark.parametrize("name", ["demo_occlusion", "demo_exemplar_matching"])
def test_every_task_is_made_again(tmp_path, maker_of, name):
    maker = maker_of(name)
    table = maker.table(3)
    assert table_checks.first_difference(table, maker.table(3)) is None
    compared = 0
    for column in table.columns.drop("columns_version"):
        changed = table.copy()
        values = [
            value
            for value in table[column].dropna().unique()
            if str(value) != str(table[column].iloc[4])
        ]
        if values:
            changed.loc[4, column] = values[0]
            assert f"line 6, column {column!r}" in str(
                table_checks.first_difference(changed, maker.table(3))
            )
            compared += 1
    assert compared > 15


def test_another_participants_table_is_refused(tmp_path, toy):
    design = design_file(tmp_path, "demo_two_afc")
    first, _ = write_tables(design, toy, [1, 2], tmp_path / "tables")
    with pytest.raises(BadInput, match="column 'participant_number': found 1, expected 2"):
        check(shutil.copy(first, first.with_name("p002.csv")), design, toy)


def test_tables_of_two_participants_do_not_mix(tmp_path, toy):
    design = design_file(tmp_path, "demo_two_afc")
    first, _ = write_tables(design, toy, [1, 2], tmp_path / "tables")
    with pytest.raises(BadInput, match="line 12, column 'participant_number': found 2, expected 1"):
        check(edited(first, cell(10, "participant_number", "2")), design, toy)


def test_an_edited_table_runs_where_the_design_says_so(tmp_path, toy, capsys):
    design = design_file(tmp_path, "demo_two_afc", edited_tables=True)
    (path,) = write_tables(design, toy, [2], tmp_path / "tables")
    assert check(path, design, toy) is False
    edited(path, CHANGES["a flipped answer"])
    assert check(path, design, toy) is True
    assert main(["check", str(path), "--design", str(design), "--stimuli", str(toy)]) == 0
    assert "edited, as the design allows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "found '', expected such as synthetic-least-1"),
        ("natural-worst-1", "found 'natural-worst-1', expected such as synthetic-least-1"),
        ("natural-least-0", "found 'natural-least-0', expected such as synthetic-least-1"),
        ("mixed-least-1", "no main trial with condition 'mixed' comes before it"),
    ],
)
def test_a_repeat_of_nothing_is_found_before_the_session(tmp_path, value, message):
    name = "borowski2021_exp1"
    design = design_file(tmp_path, name, edited_tables=True)
    units = units_for(read_design(name))
    stimuli = write_stimulus_set(tmp_path / "toy", units=units, n_batches=20, with_files=False)
    (path,) = write_tables(design, stimuli, [1], tmp_path / "tables")
    rows = read_table(path)
    row = int(rows.index[rows["trial_role"] == "repeat"][0])
    edited(path, cell(row, "repeat_of", value))
    with pytest.raises(BadInput, match=message):
        check(path, design, stimuli)


def test_an_edited_table_must_not_give_queries_away(tmp_path, toy):
    design = design_file(tmp_path, "demo_two_afc", edited_tables=True)
    (path,) = write_tables(design, toy, [2], tmp_path / "tables")
    edited(path, CHANGES["a query that is a reference"])
    with pytest.raises(BadInput, match="line 11, column 'query_a': .*'reference_max_0'"):
        check(path, design, toy)


def test_an_image_is_read_once_for_all_tables(tmp_path, toy, monkeypatch):
    design = design_file(tmp_path, "demo_two_afc")
    paths = write_tables(design, toy, range(1, 6), tmp_path / "tables")
    read = []
    real = table_checks.sha256_of
    monkeypatch.setattr(table_checks, "sha256_of", lambda file: read.append(file) or real(file))
    checks = TableChecks(read_design(design), StimulusSet.open(toy))
    assert [checks.check(read_table(path), path) for path in paths] == [False] * 5
    assert len(read) == len(set(read)) > 20


def test_a_changed_or_missing_image_is_named(tmp_path, toy):
    copy = tmp_path / toy.name
    shutil.copytree(toy, copy)
    design = design_file(tmp_path, "demo_two_afc")
    (path,) = write_tables(design, copy, [1], tmp_path / "tables")
    image = copy / read_table(path)["query_a"].iloc[4]
    content = image.read_bytes()
    image.write_bytes(content + b"x")
    with pytest.raises(BadInput, match=f"{image.name}: the image has changed"):
        check(path, design, copy)
    image.unlink()
    with pytest.raises(BadInput, match=f"{image.name}: the image is missing"):
        check(path, design, copy)


def test_a_table_of_another_set_or_design_is_refused(tmp_path, toy):
    design = design_file(tmp_path, "demo_two_afc")
    (path,) = write_tables(design, toy, [1], tmp_path / "tables")
    checks = TableChecks(read_design(design), StimulusSet.open(toy))
    table = read_table(path)
    with pytest.raises(BadInput, match="made for another version of the stimulus set"):
        checks.check(table.assign(manifest_sha256="0" * 64), path)
    with pytest.raises(BadInput, match="made for another design .design is other"):
        checks.check(table.assign(design="other"), path)
