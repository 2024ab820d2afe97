"""Tables and pictures of the report's parts as a page shows them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from analysis.report import words
from analysis.report.part import Part, Shown, View
from analysis.report.results import Results

_DASH = "–"


def _number(value: float, form: str = ".2f") -> str:
    text = f"{value:{form}}"
    if not text.strip("-0."):
        text = text.lstrip("-")  # no minus before a zero
    return text.replace("-", "−")


_WRITERS: dict[str, Callable[[Any], str]] = {
    "percent": words.percent,
    "points": words.points,
    "number": _number,
    "signed": lambda value: f"{'+' if value > 0 else ''}{_number(value)}",
    "hundredfold": lambda value: _number(100 * value, ".0f"),
    "p": lambda value: words.p_value(value).removeprefix("=").strip(),
    "count": lambda value: f"{value:g}",
    "name": str,
    "text": lambda value: str(value).replace("_", " "),
}


_WORDS = ("text", "name")


def shown_part(part: Part, results: Results) -> dict[str, Any]:
    """Return a part for the template: title, note, pictures and tables, one of each group."""
    tables: list[dict[str, Any]] = []
    absent: list[str] = []
    for view in part.views:
        found = [_table(view, results, group) for group in results.groups]
        tables += [table for table in found if table["rows"]]
        if not any(table["rows"] for table in found) and view.absent:
            absent.append(view.absent)
    return {
        "title": part.title,
        "note": part.note if tables else "",
        "pictures": part.pictures,
        "tables": tables,
        "absent": absent,
    }


def _table(view: View, results: Results, group: Any) -> dict[str, Any]:
    rows = results.of(view.table, group)
    if view.rows and len(rows):
        rows = rows.query(view.rows)
    title = f"{view.caption} – {group.label}" if len(results.groups) > 1 else view.caption
    reasons = [r for r in dict.fromkeys(rows["reason"]) if r] if "reason" in rows.columns else []
    return {
        "caption": title,
        "headings": [(column.heading, column.as_ in _WORDS) for column in view.columns],
        "rows": [
            [(*_cell(row, column), column.as_ in _WORDS) for column in view.columns]
            for row in rows.to_dict("records")
        ],
        "reasons": reasons,
    }


def _cell(row: dict[Any, Any], column: Shown) -> tuple[str, str]:
    """Return a cell's text and, if it has one, its interval's."""
    write = _WRITERS[column.as_]
    value = row[column.column]
    if _unknown(value):
        return _DASH, ""
    text = write(value)
    if not column.interval or _unknown(row["low"]) or _unknown(row["high"]):
        return text, ""
    signed = column.as_ in ("points", "signed")
    between = " to " if signed or row["low"] < 0 else "–"
    return text, f"{write(row['low'])}{between}{write(row['high'])}"


def _unknown(value: Any) -> bool:
    return bool(pd.isna(value)) or (isinstance(value, float) and not math.isfinite(value))
