"""Check condition tables: each is made again from its design and set, and compared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from conditions.design.design import Design
from conditions.trials.condition_tables import images_of
from conditions.trials.planning import RepeatOf
from conditions.trials.table_maker import TableMaker
from unitscope.columns import REFERENCE_COLUMN_NAMES, VERSION_COLUMN
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet, sha256_of
from unitscope.tables import lines_of


class TableChecks:
    """Checks condition tables of one design and one stimulus set, hashing each image once.

    A table follows from design, set and participant alone. So it is made again and compared cell
    by cell; nothing in it is believed. A design that says ``edited_tables: true`` allows others,
    of which only what every session needs is checked.
    """

    def __init__(self, design: Design, stimuli: StimulusSet) -> None:
        self.design = design
        self.stimuli = stimuli
        self._maker = TableMaker(design, stimuli)
        self._unchanged: set[str] = set()

    def check(self, table: pd.DataFrame, path: Path) -> bool:
        """Check one table.

        Parameters
        ----------
        table
            As :func:`conditions.trials.condition_tables.read_table` gives it.
        path
            File that it was read from. Errors name it, and a name such as ``p003.csv`` says whose
            table it must be.

        Returns
        -------
        bool
            Whether the table was edited, which only a design with ``edited_tables`` allows.

        Raises
        ------
        BadInput
            Naming the first mismatch.
        """
        self._check_sources(table, path)
        number = _participant_number(table, path)
        difference = first_difference(table, self._maker.table(number))
        if difference is not None:
            if not self.design.edited_tables:
                raise BadInput(
                    f"{path}, {difference}; the table was edited, or made by another version of "
                    "this suite: make it again with: python -m conditions make (a design that "
                    "means to run edited tables says edited_tables: true)"
                )
            _check_edited(table, path)
        self._check_images(table, path)
        return difference is not None

    def _check_sources(self, table: pd.DataFrame, path: Path) -> None:
        for column, expected, what in (
            ("design", self.design.name, "design"),
            ("design_sha256", self.design.sha256, "version of the design"),
            ("stimulus_set", self.stimuli.name, "stimulus set"),
            ("manifest_sha256", self.stimuli.manifest_sha256, "version of the stimulus set"),
        ):
            found = sorted(set(table[column]) - {expected})
            if found:
                raise BadInput(
                    f"{path}: made for another {what} ({column} is {found[0]}, expected "
                    f"{expected}); make it again with: python -m conditions make"
                )

    @cached_property
    def _hashes(self) -> dict[str, str]:
        manifest = self.stimuli.manifest
        return dict(zip(manifest["path"], manifest["sha256"], strict=True))

    def _check_images(self, table: pd.DataFrame, path: Path) -> None:
        for name in images_of(table):
            if name in self._unchanged:
                continue
            if name not in self._hashes:
                manifest = self.stimuli.folder / "manifest.csv"
                raise BadInput(f"{path}: image {name!r} is not in {manifest}")
            file = self.stimuli.file(name)
            if not file.is_file():
                raise BadInput(f"{file}: the image is missing, though {path} needs it")
            if sha256_of(file) != self._hashes[name]:
                raise BadInput(f"{file}: the image has changed since the stimulus set was built")
            self._unchanged.add(name)


def first_difference(
    table: pd.DataFrame, expected: pd.DataFrame, places: Sequence[int] = (), place: str = "line"
) -> str | None:
    """Say where a table first differs from the expected one; None if all cells are equal.

    Parameters
    ----------
    table
        What was found.
    expected
        Its rows, in order, with the same columns; their version is not compared.
    places, place
        What each row of the table is called in the answer; if none, the lines of its file.
    """
    where = list(places) or lines_of(table)
    columns = [name for name in expected.columns if name != VERSION_COLUMN.name]
    rows = min(len(table), len(expected))
    unequal = _plain(table[columns].iloc[:rows]) != _plain(expected[columns].iloc[:rows])
    cells = np.argwhere(unequal)
    if len(cells):
        row, column = int(cells[0][0]), int(cells[0][1])
        name = columns[column]
        return (
            f"{place} {where[row]}, column {name!r}: found "
            f"{_shown(table[name].iloc[row])}, expected {_shown(expected[name].iloc[row])}"
        )
    if len(table) > rows:
        return f"{place} {where[rows]}: found a trial more, expected {len(expected)} trials"
    if len(expected) > rows:
        return f"end of the file: found {len(table)} trials, expected {len(expected)}"
    return None


def _plain(frame: pd.DataFrame) -> np.ndarray:
    cells = [frame[name].to_numpy(dtype=object, na_value=None) for name in frame]
    return np.asarray(np.array(cells, dtype=object).transpose())


def _shown(cell: object) -> str:
    return (
        "''"
        if cell is None or pd.isna(cell)
        else repr(cell if isinstance(cell, str) else str(cell))
    )


def _participant_number(table: pd.DataFrame, path: Path) -> int:
    numbers = table["participant_number"].unique()
    named = re.fullmatch(r"p(\d+)", path.stem)
    expected = int(named[1]) if named else int(numbers[0])
    wrong = np.flatnonzero((table["participant_number"] != expected).to_numpy())
    if len(wrong):
        row = int(wrong[0])
        raise BadInput(
            f"{path}, line {lines_of(table)[row]}, column 'participant_number': found "
            f"{table['participant_number'].iloc[row]}, expected {expected}, the table's participant"
        )
    return expected


def _check_edited(table: pd.DataFrame, path: Path) -> None:
    """Check that trials can be repeated, and that no reference gives a query away."""
    lines = lines_of(table)
    references = [name for name in REFERENCE_COLUMN_NAMES if name in table]
    shown: set[str] = set()
    for line, row in zip(lines, table.to_dict("records"), strict=True):
        if row["trial_role"] == "repeat":
            repeated = _read_repeat(row["repeat_of"], f"{path}, line {line}")
            if repeated.condition not in shown:
                raise BadInput(
                    f"{path}, line {line}, column 'repeat_of': found {row['repeat_of']!r}, but no "
                    f"main trial with condition {repeated.condition!r} comes before it"
                )
        elif row["trial_role"] == "main":
            shown.add(row["reference_condition"])
            for query in ("query_a", "query_b"):
                given = [name for name in references if row[name] == row.get(query)]
                if given:
                    raise BadInput(
                        f"{path}, line {line}, column {query!r}: found {row[query]!r}, which is "
                        f"also the trial's {given[0]!r}, expected another image"
                    )


def _read_repeat(cell: object, where: str) -> RepeatOf:
    found = RepeatOf.read("" if pd.isna(cell) else str(cell))
    if found is None:
        raise BadInput(
            f"{where}, column 'repeat_of': found {_shown(cell)}, expected such as synthetic-least-1"
        )
    return found
