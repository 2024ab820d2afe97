"""The experimenter's notes on a session, taken during it by a key and afterwards by a command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from conditions.design.keys import Keys
from experiments.runner.comment import Comment
from experiments.runner.log import FILE_LOCK_S, cell, now_utc, repair
from unitscope.cells import text_of
from unitscope.columns import COLUMNS_VERSION, NOTE_COLUMNS, VERSION_COLUMN, names
from unitscope.disk import FILE_MODE, append
from unitscope.errors import BadInput
from unitscope.records import NOTES
from unitscope.row_types import NoteRow

NOTE = "note"


class Note(Comment):
    """A field for a note, which may stay empty: the moment is recorded all the same.

    Parameters
    ----------
    keys
        The design's keys.
    asked_utc
        When the key for a note was pressed.
    during
        Name of the stage in which it was.
    trial_number
        Of that trial, else of the last one that was completed, None before the first.
    """

    def __init__(self, keys: Keys, asked_utc: str, during: str, trial_number: int | None) -> None:
        super().__init__(keys, NOTE)
        self.asked_utc = asked_utc
        self.during = during
        self.trial_number = trial_number


def add_note(folder: Path, row: NoteRow) -> None:
    """Append a note to a session's ``notes.csv``; it is on the disk when this returns.

    Raises
    ------
    BadInput
        If it cannot be written, or the file there is another.
    """
    path = folder / NOTES
    columns = names(NOTE_COLUMNS)
    header = text_of([columns]).encode()
    # A note may be added from elsewhere while the session runs.
    with FileLock(folder / f".{NOTES}.lock", timeout=FILE_LOCK_S, mode=FILE_MODE):
        repair(path)
        lines: list[Sequence[object]] = [] if path.exists() else [columns]
        if path.exists() and not path.read_bytes().startswith(header):
            raise BadInput(f"{path}: expected the columns {', '.join(columns)}; nothing is added")
        cells: dict[str, object] = {VERSION_COLUMN.name: COLUMNS_VERSION, **row}
        lines.append([cell(cells[name]) for name in columns])
        append(path, text_of(lines).encode())


def add_later(folder: Path, text: str, trial_number: int | None, trials: int) -> None:
    """Append a note that is taken after its moment.

    Parameters
    ----------
    folder
        Of the session.
    text
        The note.
    trial_number
        Trial that it is about; None for the whole session.
    trials
        Trials of the session.

    Raises
    ------
    BadInput
        If the note is empty or there is no such trial.
    """
    if not text.strip():
        raise BadInput("the note is empty")
    if trial_number is not None and not 1 <= trial_number <= trials:
        raise BadInput(f"--trial {trial_number}: expected 1 to {trials}")
    row: NoteRow = {
        "run": None,
        "noted_utc": now_utc(),
        "trial_number": trial_number,
        "during": None,
        "note": text,
    }
    add_note(folder, row)
