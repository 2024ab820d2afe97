"""The crash-safe record of a session: a trial is on the disk before the next one begins."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from unitscope.cells import read_sheet, text_of
from unitscope.columns import (
    COLUMNS_VERSION,
    FRAME_COLUMNS,
    RATING_COLUMNS,
    VERSION_COLUMN,
    as_of,
    log_columns,
    names,
)
from unitscope.disk import FILE_MODE, append, make_folder, replace
from unitscope.errors import BadInput
from unitscope.records import (
    FRAMES,
    RATINGS,
    RUNNING,
    SESSION,
    TRIALS,
    SessionRecord,
    read_session,
    whole_lines,
)
from unitscope.row_types import FrameRow, LogRow, RatingRow
from unitscope.shown_texts import TEXTS, ShownText
from unitscope.tables import columns_version, read_cells, read_csv

LOCK = ".lock"

FILE_LOCK_S = 10
"""How long a file may be in use by another process."""


def check_participant(participant: str) -> str:
    """Return a participant id unchanged if it can name a folder.

    Raises
    ------
    BadInput
        If it is empty, long, or holds anything but letters and digits.
    """
    if not re.fullmatch(r"[A-Za-z0-9]{1,32}", participant):
        raise BadInput(
            f"participant id {participant!r}: expected 1 to 32 letters and digits, such as p007"
        )
    return participant


def session_folder(data: Path, design: str, participant: str, session: int) -> Path:
    """Return where the record of a session lies."""
    return data / design / f"sub-{check_participant(participant)}" / f"ses-{session:02d}"


def sessions_of(data: Path, design: str, participant: str) -> dict[int, str]:
    """Return the sessions of a participant and how each ended, in order."""
    folder = session_folder(data, design, participant, 1).parent
    found = {}
    for path in sorted(folder.glob("ses-*")) if folder.is_dir() else []:
        number = path.name.removeprefix("ses-")
        begun = (path / SESSION).is_file() or (path / TRIALS).is_file()
        if number.isdecimal() and begun:
            found[int(number)] = read_session(path).get("end_reason", RUNNING)
    return found


def completed_trials(folder: Path) -> int:
    """Count the trials in a session's log, without a last line that was cut off."""
    path = folder / TRIALS
    if not path.is_file():
        return 0
    whole = whole_lines(path.read_bytes())
    return len(read_sheet(whole, path).rows) if whole else 0


