"""A log as a dataset of Psych-DS, a standard for behavioural data."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.export.dataset import Source, introduction, letters_and_digits
from unitscope.columns import RATING_COLUMNS, Column
from unitscope.disk import write_file
from unitscope.tables import table_text

_CONTENT = """\
The folders and files follow Psych-DS: the tables are in `data/`, one for the trials of each session
and, where images were rated, one for the ratings; `dataset_description.json` says what each column
means. A missing value is a blank cell."""

_PARTICIPANT = (Column("participant", "str", "Participant id; never a name."),)


def write_psychds(source: Source, folder: Path) -> None:
    """Write a log as Psych-DS into an empty folder.

    Parameters
    ----------
    source
        The log.
    folder
        Gets ``dataset_description.json`` (JSON-LD in the words of schema.org), ``README.md``,
        ``CHANGES.md`` and tables such as
        ``data/study-demoTwoAfc_subject-p001_session-01_task-twoAfc_data.csv``.

    Raises
    ------
    BadInput
        If a label is not unique, or ratings or demographics cannot be read.
    """
    study, task = letters_and_digits(source.log.design), letters_and_digits(source.task)
    columns = list(source.columns)
    for participant, session, trials, ratings in source.sessions():
        name = f"study-{study}_subject-{source.labels[participant]}_session-{session:02d}"
        _write_csv(folder / "data" / f"{name}_task-{task}_data.csv", trials)
        if ratings is not None and len(ratings):
            _write_csv(folder / "data" / f"{name}_task-rating_data.csv", ratings)
            columns += RATING_COLUMNS
    told = source.demographics()
    if len(told):
        known = told.reindex(list(source.labels))
        known.insert(0, "participant", list(source.labels))
        _write_csv(folder / "data" / f"study-{study}_description-participants_data.csv", known)
        columns += _PARTICIPANT
        columns += [
            Column(str(name), "str", "As the experimenter recorded it.") for name in told.columns
        ]
    about = {
        "@context": "https://schema.org",
        "@type": "Dataset",
        "name": source.log.design,
        "description": f"Logs of the study {source.log.design}, task {source.task}.",
        "schemaVersion": "Psych-DS 0.4.0",
        "variableMeasured": list(_variables(columns)),
    }
    content = json.dumps(about, indent=2, ensure_ascii=False)
    write_file(folder / "dataset_description.json", content + "\n", sync=False)
    write_file(folder / "README.md", introduction(source, _CONTENT), sync=False)
    day = f" ({source.last_day})" if source.last_day else ""
    write_file(
        folder / "CHANGES.md",
        f"# 1.0.0{day}\n\nExported from the logs of the sessions.\n",
        sync=False,
    )


def _variables(columns: Iterable[Column]) -> Iterable[dict[str, Any]]:
    """Yield each column once, by its name, as a PropertyValue."""
    for column in {column.name: column for column in reversed(list(columns))}.values():
        description = column.description
        if column.levels:
            description += f" One of {', '.join(map(str, column.levels))}."
        yield {
            "@type": "PropertyValue",
            "name": column.name,
            "description": description,
            **({"unitText": column.unit} if column.unit else {}),
        }


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    write_file(path, table_text(table), sync=False)
