"""What is made from the columns: the data dictionary, for readers, and types of rows, for mypy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from unitscope.columns import (
    FLIP_COLUMNS,
    FRAME_COLUMNS,
    MEASURED_BY_DISPLAY,
    MEASURED_BY_HOOKS,
    MEASURED_BY_TRIAL,
    NOTE_COLUMNS,
    OF_RESPONSE,
    OF_TRIAL,
    RATED_IMAGE_COLUMNS,
    RATING_COLUMNS,
    REPEATED_TRIAL,
    SESSION_COLUMNS,
    TABLES,
    TRIAL,
    VERSION_COLUMN,
    Column,
    log_columns,
    names,
)
from unitscope.disk import write_file
from unitscope.places import DATA
from unitscope.vocabulary import TASKS

README = DATA / "README.md"
ROW_TYPES = Path(__file__).with_name("row_types.py")

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
- `session.json`: how the session ended, its runs, and facts about machine and display;
- `ratings.csv`: how intuitive images look to the participant, where the design asks for it;
- `texts.jsonl`: a copy of every text that the participant read, as it was shown, one JSON object a
  line with `name`, `language`, `run` (the first that showed it), `sha256` and `text`;
  `session.json` has each SHA-256 too, in `texts_shown`, and in `texts_sha256` that of all texts
  before numbers were filled in, which says who read the same; a resumed session adds copies and
  replaces none;
- `notes.csv`: the experimenter's notes, which are free text and stay here;
- `frames.csv`: the interval of every frame, for sessions in a window; online of the first frame of
  each phase and of late ones, and `page_hidden` in `session.json` says when the page could not be
  seen. Times online are the browser's, from the opening of the page on: each run begins anew.

A row of `trials.csv` holds columns of the session, then the whole row of the condition table (what
every task has, then what its own has), then the response (again of every task and of its own).

Nothing here is overwritten: the same participant again resumes an unfinished session or begins the
next one. A participant id is never a name. Logs are not part of the repository.

Files are UTF-8 CSV with a header. Truth values are True and False, a blank cell is a missing value,
and every time is in seconds. `python -m analysis check data/<design>` checks every cell.

Logs and condition tables begin with `columns_version`, and `session.json` has a key of this name:
the version of the columns that the file was written with. A file without it is of version 1. Files
of earlier versions are read for ever: columns that are new since then are blank. An unfinished
session is resumed with the columns of its files. Files of a later version are refused; update the
suite to read them.

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


_TYPES_HEAD = '''\
"""Types of rows, by which mypy finds a misspelt column.

This file is made by ``python -m unitscope.dictionary`` from the one place that defines columns.
"""

from __future__ import annotations

from typing import TypedDict
'''


def row_types() -> str:
    """Return the types of rows as a module of Python."""
    trial_cells = _different(OF_TRIAL.values())
    answers = _different(OF_RESPONSE.values())
    parts = [
        _TYPES_HEAD,
        _row_type("SessionCells", "What all rows of a run have in common.", SESSION_COLUMNS),
        _row_type("EveryTrialRow", "What the rows of every task's table have.", TRIAL),
        _row_type(
            "TrialRow",
            "A row of a condition table, as its trial shows it, with the columns of its task only.",
            trial_cells,
            "EveryTrialRow, total=False",
        ),
        _row_type(
            "AnswerCells",
            "The answer to a trial, with the columns of its task only.",
            answers,
            "TypedDict, total=False",
        ),
        _row_type(
            "TrialResponse",
            "What a trial knows of its response.",
            MEASURED_BY_TRIAL,
            "AnswerCells",
        ),
        _row_type(
            "HookMeasures",
            "What a device beside the screen measures in a trial.",
            MEASURED_BY_HOOKS,
            "TypedDict, total=False",
        ),
        _row_type(
            "DisplayMeasures",
            "What whoever shows a trial measures, devices beside the screen together.",
            MEASURED_BY_DISPLAY + MEASURED_BY_HOOKS,
        ),
        _row_type(
            "LogRow",
            "A row of ``trials.csv`` without the version of its columns.",
            (REPEATED_TRIAL,),
            "SessionCells, TrialRow, TrialResponse, DisplayMeasures",
        ),
        _row_type(
            "LogText",
            "A row of ``trials.csv`` as text, of any task and version.",
            tuple(replace(c, type="str", blank=False) for c in _different(map(log_columns, TASKS))),
            "TypedDict, total=False",
        ),
        _row_type("RatedImage", "An image that is to be rated.", RATED_IMAGE_COLUMNS),
        _row_type(
            "RatingRow",
            "A row of ``ratings.csv`` without the version of its columns.",
            _without(RATING_COLUMNS, RATED_IMAGE_COLUMNS),
            "RatedImage",
        ),
        _row_type("Flip", "A frame that was shown.", FLIP_COLUMNS),
        _row_type(
            "FrameRow",
            "A row of ``frames.csv`` without the version of its columns.",
            _without(FRAME_COLUMNS, FLIP_COLUMNS),
            "Flip",
        ),
        _row_type(
            "NoteRow",
            "A row of ``notes.csv`` without the version of its columns.",
            _without(NOTE_COLUMNS, ()),
        ),
    ]
    return "\n\n".join(parts)


def _different(tables: Iterable[tuple[Column, ...]]) -> tuple[Column, ...]:
    """Return the columns of several tables, each once."""
    return tuple({column.name: column for table in tables for column in table}.values())


def _without(columns: tuple[Column, ...], others: tuple[Column, ...]) -> tuple[Column, ...]:
    known = {VERSION_COLUMN.name, *names(others)}
    return tuple(column for column in columns if column.name not in known)


def _row_type(
    name: str, description: str, columns: tuple[Column, ...], parents: str = "TypedDict"
) -> str:
    cells = [f"    {c.name}: {c.type}{' | None' if c.blank else ''}" for c in columns]
    return "\n".join([f"class {name}({parents}):", f'    """{description}"""', "", *cells, ""])


def main() -> None:
    """Write ``data/README.md`` and ``unitscope/row_types.py``."""
    write_file(README, dictionary())
    print(f"data dictionary: {README}")
    write_file(ROW_TYPES, row_types())
    print(f"types of rows: {ROW_TYPES}")


if __name__ == "__main__":
    main()
