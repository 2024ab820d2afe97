"""A log as a behavioural dataset of the Brain Imaging Data Structure (BIDS)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.export.dataset import (
    SESSION_FACTS,
    Source,
    introduction,
    letters_and_digits,
)
from unitscope.columns import RATING_COLUMNS, Column
from unitscope.disk import write_file
from unitscope.tables import table_text

BIDS_VERSION = "1.10.1"

MISSING = "n/a"

_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}

_CONTENT = """\
The folders and files follow the Brain Imaging Data Structure, behavioural data: one
`*_beh.tsv` for the trials of each session and, where images were rated, one for the ratings. Their
columns are described in the `.json` file of the same task beside this one; a missing value is
`n/a`."""


def write_bids(source: Source, folder: Path) -> None:
    """Write a log as BIDS behavioural data into an empty folder.

    Parameters
    ----------
    source
        The log.
    folder
        Gets ``dataset_description.json``, ``README.md``, ``CHANGES``, ``participants.tsv``,
        ``sub-*/sub-*_sessions.tsv`` and ``sub-*/ses-*/beh/*_beh.tsv``; each table's columns are
        described once, in a sidecar at the top, which applies to all below it.

    Raises
    ------
    BadInput
        If a label is not unique, or ratings or demographics cannot be read.
    """
    task = letters_and_digits(source.task)
    described = {task: ("trials", source.columns)}
    for participant, session, trials, ratings in source.sessions():
        name = f"sub-{source.labels[participant]}_ses-{session:02d}"
        beh = folder / f"sub-{source.labels[participant]}" / f"ses-{session:02d}" / "beh"
        _write_tsv(beh / f"{name}_task-{task}_beh.tsv", trials)
        if ratings is not None and len(ratings):
            _write_tsv(beh / f"{name}_task-rating_beh.tsv", ratings)
            described["rating"] = ("ratings of how intuitive images look", RATING_COLUMNS)
    for label, (what, columns) in described.items():
        about = {"TaskName": label, "TaskDescription": f"{source.task}: {what}."}
        _write_json(folder / f"task-{label}_beh.json", about | _sidecar(columns))
    _write_sessions(source, folder)
    _write_participants(source, folder)
    _write_json(
        folder / "dataset_description.json",
        {
            "Name": source.log.design,
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "raw",
            "GeneratedBy": [{"Name": "unitscope"}],
        },
    )
    write_file(folder / "README.md", introduction(source, _CONTENT), sync=False)
    day = source.last_day or "1970-01-01"
    write_file(
        folder / "CHANGES",
        f"1.0.0 {day}\n  - Exported from the logs of the sessions.\n",
        sync=False,
    )


def _write_sessions(source: Source, folder: Path) -> None:
    for participant, sessions in source.recorded.groupby("participant", sort=True):
        label = source.labels[str(participant)]
        ids = [f"ses-{number:02d}" for number in sessions["session"]]
        rows = sessions[[column.name for column in SESSION_FACTS]]
        rows.insert(0, "session_id", ids)
        _write_tsv(folder / f"sub-{label}" / f"sub-{label}_sessions.tsv", rows)
    _write_json(folder / "sessions.json", _sidecar(SESSION_FACTS))


def _write_participants(source: Source, folder: Path) -> None:
    rows = pd.DataFrame({"participant_id": [f"sub-{label}" for label in source.labels.values()]})
    sidecar: dict[str, Any] = {}
    if "group" in source.log.trials.columns and source.log.trials["group"].notna().any():
        groups = source.log.trials.groupby("participant")["group"].first()
        rows["group"] = [groups.get(participant) for participant in source.labels]
        sidecar["group"] = {"Description": "Group of participants that are shown the same."}
    told = source.demographics()
    for name in told.columns:
        if name not in rows:
            cells = told[name].reindex(list(source.labels)).replace("", None)
            rows[name] = cells.to_numpy(object)
            sidecar[str(name)] = {"Description": "As the experimenter recorded it."}
    _write_tsv(folder / "participants.tsv", rows)
    _write_json(folder / "participants.json", sidecar)


def _sidecar(columns: tuple[Column, ...]) -> dict[str, Any]:
    return {column.name: _described(column) for column in columns}


def _described(column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {"Description": column.description, "Format": _TYPES[column.type]}
    if column.unit:
        found["Units"] = column.unit
    if column.levels:
        found["Levels"] = {str(level): str(level).replace("_", " ") for level in column.levels}
    return found


def _write_tsv(path: Path, table: pd.DataFrame) -> None:
    truth = table.select_dtypes("boolean").columns
    lower = {name: table[name].map({True: "true", False: "false"}) for name in truth}
    cells = table.assign(**lower)
    write_file(path, table_text(cells, "\t", MISSING), sync=False)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_file(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n", sync=False)
