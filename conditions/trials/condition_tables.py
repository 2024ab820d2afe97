"""Condition tables as files, written and read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from conditions.design.design import MOST_PARTICIPANTS, Design
from conditions.design.reading import read_design
from conditions.trials.table_maker import TableMaker
from unitscope.columns import (
    FILLED_BY_SESSION,
    IMAGE_NAMES,
    UNKNOWN_OF_OTHER_UNITS,
    VERSION_COLUMN,
    table_columns,
)
from unitscope.disk import write_files
from unitscope.errors import BadInput
from unitscope.places import STIMULI, TABLES, shown
from unitscope.stimulus_set import StimulusSet
from unitscope.tables import csv_text, lines_of, read_by_task, table_text

IDS_OF_OTHERS = r"(?!p[0-9]+$)[A-Za-z0-9]{1,32}"
"""Ids that are not that of a number."""


def participant_id(number: int) -> str:
    """Return the id of a numbered participant: ``p001``."""
    return f"p{number:03d}"


def parse_participants(text: str) -> list[int]:
    """Read participant numbers such as ``1-20`` or ``1,3,7-9``.

    Raises
    ------
    BadInput
        If the text is anything else or a number is below 1.
    """
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        # Longer ones are not turned into numbers, which takes long.
        if not re.fullmatch("[0-9]{1,9}(-[0-9]{1,9})?", part.strip()):
            raise BadInput(
                f"participants {text!r}: found {part!r}, expected numbers such as 1-20 or 1,3,5"
            )
        if int(last or first) > MOST_PARTICIPANTS:
            raise BadInput(
                f"participants {text!r}: found {part!r}, expected numbers to {MOST_PARTICIPANTS}"
            )
        numbers.extend(range(int(first), int(last or first) + 1))
    if not numbers or min(numbers) < 1:
        raise BadInput(f"participants {text!r}: expected rising numbers from 1 on")
    return sorted(set(numbers))


def table_path(design: Design, participant: int, tables: Path = TABLES) -> Path:
    """Return the path of a participant's condition table."""
    return tables / design.name / f"{participant_id(participant)}.csv"


def prepared_participants(folder: Path) -> list[str]:
    """Return the ids of the participants whose condition tables lie in a folder, in order."""
    # p1000 comes after p999.
    return sorted((path.stem for path in folder.glob("*.csv")), key=lambda own: (len(own), own))


def write_tables(
    design: str | Path,
    stimuli: Path | str | None,
    participants: Sequence[int],
    out: Path | None = None,
    own_id: str | None = None,
) -> list[Path]:
    """Write the condition tables of participants: ``<out>/<design>/p001.csv``.

    Parameters
    ----------
    design
        Name or path of the design.
    stimuli
        Folder of the stimulus set; None for the one that the design names.
    participants
        Numbers from 1.
    out
        Folder of all designs' tables; ``conditions/tables`` if None.
    own_id
        Id of whoever takes the place of the one numbered participant; that of the number if None.

    Returns
    -------
    list of pathlib.Path
        Paths of the tables, written now or already there with the same content.

    Raises
    ------
    BadInput
        If a table with other content is already there, or one cannot be written; then none is.
    """
    read = read_design(design)
    opened = StimulusSet.open(stimuli or STIMULI / read.stimulus_set)
    maker = TableMaker(read, opened)
    if own_id is not None and not (len(participants) == 1 and re.fullmatch(IDS_OF_OTHERS, own_id)):
        raise BadInput(
            f"--id {own_id}: expected one participant number, and an id of letters and digits that "
            "is no other number's, such as p007b"
        )
    for number in participants:  # Before any of the others is made, which takes time.
        maker.require_place_for(number)
    made = {
        table_path(read, number, out or TABLES).with_stem(own_id or participant_id(number)): (
            maker.table(number)
        )
        for number in participants
    }
    for path, table in made.items():
        if path.exists() and not _holds(path, table):
            raise BadInput(
                f"{path}: a table with other content is already there (another stimulus set or "
                "version of the design); move it away first, tables are never overwritten"
            )
    columns = table_columns(read.task)
    new = {path: csv_text(table, columns) for path, table in made.items() if not path.exists()}
    write_files(new)
    return list(made)


def tables_are_there(written: Sequence[Path]) -> str:
    """Return where condition tables lie, for those who had them made."""
    return f"{len(written)} condition tables in {shown(written[0].parent)}"


def _holds(path: Path, table: pd.DataFrame) -> bool:
    """Whether a file has a table's content, in whatever dialect or version of the columns."""
    # Nearly always it is as it was written, which needs no parsing.
    if path.read_bytes() == table_text(table).encode():
        return True
    return _as_text(read_table(path)) == _as_text(table)


def _as_text(table: pd.DataFrame) -> str:
    return table_text(table.drop(columns=VERSION_COLUMN.name))


def read_table(path: Path | str) -> pd.DataFrame:
    """Read a condition table, checking every cell and that trials are numbered in order."""
    table = read_by_task(path, table_columns)
    if table.empty:
        raise BadInput(f"{path}: the table has no trials")
    misplaced = np.flatnonzero(table["trial_number"].to_numpy() != np.arange(1, len(table) + 1))
    if len(misplaced):
        place = int(misplaced[0])
        raise BadInput(
            f"{path}, line {lines_of(table)[place]}, column 'trial_number': "
            f"found {table['trial_number'].iloc[place]}, expected {place + 1}"
        )
    _check_filled(table, path)
    return table


def _check_filled(table: pd.DataFrame, path: Path | str) -> None:
    """Check that only trials which are chosen during the session have no images."""
    for name in FILLED_BY_SESSION:
        if name in table:
            may_lack = table["trial_role"] == "repeat"
            if name in UNKNOWN_OF_OTHER_UNITS:
                may_lack |= table["trial_role"] == "catch"
            wrong = table[name].isna() & ~may_lack
            if wrong.any():
                line = lines_of(table)[int(np.flatnonzero(wrong.to_numpy())[0])]
                raise BadInput(
                    f"{path}, line {line}, column {name!r}: found '', expected a value, as the "
                    "trial is not a repeat"
                )


def images_of(table: pd.DataFrame) -> list[str]:
    """Return every image that a table shows, each once, sorted."""
    columns = [name for name in IMAGE_NAMES if name in table]
    return sorted({str(name) for column in columns for name in table[column].dropna()})
