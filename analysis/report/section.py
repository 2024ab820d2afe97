"""A section of the report: its tables, figures and sentences, in the order of the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.report import phrasing
from analysis.report.groups import Group
from analysis.report.study import Results, Study
from unitscope.vocabulary import TASKS

DASH = "–"


@dataclass(frozen=True)
class Number:
    """A column of a table whose cells are numbers of ``results.json``.

    Parameters
    ----------
    table
        Name of the table.
    name
        Pattern of the numbers' names after the group's, with the table's columns in braces.
    value
        Column of the value; the others go beside it.
    meaning
        What it is, for readers.
    """

    table: str
    name: str
    value: str
    meaning: str


@dataclass(frozen=True)
class ShownColumn:
    """A column of a table on the page.

    Parameters
    ----------
    heading
        For readers.
    column
        Of the table, or a pattern with several in braces.
    as_
        How it is written: text, name (as it is), effect (factors joined by ``*``), measure,
        percent, points, number, signed, hundredfold, p, df or count.
    interval
        Whether the columns low and high follow it.
    if_any
        Whether it is left out where no row has a value, or all are 0.
    """

    heading: str
    column: str
    as_: str = "text"
    interval: bool = False
    if_any: bool = False


CONDITION = ShownColumn("References", "reference_condition")
"""The condition; the heading is that of the report's conditions."""

CORRECT = ShownColumn("Correct (%)", "proportion", "percent", interval=True)
N_PARTICIPANTS = ShownColumn("Participants", "n_participants", "count")
N_UNITS = ShownColumn("Units", "n_units", "count")
N_TRIALS = ShownColumn("Trials", "n_trials", "count")
"""Columns that many tables have."""


@dataclass(frozen=True)
class TableView:
    """A table on the page.

    Parameters
    ----------
    table
        Its name.
    caption
        For readers.
    columns
        What is shown of it.
    absent
        Sentence in place of it where it has no rows; empty to say nothing.
    rows
        Condition on the rows that are shown, as for :meth:`pandas.DataFrame.query`.
    """

    table: str
    caption: str
    columns: tuple[ShownColumn, ...]
    absent: str = ""
    rows: str = ""