def now_utc() -> str:
    """Return the wall-clock time, ISO 8601, UTC, to the millisecond."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


class TrialLog:
    """Append-only record of one session, held by one process at a time.

    A file begun by an earlier version of the suite keeps the columns that it has.

    Parameters
    ----------
    folder
        Folder of the session; made if missing.
    task
        Task of its trials, which fixes the columns of the log.

    Raises
    ------
    BadInput
        If another process holds the session, the folder cannot be written, or its log is damaged
        beyond its last line.
    """

    def __init__(self, folder: Path, task: str = "two_afc") -> None:
        self.folder = folder
        self._columns = {TRIALS: log_columns(task), FRAMES: FRAME_COLUMNS, RATINGS: RATING_COLUMNS}
        try:
            make_folder(folder)
            self._lock = FileLock(folder / LOCK, mode=FILE_MODE)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise BadInput(f"{folder}: this session is running already") from None
        except OSError as error:
            raise BadInput(f"{folder}: cannot be written ({error.strerror})") from None
        try:
            self.repaired = repair(folder / TRIALS)
            repair(folder / FRAMES)
            repair(folder / RATINGS)
            repair(folder / TEXTS, header=False)
            self.completed = self._read(TRIALS)
            self.ratings = self._read(RATINGS)
            self._versions = {name: self._version(name) for name in self._columns}
        except BaseException:
            self._lock.release()
            raise

    def append(self, row: LogRow, frames: Iterable[FrameRow] = ()) -> None:
        """Append a completed trial and flush it to the disk, its frames first.

        Parameters
        ----------
        row
            Has every column of the task's log and no other, but the version of the columns.
        frames
            Likewise have the columns of ``FRAME_COLUMNS``.
        """
        rows = list(frames)
        if rows:
            self._append(FRAMES, rows)
        self._append(TRIALS, [row])

    def append_rating(self, row: RatingRow) -> None:
        """Append a rating, likewise with those of ``RATING_COLUMNS``, and flush it to the disk."""
        self._append(RATINGS, [row])

    def append_text(self, shown: ShownText) -> None:
        """Append the copy of a text and flush it to the disk."""
        line = json.dumps(shown, ensure_ascii=False)
        append(self.folder / TEXTS, f"{line}\n".encode())

    def write_session(self, facts: SessionRecord) -> None:
        """Replace ``session.json`` as a whole."""
        text = json.dumps(facts, indent=2, ensure_ascii=False)
        replace(self.folder / SESSION, f"{text}\n".encode())

    def close(self) -> None:
        """Release the session for other processes."""
        self._lock.release()

    def discard(self, *others: Path) -> None:
        """Release a session in which nothing was recorded, and remove its files and folders.

        Parameters
        ----------
        others
            Further files of it; whatever else lies there is kept.
        """
        self.close()
        for path in (self.folder / SESSION, self.folder / LOCK, *others):
            with suppress(OSError):
                path.unlink()
        with suppress(OSError):  # at the first folder that holds something else
            for folder in (self.folder, *self.folder.parents[:2]):
                folder.rmdir()

    def _read(self, name: str) -> pd.DataFrame | None:
        path = self.folder / name
        return read_csv(path, self._columns[name]) if path.exists() else None

    def _version(self, name: str) -> int:
        """Return the version of a file's columns, in which rows are appended to it."""
        path = self.folder / name
        if not path.exists():
            return COLUMNS_VERSION
        with path.open("rb") as lines:
            header = lines.readline()
            version = columns_version(read_cells(header + lines.readline(), path), path)
        if header != text_of([names(as_of(self._columns[name], version))]).encode():
            raise BadInput(
                f"{path}: another program has saved it since (its header is not as we write it), "
                "so no trial is added to it; put the file that the session wrote back"
            )
        return version

    def _append(self, name: str, rows: Sequence[Mapping[str, object]]) -> None:
        path, columns, version = self.folder / name, self._columns[name], self._versions[name]
        wanted = set(names(columns)) - {VERSION_COLUMN.name}
        then = names(as_of(columns, version))
        lines: list[Sequence[object]] = [] if path.exists() else [then]
        for row in rows:
            if set(row) != wanted:
                odd = sorted(set(row) ^ wanted)
                raise KeyError(f"{path.name}: columns missing or unknown: {', '.join(odd)}")
            cells = dict(row) | {c.formerly: row[c.name] for c in columns if c.formerly}
            cells[VERSION_COLUMN.name] = version
            lines.append([cell(cells[name]) for name in then])
        append(path, text_of(lines).encode())


def cell(value: object) -> object:
    """Return a value as a cell of a log holds it."""
    if isinstance(value, str):
        # A row is one line, so that a line that was cut off can be told from a whole one.
        return " ".join(value.splitlines())
    return "" if value is None or value is pd.NA or value != value else value


def repair(path: Path, *, header: bool = True) -> Path | None:
    """Cut off a last line that a crash left unfinished, keeping a copy of the whole file."""
    if not path.exists():
        return None
    content = path.read_bytes()
    whole = whole_lines(content)
    if header and whole.count(b"\n") == 1:
        whole = b""  # A header alone does not say the version of the rows to come.
    if whole and whole == content:
        return None
    number = 1
    while (copy := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    replace(copy, content)
    if whole:
        replace(path, whole)
    else:
        path.unlink()
    return copy
