"""The rows of a study's files, and where each of them stands."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.logs.at_once import read_at_once
from unitscope.cells import read_content
from unitscope.columns import COLUMNS_VERSION, Column, as_of, imported_columns, log_columns, names
from unitscope.errors import BadInput
from unitscope.records import whole_lines
from unitscope.tables import (
    brought_up_to_date,
    columns_version,
    empty_frame,
    lines_of,
    parse,
    read_cells,
    task_of,
)
from unitscope.vocabulary import TASKS


@dataclass(frozen=True)
class Rows:
    """Rows of several files, one after the other.

    Parameters
    ----------
    frame
        All rows.
    files
        Where they come from, those without rows among them.
    lengths
        Number of rows of each file.
    lines
        Place of a file to the lines of its rows, where these do not simply follow the header.
    """

    frame: pd.DataFrame
    files: tuple[Path, ...]
    lengths: np.ndarray
    lines: Mapping[int, list[int]] = field(default_factory=dict)

    def place(self, row: int) -> str:
        """Return the file and line of a row, as error messages name them."""
        ends = np.cumsum(self.lengths)
        number = int(np.searchsorted(ends, row, side="right"))
        row -= int(ends[number] - self.lengths[number])
        line = self.lines[number][row] if number in self.lines else row + 2
        return f"{self.files[number]}, line {line}"


def read_files(files: list[Path], columns: tuple[Column, ...], found: list[str]) -> Rows:
    """Read files that grow line by line; a missing one has no rows.

    Parameters
    ----------
    files
        What to read, of any version of the columns that is known.
    columns
        That each must have.
    found
        Gets a sentence for each incomplete last line, which is ignored.

    Raises
    ------
    BadInput
        If a file cannot be read or a cell does not fit, naming file, line and column.
    """
    lines: dict[int, list[int]] = {}
    version = _version_of_first(files)
    read = read_at_once(files, as_of(columns, version))
    if read is None:
        contents = [_read(file, found) if file.is_file() else None for file in files]
        texts = [
            None if content is None else read_cells(content, file)
            for content, file in zip(contents, files, strict=True)
        ]
        frame = _parse(texts, files, columns)
        lengths = [0 if text is None else len(text) for text in texts]
        lines = {
            place: lines_of(text)
            for place, text in enumerate(texts)
            if text is not None and "lines" in text.attrs
        }
    else:
        frame, lengths = brought_up_to_date(read.frame, columns, version), read.lengths
        found += [_cut(files[place], lengths[place] + 2) for place in read.cut]
    return Rows(frame, tuple(files), np.array(lengths, dtype=np.int64), lines)


def _version_of_first(files: list[Path]) -> int:
    """Return the version of the first file with a row, which the others mostly share."""
    for file in files:
        if file.is_file():
            with file.open("rb") as lines:
                start = lines.readline() + lines.readline()
            if start.count(b"\n") == 2:
                with suppress(BadInput):  # Said by whoever reads the whole file.
                    return columns_version(read_cells(start, file), file)
    return COLUMNS_VERSION


def columns_of(files: list[Path]) -> tuple[Column, ...]:
    """Return the columns by the first log that has trials: its task's, our own or imported.

    Raises
    ------
    BadInput
        If that log cannot be read.
    """
    for file in files:
        if file.is_file():
            text = read_cells(_read(file, []), file)
            if len(text):
                is_imported = "import_flags" in text.columns
                return (imported_columns if is_imported else log_columns)(task_of(text, file))
    return log_columns(TASKS[0])


def _read(file: Path, found: list[str]) -> bytes:
    """Read a file's bytes without a last line that was cut off."""
    content = read_content(file)
    whole = whole_lines(content)
    if not whole:
        raise BadInput(f"{file}: no line is complete, expected a header and rows")
    if whole != content:
        found.append(_cut(file, whole.count(b"\n") + 1))
    return whole


def _cut(file: Path, line: int) -> str:
    return f"{file}: line {line}, the last, was cut off while it was written and is ignored"


def _parse(
    texts: list[pd.DataFrame | None], files: list[Path], columns: tuple[Column, ...]
) -> pd.DataFrame:
    """Turn files of strings into one typed frame."""
    there = [(text, file) for text, file in zip(texts, files, strict=True) if text is not None]
    if not there:
        return empty_frame(columns)
    _check_one_task(there)
    if all(list(text.columns) == names(columns) and not text.attrs for text, _ in there):
        try:
            # Checking a column of all files at once is many times faster than file by file.
            return parse(pd.concat([text for text, _ in there], ignore_index=True), columns, "")
        except BadInput:
            pass  # Said again below, with the file and the line in it.
    return pd.concat([parse(text, columns, file) for text, file in there], ignore_index=True)


def _check_one_task(there: list[tuple[pd.DataFrame, Path]]) -> None:
    """Refuse logs of several tasks, whose columns differ."""
    first: dict[str, Path] = {}
    for text, file in there:
        if "task" in text.columns and len(text) and text["task"].iloc[0] in TASKS:
            first.setdefault(str(text["task"].iloc[0]), file)
    if len(first) > 1:
        (task, file), (other, other_file) = list(first.items())[:2]
        raise BadInput(
            f"{other_file}: found a session of the task {other}, but {file} is of {task}; "
            "expected the sessions of one design"
        )
