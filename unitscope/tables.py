"""Read and write typed CSV files whose columns are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from unitscope.cells import read_content, read_sheet, with_points
from unitscope.columns import (
    COLUMNS_VERSION,
    RESERVED_NAMES,
    VERSION_COLUMN,
    Column,
    as_of,
    names,
)
from unitscope.disk import write_file
from unitscope.errors import BadInput, nearest
from unitscope.versions import check_columns_version
from unitscope.vocabulary import TASKS

_DTYPES = {"str": "string", "int": "Int64", "float": "float64", "bool": "boolean"}
_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "True or False",
    "str": "text",
}


def read_csv(path: Path | str, columns: tuple[Column, ...], *, extra: bool = False) -> pd.DataFrame:
    """Read a CSV file and check every cell against its column.

    Parameters
    ----------
    path
        File with a header, as for :func:`unitscope.cells.read_sheet`.
    columns
        Columns that the file must have.
    extra
        Whether other columns are allowed; they are kept as text.

    Returns
    -------
    pandas.DataFrame
        One row per row of the file; text as ``string``, integers as ``Int64``, numbers as
        ``float64`` (blank: NaN), truth values as ``boolean``.

    Raises
    ------
    BadInput
        If the file cannot be read or a cell does not fit, naming file, line and column.
    """
    return parse(read_cells(read_content(Path(path)), path), columns, path, extra=extra)


def read_by_task(path: Path | str, columns: Callable[[str], tuple[Column, ...]]) -> pd.DataFrame:
    """Read a CSV file whose columns depend on the task that it names.

    Parameters
    ----------
    path
        As for :func:`read_csv`.
    columns
        Task to columns, such as ``unitscope.columns.log_columns``.

    Raises
    ------
    BadInput
        As for :func:`read_csv`, or if the file names no known task or several.
    """
    text = read_cells(read_content(Path(path)), path)
    return parse(text, columns(task_of(text, path)), path)


def task_of(text: pd.DataFrame, path: Path | str) -> str:
    """Return the task that all rows of a frame of strings name.

    Raises
    ------
    BadInput
        If the column is missing, or a row names another task or none that is known.
    """
    columns_version(text, path)  # A newer one may have other tasks.
    if "task" not in text.columns:
        raise BadInput(f"{path}: column 'task' is missing")
    if text.empty:
        raise BadInput(f"{path}: no rows, expected at least one")
    first = str(text["task"].iloc[0])
    expected = f"one of {', '.join(TASKS)}" if first not in TASKS else f"{first!r} as above"
    for line, task in zip(lines_of(text), text["task"], strict=True):
        if task != first or first not in TASKS:
            raise BadInput(
                f"{path}, line {line}, column 'task': found {task!r}, expected {expected}"
                f"{nearest(task, TASKS)}"
            )
    return first


def read_cells(content: bytes, path: Path | str) -> pd.DataFrame:
    """Read the cells of a table file as strings.

    Parameters
    ----------
    content
        As for :func:`unitscope.cells.read_sheet`.
    path
        File that errors name.

    Returns
    -------
    pandas.DataFrame
        One row per row of the file; :func:`lines_of` says where they stand there.

    Raises
    ------
    BadInput
        As for :func:`unitscope.cells.read_sheet`.
    """
    sheet = read_sheet(content, path)
    frame = pd.DataFrame(sheet.rows, columns=sheet.header, dtype=object)
    # Nothing is kept of a plain file: whatever pandas does with a frame copies this.
    if sheet.lines != list(range(2, len(sheet.lines) + 2)):
        frame.attrs["lines"] = sheet.lines
    if sheet.has_decimal_commas:
        frame.attrs["decimal_commas"] = True
    return frame


def lines_of(frame: pd.DataFrame) -> list[int]:
    """Return the line of the file, from 1, that each row of a frame just read begins on."""
    return list(frame.attrs.get("lines") or range(2, len(frame) + 2))


def with_decimal_points(text: pd.DataFrame) -> pd.DataFrame:
    """Return cells of unknown types with points in all numbers, where the file has commas there."""
    return text.map(with_points) if text.attrs.get("decimal_commas") else text


def parse(
    text: pd.DataFrame, columns: tuple[Column, ...], path: Path | str, *, extra: bool = False
) -> pd.DataFrame:
    """Turn a frame of strings into typed columns, checking every cell.

    Parameters
    ----------
    text
        Frame of strings, as from :func:`read_cells`.
    columns, extra
        As for :func:`read_csv`; a file of an earlier version has the columns that they were then.
    path
        File that errors name.

    Raises
    ------
    BadInput
        Naming file, line and column, what was found and what was expected.
    """
    version = columns_version(text, path)
    older = as_of(columns, version)
    return brought_up_to_date(_parse(text, older, path, extra=extra), columns, version)


def columns_version(text: pd.DataFrame, path: Path | str) -> int:
    """Return the version of the columns of a frame of strings; without any, it is the first.

    Raises
    ------
    BadInput
        If it is newer than this suite, or no version at all.
    """
    if VERSION_COLUMN.name not in text.columns:
        return 1
    if text.empty:
        return COLUMNS_VERSION
    found = str(text[VERSION_COLUMN.name].iloc[0])
    if not found.isdecimal():
        raise BadInput(
            f"{path}, line {lines_of(text)[0]}, column {VERSION_COLUMN.name!r}: "
            f"found {found!r}, expected a whole number"
        )
    return check_columns_version(int(found), path)


def brought_up_to_date(
    frame: pd.DataFrame, columns: tuple[Column, ...], version: int
) -> pd.DataFrame:
    """Give a typed frame of an earlier version today's columns; those new since then are empty."""
    if version == COLUMNS_VERSION:
        return frame
    today = {c.formerly: c.name for c in columns if c.formerly and c.since > version}
    renamed = frame.rename(columns=today)
    extra = [name for name in map(str, renamed.columns) if name not in names(columns)]
    whole = renamed.reindex(columns=[*names(columns), *extra])
    missing = {c.name: _DTYPES[c.type] for c in columns if c.name not in renamed.columns}
    return whole.astype(missing)