@dataclass(frozen=True)
class Drawing:
    """A figure of the report.

    Parameters
    ----------
    name
        Of its files.
    title, caption
        For readers.
    draw
        Returns the figure, or None where the results have nothing to show.
    marks_chance
        Whether a dashed line shows chance, where there is one.
    shows_first
        Whether it shows the first group of observers alone.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Results], Figure | None]
    marks_chance: bool = False
    shows_first: bool = False

    def caption_of(self, results: Results) -> str:
        """Return the caption for some results, with the group that is shown and the chance line."""
        text = self.caption
        if self.shows_first and len(results.groups) > 1:
            text += f" Shown: {results.remaining[0].label}."
        known = self.marks_chance and np.isfinite(results.chance)
        return f"{text} Dashed: chance." if known else text


@dataclass(frozen=True)
class Cell:
    """A cell of a table on the page.

    Parameters
    ----------
    text
        What it says.
    aside
        Smaller, behind it, such as an interval.
    look
        ``words`` for text that may run over lines, ``whole`` for what must not.
    """

    text: str
    aside: str = ""
    look: str = ""


@dataclass(frozen=True)
class Table:
    """A table, ready for the page.

    Parameters
    ----------
    caption
        For readers.
    headings
        One cell a column.
    rows
        Cells; the first of a row is its heading.
    """

    caption: str
    headings: list[Cell]
    rows: list[list[Cell]]


@dataclass(frozen=True)
class Sentence:
    """A paragraph, or a note in smaller print below what it explains."""

    text: str
    is_note: bool = False


@dataclass(frozen=True)
class Items:
    """A list of points, each a title (or none) and a sentence."""

    points: list[tuple[str, str]]


Block: TypeAlias = Drawing | Table | Sentence | Items


@dataclass(frozen=True)
class Section:
    """A section of the report: everything on the page, in files and in numbers comes from one.

    Parameters
    ----------
    name, title
        Of the section; the name is its anchor on the page.
    compute
        Returns its tables by name.
    numbers
        Columns of the tables that are numbers of ``results.json``.
    drawings
        Its figures: each is drawn, saved and shown where the results have something to show.
    views
        Its tables on the page, one for each group of observers.
    note
        For readers, below the tables; a function where it depends on what they show.
    tasks
        Tasks that have it.
    keeps_empty
        Whether a table without rows is kept.
    without_trials
        Whether its figures can be drawn when no main trial remains.
    blocks
        Returns what the page shows in place of drawings, views and note in this order.
    """

    name: str
    title: str
    compute: Callable[[Study], Mapping[str, pd.DataFrame]] = field(default=lambda study: {})
    numbers: tuple[Number, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    views: tuple[TableView, ...] = ()
    note: str | Callable[[Results], str] = ""
    tasks: tuple[str, ...] = TASKS
    keeps_empty: bool = False
    without_trials: bool = False
    blocks: Callable[[Section, Results], Iterator[Block]] | None = None

    def shown(self, results: Results) -> list[Block]:
        """Return the blocks of the page, in their order; none where there is nothing to say."""
        found = list(self.blocks(self, results) if self.blocks else self.usual_blocks(results))
        is_filled = any(isinstance(block, Table | Items) or _speaks(block) for block in found)
        return found if is_filled or (self.drawings and not self.views) else []

    def usual_blocks(self, results: Results) -> Iterator[Block]:
        """Yield drawings, views and note."""
        yield from self.drawings
        has_rows = False
        absent: list[Sentence] = []
        for view in self.views:
            tables = [_table(view, results, group) for group in results.groups]
            for table, reasons in tables:
                why = "; ".join(reasons)
                if table.rows and reasons and _lacks_values(view, table):
                    yield Sentence(f"{table.caption}: {why}.")
                elif table.rows:
                    has_rows = True
                    yield table
                    if reasons:
                        yield Sentence(f"Why a number or an interval is missing: {why}.", True)
            if view.absent and not any(table.rows for table, _ in tables):
                absent.append(Sentence(view.absent))
        yield from absent
        if has_rows and self.note:
            note = self.note if isinstance(self.note, str) else self.note(results)
            yield Sentence(note, True)


def _lacks_values(view: TableView, table: Table) -> bool:
    """Return whether a table has no value in any column that has intervals."""
    places = [place for place, column in enumerate(view.columns) if column.interval]
    return bool(places) and all(row[place].text == DASH for row in table.rows for place in places)


def _speaks(block: Block) -> bool:
    return isinstance(block, Sentence) and not block.is_note


def number(value: float, form: str = ".2f") -> str:
    """Return a number with a true minus sign, and none before a zero."""
    text = f"{value:{form}}"
    if not text.strip("-0."):
        text = text.lstrip("-")
    return text.replace("-", "−")


def signed(value: float) -> str:
    """Return a difference with its sign, and none before a zero."""
    text = number(value)
    return f"+{text}" if value > 0 and text.strip("0.") else text


_WRITERS: dict[str, Callable[[Any], str]] = {
    "percent": phrasing.percent,
    "points": phrasing.points,
    "number": number,
    "signed": signed,
    "hundredfold": lambda value: number(100 * value, ".0f"),
    "df": lambda value: number(value, ".1f"),
    "count": lambda value: f"{value:g}",
    "name": str,
    "measure": lambda value: phrasing.MEASURE_NAMES[value],
    "text": lambda value: phrasing.LEVEL_NAMES.get(value, str(value).replace("_", " ")),
}

_WORDS = ("text", "name", "effect", "measure")


def _table(view: TableView, results: Results, group: Group) -> tuple[Table, list[str]]:
    """Return a table, and the reasons why some of its numbers are missing."""
    rows = results.of(view.table, group)
    if view.rows and len(rows):
        rows = rows.query(view.rows)
    title = f"{view.caption} – {group.label}" if len(results.groups) > 1 else view.caption
    headings, columns = [], []
    for column in view.columns:
        look = "words" if column.as_ in _WORDS else ""
        cells = [Cell(*_cell(row, column, results), look) for row in rows.to_dict("records")]
        if column.if_any and all(cell.text in (DASH, "0") for cell in cells):
            continue
        is_condition = column == CONDITION
        heading = phrasing.condition_heading(results) if is_condition else column.heading
        headings.append(Cell(heading, look=look))
        columns.append(cells)
    return Table(title, headings, [list(row) for row in zip(*columns, strict=True)]), reasons_in(
        rows
    )


def reasons_in(rows: pd.DataFrame) -> list[str]:
    """Return the different reasons that a table gives for missing numbers, in their order."""
    return [r for r in dict.fromkeys(rows["reason"]) if r] if "reason" in rows.columns else []


def _writer(as_: str, results: Results) -> Callable[[Any], str]:
    """Return what writes the values of a column."""
    if as_ == "p":
        return partial(phrasing.p_cell, level=results.settings.level)
    return _WRITERS.get(as_) or partial(phrasing.factors, results=results)


def _cell(row: Mapping[Any, Any], column: ShownColumn, results: Results) -> tuple[str, str]:
    """Return a cell's text and, if it has one, its interval's."""
    write = _writer(column.as_, results)
    name = column.column
    value = name.format(**row) if "{" in name else row[name]
    if _unknown(value):
        return DASH, ""
    text = write(value)
    if not column.interval or _unknown(row["low"]) or _unknown(row["high"]):
        return text, ""
    signed = column.as_ in ("points", "signed")
    between = " to " if signed or row["low"] < 0 else "–"
    return text, f"{write(row['low'])}{between}{write(row['high'])}"


def _unknown(value: Any) -> bool:
    return bool(pd.isna(value)) or (isinstance(value, float) and not math.isfinite(value))
