"""What is known of a column of a table."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name
        Name in the file's header.
    type
        ``str``, ``int``, ``float`` or ``bool`` (written True and False).
    description
        What the value means, in one sentence.
    unit
        Unit of a quantity, empty where it has none.
    levels
        The only values allowed; empty where any value is.
    blank
        Whether a cell may be empty.
    source
        Who fills the column: ``stimgen``, ``table``, ``session`` or ``response``.
    """

    name: str
    type: str
    description: str
    unit: str = ""
    levels: tuple[str | int, ...] = ()
    blank: bool = False
    source: str = "table"


def filled_by(source: str, *rows: Column) -> tuple[Column, ...]:
    """Return columns that one source fills."""
    return tuple(replace(column, source=source) for column in rows)


UNIT_COLUMNS = filled_by(
    "stimgen",
    Column("network", "str", "Network that the unit belongs to."),
    Column("layer", "str", "Layer of the unit."),
    Column("branch", "str", "Branch of a mixed layer; blank where it has none.", blank=True),
    Column("channel", "int", "Channel of the unit, an index into the whole layer, from 0."),
)


def names(columns: tuple[Column, ...]) -> list[str]:
    """Return the names of columns, in order."""
    return [column.name for column in columns]
