"""Many CSV files of one header read in one go with Arrow, where nothing about them is odd."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import pandas as pd

from conditions.columns import Column, names

_ODD = (b'"', b"\r")
"""Quotes may hold line feeds."""


def read_at_once(contents: Sequence[bytes], columns: tuple[Column, ...]) -> pd.DataFrame | None:
    """Read and check the rows of files, one after the other.

    Every cell is checked as by :func:`conditions.csv_files.parse`, which also gives the same
    frame, several times more slowly.

    Parameters
    ----------
    contents
        Of files that end with a line feed.
    columns
        That each must have, in this order.

    Returns
    -------
    pandas.DataFrame or None
        None if a cell is odd or wrong, or pyarrow is not there: then it takes the careful way to
        read the files, or to say what is wrong.
    """
    if not contents or importlib.util.find_spec("pyarrow") is None:
        return None
    header = ",".join(names(columns)).encode() + b"\n"
    if not all(content.startswith(header) for content in contents):
        return None
    text = b"".join(content[len(header) :] for content in contents)
    if not text or any(sign in text for sign in _ODD):
        return None
    return _read(text, columns)


def _read(text: bytes, columns: tuple[Column, ...]) -> pd.DataFrame | None:
    import pyarrow as pa
    from pyarrow import compute, csv

    types = {
        "str": pa.large_string(),
        "int": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
    }
    # Levels are compared as they are written. Whole numbers are read as any other, for Arrow would
    # take hexadecimal ones too.
    first = types | {"int": pa.float64()}
    read_as = {c.name: first["str" if c.levels else c.type] for c in columns}
    try:
        table = csv.read_csv(
            pa.py_buffer(text),
            read_options=csv.ReadOptions(column_names=names(columns), block_size=2**24),
            convert_options=csv.ConvertOptions(
                column_types=read_as,
                null_values=[""],
                true_values=["True"],
                false_values=["False"],
                strings_can_be_null=True,
            ),
        )
        if table.num_rows != text.count(b"\n"):
            return None
        for place, column in enumerate(columns):
            cells = table.column(place)
            if cells.null_count and not column.blank:
                return None
            if column.levels:
                levels = {str(level) for level in column.levels}
                if not set(compute.unique(cells).to_pylist()) <= levels | {None}:
                    return None
            finite = compute.is_finite(cells) if cells.type == pa.float64() else None
            if finite is not None and not compute.all(finite, min_count=0).as_py():
                return None
            if column.levels or column.type == "int":
                table = table.set_column(place, column.name, cells.cast(types[column.type]))
    except pa.ArrowInvalid:
        return None
    to: dict[Any, Any] = {
        types["str"]: pd.StringDtype(),
        types["int"]: pd.Int64Dtype(),
        types["bool"]: pd.BooleanDtype(),
    }
    frame: pd.DataFrame = table.to_pandas(types_mapper=to.get)
    return frame
