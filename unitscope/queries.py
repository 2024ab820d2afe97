"""The query pairs of an occlusion set and what baselines answer to them: its ``queries.csv``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from unitscope.cells import read_content
from unitscope.columns import UNIT_COLUMNS, Column
from unitscope.errors import BadInput
from unitscope.set_checksums import require_unchanged
from unitscope.tables import parse, read_cells

QUERIES = "queries.csv"

QUERY_PAIR = ("network", "layer", "channel", "batch")
"""Columns that tell query pairs apart."""

_ENDING = "_correct"

_BATCH = Column("batch", "int", "Batch of the base image, from 0.")

QUERY_COLUMNS = (
    *UNIT_COLUMNS,
    _BATCH,
    Column("source_image", "str", "Name of the image it was made from.", blank=True),
    Column("base_activation", "float", "The unit's activation with nothing hidden."),
    Column("min_activation", "float", "Smallest activation of all positions chosen from."),
    Column("max_activation", "float", "Largest activation of all positions chosen from."),
    Column(
        "relative_activation_difference", "float", "(max - min) / base of the queries.", blank=True
    ),
)


def baseline_columns(baselines: Iterable[str]) -> tuple[Column, ...]:
    """Return the columns that say what baselines answer; a blank cell was not computed."""
    return tuple(
        Column(f"{name}{_ENDING}", "bool", f"Whether the {name} baseline is correct.", blank=True)
        for name in baselines
    )


def read_queries(path: Path) -> pd.DataFrame:
    """Read what baselines answer to each query pair of a stimulus set.

    Parameters
    ----------
    path
        The stimulus set's folder, or its ``queries.csv``.

    Returns
    -------
    pandas.DataFrame
        One row per query pair: the columns of ``QUERY_PAIR``, and for each baseline one of its
        name that says whether its answer is correct, missing where it was not computed.

    Raises
    ------
    BadInput
        If there is no such file, it has changed since its set was built, or a column is missing or
        holds no truth value.
    """
    file = path / QUERIES if path.is_dir() else path
    if not file.is_file():
        raise BadInput(f"{file}: no such file; expected the {QUERIES} of a stimulus set")
    require_unchanged(file)
    text = read_cells(read_content(file), file)
    found = [str(name).removesuffix(_ENDING) for name in text if str(name).endswith(_ENDING)]
    if not found:
        raise BadInput(
            f"{file}: found columns {', '.join(text)}, expected one such as 'centre_correct'"
        )
    pair = tuple(column for column in (*UNIT_COLUMNS, _BATCH) if column.name in QUERY_PAIR)
    columns = baseline_columns(found)
    table = parse(text, (*pair, *columns), file, extra=True)
    named = {column.name: name for column, name in zip(columns, found, strict=True)}
    return table[[*QUERY_PAIR, *named]].rename(columns=named).drop_duplicates(list(QUERY_PAIR))