def _parse(
    text: pd.DataFrame, columns: tuple[Column, ...], path: Path | str, *, extra: bool
) -> pd.DataFrame:
    wanted = names(columns)
    for name in wanted:
        if name not in text.columns:
            hint = nearest(name, (c for c in map(str, text.columns) if c not in wanted))
            raise BadInput(f"{path}: column {name!r} is missing{hint}")
    unknown = [str(name) for name in text.columns if name not in wanted]
    if unknown and not extra:
        why = nearest(unknown[0], wanted)
        if unknown[0] in RESERVED_NAMES:
            why = ", a name that Builder's scripts use themselves"
        raise BadInput(f"{path}: unknown column {unknown[0]!r}{why}")
    lines = lines_of(text)
    has_commas = text.attrs.get("decimal_commas", False)
    parsed = {}
    for column in columns:
        cells = text[column.name]
        if column.type == "float" and has_commas:
            cells = cells.map(with_points)
        parsed[column.name] = _parse_column(cells, column, path, lines)
    parsed.update({name: text[name].astype("string") for name in unknown})
    found = pd.DataFrame(parsed, index=text.index)
    found.attrs.update({k: v for k, v in text.attrs.items() if k == "lines"})
    return found


def _parse_column(
    cells: pd.Series, column: Column, path: Path | str, lines: list[int]
) -> pd.Series:
    blank = cells == ""
    if column.type == "str":
        values = cells.astype("string")
        bad = pd.Series(False, index=cells.index)
    elif column.type == "bool":
        # Spreadsheets write them in capitals.
        values = cells.str.capitalize().map({"True": True, "False": False}).astype("boolean")
        bad = values.isna() & ~blank
    else:
        numbers = _numbers(cells.mask(blank))
        bad = ~np.isfinite(numbers) & ~blank
        if column.type == "int":
            bad |= ((numbers != numbers.round()) | (numbers.abs() >= 2**63)) & ~blank
            values = numbers.mask(bad).astype("Int64")
        else:
            values = numbers
    if not column.blank:
        bad |= blank
    if column.levels:
        bad |= ~cells.isin([str(level) for level in column.levels]) & ~blank
    if bad.any():
        place = int(np.flatnonzero(bad.to_numpy())[0])
        found = cells.iloc[place]
        expected = (
            "one of " + ", ".join(str(level) for level in column.levels)
            if column.levels
            else _EXPECTED[column.type]
        )
        raise BadInput(
            f"{path}, line {lines[place]}, column {column.name!r}: "
            f"found {found!r}, expected {expected}"
        )
    return values.mask(blank) if column.type == "str" and column.blank else values


def _numbers(cells: pd.Series) -> pd.Series:
    """Turn text into numbers, NaN where it is none."""
    numbers = pd.to_numeric(cells, errors="coerce").astype("float64").copy()
    # pandas 2 rounds the last digit otherwise than Python, which wrote it.
    readable = np.isfinite(numbers.to_numpy())
    numbers[readable] = [float(cell) for cell in cells[readable]]
    return numbers


def dtypes_of(columns: tuple[Column, ...]) -> dict[str, str]:
    """Return the type of each column in a frame."""
    return {column.name: _DTYPES[column.type] for column in columns}


def empty_frame(columns: tuple[Column, ...]) -> pd.DataFrame:
    """Return a frame without rows that has the columns' types."""
    return pd.DataFrame({n: pd.Series(dtype=dtype) for n, dtype in dtypes_of(columns).items()})


def write_csv(frame: pd.DataFrame, path: Path | str, columns: tuple[Column, ...]) -> None:
    """Write the columns of a frame as :func:`csv_text` does, the whole file or none."""
    write_file(Path(path), csv_text(frame, columns), sync=False)


def csv_text(frame: pd.DataFrame, columns: tuple[Column, ...]) -> str:
    """Return the columns of a frame in their order, as the text of a file: line feeds, no index.

    Numbers keep every digit, so that reading the file gives the same values on every machine. The
    version of the columns is today's, whatever file the frame was read from.
    """
    if VERSION_COLUMN.name in names(columns):
        frame = frame.assign(**{VERSION_COLUMN.name: COLUMNS_VERSION})
    return table_text(frame[names(columns)])


def table_text(frame: pd.DataFrame, separator: str = ",", blank: str = "") -> str:
    """Return a frame as the text of a table file: line feeds, no index."""
    return str(frame.to_csv(sep=separator, index=False, na_rep=blank, lineterminator="\n"))
