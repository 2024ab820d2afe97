"""Fast reading of many logs as we write them, with Arrow; all else is left to the one reader."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from unitscope.columns import Column, names
from unitscope.records import whole_lines

_ODD = (b'"', b"\r", b"\0")
"""Quotes may hold line feeds."""

_GROUP_BYTES, _BLOCK_BYTES = 2**23, 2**19
"""Read together, and parsed together: no more than the processor's cache holds."""


class Read(NamedTuple):
    """What was read of files, one after the other.

    Parameters
    ----------
    frame
        All rows.
    lengths
        Number of rows of each file, 0 for one that is missing.
    cut
        Indices of the files whose last line is incomplete; it is not read.
    """

    frame: pd.DataFrame
    lengths: list[int]
    cut: list[int]


def read_at_once(files: Sequence[Path], columns: tuple[Column, ...]) -> Read | None:
    """Read and check the rows of files.

    Every cell is checked as by :func:`unitscope.tables.parse`, which also gives the same
    frame, several times more slowly.

    Parameters
    ----------
    files
        What to read; a missing one has no rows.
    columns
        That each must have, in this order.

    Returns
    -------
    Read or None
        None if a cell is unusual or wrong, there is no row, a file cannot be read, or pyarrow is
        missing: then the one reader reads the files, or says what is wrong.
    """
    if importlib.util.find_spec("pyarrow") is None:
        return None
    import pyarrow as pa

    lengths: list[int] = []
    cut: list[int] = []
    tables: list[Any] = []
    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        try:
            groups = list(_groups(files))
            read = partial(_read, columns=columns, use_threads=len(groups) == 1)
            for table, found in pool.map(read, groups):
                cut += [len(lengths) + place for place, (_, is_cut) in enumerate(found) if is_cut]
                lengths += [length for length, _ in found]
                tables += [] if table is None else [table]
            if not tables:
                return None
            cells = pa.concat_tables(tables).columns
            arrays = dict(zip(names(columns), pool.map(_converted, cells, columns), strict=True))
        except (OSError, pa.ArrowInvalid, _OddError):
            return None
    return Read(pd.DataFrame(arrays, copy=False), lengths, cut)


class _OddError(Exception):
    """Something is there that is not read at once."""


def _groups(files: Sequence[Path]) -> Iterator[list[Path | None]]:
    """Yield files that are read together, None in place of a missing one."""
    group: list[Path | None] = []
    size = 0
    for file in files:
        try:
            size += file.stat().st_size
            group.append(file)
        except FileNotFoundError:
            group.append(None)
        if size >= _GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _read(
    files: list[Path | None], columns: tuple[Column, ...], use_threads: bool
) -> tuple[Any, list[tuple[int, bool]]]:
    """Return a table, None without rows, and of each file the rows and whether it was cut off."""
    header = ",".join(names(columns)).encode() + b"\n"
    rows, found = [], []
    for file in files:
        content = header if file is None else file.read_bytes()
        whole = whole_lines(content)
        if not whole.startswith(header):
            raise _OddError
        rows.append(memoryview(whole)[len(header) :])
        found.append((whole.count(b"\n") - 1, len(whole) < len(content)))
    text = b"".join(rows)
    if any(sign in text for sign in _ODD):
        raise _OddError
    table = _parsed(text, columns, use_threads) if text else None
    if table is not None and table.num_rows != sum(length for length, _ in found):
        raise _OddError
    return table, found


def _parsed(text: bytes, columns: tuple[Column, ...], use_threads: bool) -> Any:
    """Return a table whose whole numbers are numbers yet, and whose levels are text."""
    import pyarrow as pa
    from pyarrow import csv

    # Arrow would take hexadecimal whole numbers too. Levels are compared as they are written.
    types = {
        "str": pa.large_string(),
        "int": pa.float64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
    }
    return csv.read_csv(
        pa.py_buffer(text),
        read_options=csv.ReadOptions(
            column_names=names(columns), block_size=_BLOCK_BYTES, use_threads=use_threads
        ),
        parse_options=csv.ParseOptions(quote_char=False),
        convert_options=csv.ConvertOptions(
            column_types={c.name: types["str" if c.levels else c.type] for c in columns},
            null_values=[""],
            true_values=["True"],
            false_values=["False"],
            strings_can_be_null=True,
        ),
        # The default one takes memory by huge pages, all of which must be cleared first.
        memory_pool=pa.system_memory_pool(),
    )


def _converted(cells: Any, column: Column) -> Any:
    """Return the cells of a column as pandas holds them, each checked."""
    import pyarrow as pa
    from pyarrow import compute

    blanks = cells.null_count
    if blanks and not column.blank:
        raise _OddError
    if column.levels:
        levels = {str(level) for level in column.levels}
        if not set(compute.unique(cells).to_pylist()) <= levels | {None}:
            raise _OddError
    if column.type == "str":
        return pd.StringDtype().__from_arrow__(cells)
    if column.type == "bool":
        values = cells.fill_null(False).to_numpy()
    else:
        values = np.require(cells.cast(pa.float64()).to_numpy(), requirements="W")
        if np.count_nonzero(np.isfinite(values)) != len(values) - blanks:
            raise _OddError
        if column.type == "float":
            return values
    is_blank = cells.is_null().to_numpy() if blanks else np.zeros(len(values), bool)
    if column.type == "bool":
        return pd.arrays.BooleanArray(values, is_blank)
    values[is_blank] = 0
    whole = values.astype(np.int64) if (np.abs(values) < 2**63).all() else np.zeros(0)
    if not np.array_equal(whole, values):
        raise _OddError
    return pd.arrays.IntegerArray(whole, is_blank)
