"""The data dictionary: every column of every table, written for readers."""

from __future__ import annotations

from unitscope.columns import TABLES, Column
from unitscope.places import DATA

README = DATA / "README.md"

_SOURCES = {
    "stimgen": "the stimulus set",
    "table": "the condition table",
    "session": "the session",
    "response": "the trial",
}

_INTRODUCTION = """\
# Data

Each session leaves a folder here: `<design>/sub-<participant>/ses-<nn>/` with

- `trials.csv`: one row for each completed trial, on the disk before the next trial begins;
- `session.json`: how the session ended, its runs, and what is known of machine and display;
- `ratings.csv`: how intuitive images looked, where the design asks for it;
- `frames.csv`: the interval of every frame, for sessions in a window.

A row of `trials.csv` holds columns of the session, then the whole row of the condition table (what
every task has, then what its own has), then the response (again of every task and of its own).

Nothing here is overwritten: the same participant again resumes an unfinished session or begins the
next one. A participant id is never a name. Logs are not part of the repository.

Files are UTF-8 CSV with a header. Truth values are True and False, a blank cell is a missing value,
and every time is in seconds. `python -m analysis check data/<design>` checks every cell.

This file is made by `python -m unitscope.dictionary` from the one place that defines columns.
"""


def dictionary() -> str:
    """Return the data dictionary as Markdown."""
    return "\n".join([_INTRODUCTION, *(_section(title, TABLES[title]) for title in TABLES)])


def _section(title: str, columns: tuple[Column, ...]) -> str:
    rows = [_row(column) for column in columns]
    head = [
        "column | type | unit | values | description | from",
        "--- | --- | --- | --- | --- | ---",
    ]
    return "\n".join([f"## {title}\n", *(f"| {row} |" for row in [*head, *rows]), ""])


def _row(column: Column) -> str:
    values = ", ".join(f"`{level}`" for level in column.levels)
    if column.blank:
        values = f"{values}, or blank" if values else "may be blank"
    cells = (
        f"`{column.name}`",
        column.type,
        column.unit,
        values,
        column.description.replace("|", "\\|"),
        _SOURCES[column.source],
    )
    return " | ".join(cells)


def main() -> None:
    """Write the data dictionary to ``data/README.md``."""
    README.write_text(dictionary(), encoding="utf-8", newline="\n")
    print(f"data dictionary: {README}")


if __name__ == "__main__":
    main()
