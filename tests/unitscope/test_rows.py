"""The types of rows agree with the columns, and mypy finds what does not."""

from __future__ import annotations

import os
import subprocess
import sys
import typing
from pathlib import Path

import pytest

from unitscope import row_types
from unitscope.columns import (
    FRAME_COLUMNS,
    RATING_COLUMNS,
    VERSION_COLUMN,
    Column,
    log_columns,
    names,
    table_columns,
)
from unitscope.dictionary import ROW_TYPES
from unitscope.dictionary import row_types as made
from unitscope.records import SessionRecord
from unitscope.rows import correct_slots, half_row, image_of, references, unit_names
from unitscope.vocabulary import TASKS

TYPES = {"str": str, "int": int, "float": float, "bool": bool}


def expected(columns: tuple[Column, ...]) -> dict[str, object]:
    return {
        column.name: TYPES[column.type] | None if column.blank else TYPES[column.type]
        for column in columns
        if column.name != VERSION_COLUMN.name
    }


def test_the_types_are_made_from_the_columns() -> None:
    assert ROW_TYPES.read_text(encoding="utf-8") == made()


def test_a_row_of_the_log_has_the_columns_of_every_task_and_no_other() -> None:
    found = typing.get_type_hints(row_types.LogRow)
    of_tasks = [expected(log_columns(task)) for task in TASKS]
    assert found == {name: kind for cells in of_tasks for name, kind in cells.items()}
    for cells in of_tasks:
        assert row_types.LogRow.__required_keys__ <= set(cells)


def test_a_row_of_a_table_has_the_columns_of_every_task_and_no_other() -> None:
    found = set(typing.get_type_hints(row_types.TrialRow))
    every = {name for task in TASKS for name in names(table_columns(task))}
    assert found == every - {VERSION_COLUMN.name}


@pytest.mark.parametrize(
    ("row", "columns"),
    [(row_types.RatingRow, RATING_COLUMNS), (row_types.FrameRow, FRAME_COLUMNS)],
)
def test_ratings_and_frames_have_their_columns(row: type, columns: tuple[Column, ...]) -> None:
    assert typing.get_type_hints(row) == expected(columns)


def test_a_session_record_names_its_version_as_the_tables_do() -> None:
    assert VERSION_COLUMN.name in typing.get_type_hints(SessionRecord)


SNIPPET = """\
from unitscope.records import SessionRecord
from unitscope.row_types import LogRow, LogText, TrialRow

def respond(row: TrialRow, done: LogRow, text: LogText, facts: SessionRecord) -> object:
    known = row["reference_condition"], row.get("query_a"), done["rt_s"], facts["trials"]
    misspelt = {misspelt}
    return known, misspelt
"""


MISSPELT = {
    'row["participant_group"]': "no key",
    'row["channl"]': "no key",
    'done["rt"]': "no key",
    'facts["trial"]': "no key",
    'text.get("participant_group", "").upper()': '"object" has no attribute "upper"',
    'text.get("group", "").upper()': "",
    'done["rt_s"] + 1': "Unsupported operand types",
    'row["channel"] + 1': "",
}
"""An expression to what mypy says of it, nothing where all is well."""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What mypy says of each expression."""
    folder = tmp_path_factory.mktemp("misspelt")
    for number, misspelt in enumerate(MISSPELT):
        text = SNIPPET.format(misspelt=misspelt)
        (folder / f"snippet_{number}.py").write_text(text, encoding="utf-8")
    root = Path(row_types.__file__).parents[1]
    options = ["--follow-imports=silent", f"--config-file={root / 'pyproject.toml'}"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, f"--cache-dir={folder / 'cache'}", str(folder)],
        cwd=root,
        env=os.environ | {"MYPYPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if ": error: " in line]
    return [[line for line in lines if f"snippet_{n}.py" in line] for n in range(len(MISSPELT))]


@pytest.mark.parametrize("misspelt", MISSPELT)
def test_mypy_finds_a_misspelt_column(misspelt: str, said: list[list[str]]) -> None:
    found, expected = said[list(MISSPELT).index(misspelt)], MISSPELT[misspelt]
    assert len(found) == bool(expected), found
    assert expected in "".join(found)


ROW: row_types.TrialRow = typing.cast(
    row_types.TrialRow,
    {"n_rows": 2, "n_images": 2, "unit_0": "u", "unit_1": "v", "unit_2": None}
    | {"correct_slot_0": 1, "correct_slot_1": 0, "correct_slot_2": None}
    | {"left_0_0": "a", "left_0_1": "b", "left_0_2": None, "right_1_0": "c", "right_1_1": "d"}
    | {"reference_max_0": "e", "reference_max_1": "f", "reference_max_2": None},
)


def test_numbered_cells_are_found_by_their_number() -> None:
    assert references(ROW, "max") == ["e", "f"]
    assert references(ROW, "min") == []
    assert half_row(ROW, "left", 0) == ["a", "b"]
    assert half_row(ROW, "right", 1) == ["c", "d"]
    assert unit_names(ROW) == ["u", "v"]
    assert correct_slots(ROW) == (1, 0)
    assert image_of(ROW, "left_0_2") is None
