"""What was read of large logs, kept beside them as Parquet so that it is read once only."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from analysis.logs.sessions import Log, session_folders, withdrawals
from unitscope import cells, session_facts, tables
from unitscope.columns import Column, imported_columns, log_columns
from unitscope.errors import BadInput, nearest
from unitscope.records import FRAMES, NOTES, SESSION, TRIALS
from unitscope.stimulus_set import sha256_of
from unitscope.vocabulary import TASKS

FOLDER = ".cache"
"""Folder for the cache of the logs that it lies beside."""

LARGE_BYTES = 64 * 2**20
"""Logs are cached unasked from this size on."""

SMALL_BYTES = 2**16
"""Files up to this size are compared by their contents on every system."""

_ROWS, _SESSIONS, _WARNINGS = "trials.parquet", "sessions.parquet", "warnings.json"
_SUMS = "sha256.json"


def load_cached(
    path: Path,
    read: Callable[[Path], Log],
    cache: bool | Path | None = None,
    columns: Sequence[str] | None = None,
) -> Log:
    """Return a log from the cache if it is there and nothing has changed, else read it.

    What the cache holds counts only as long as path, names, sizes, times and what is small of all
    files and the definitions of all columns are the same; a damaged one is written anew. It is
    never more than a copy: deleting it costs nothing but time.

    Parameters
    ----------
    path
        Folder of logs.
    read
        Reads and checks it.
    cache
        True to use the cache beside the logs, a folder to use it there, False not to; None uses
        it for logs of ``LARGE_BYTES`` or more. Without pyarrow there is none.
    columns
        Of the trials, which the caller needs; None for all.
    """
    place = _place(path, cache)
    if place is None:
        return _only(read(path), columns)
    key = _key(path)
    found = _get(place / key, columns)
    if found is None:
        found = read(path)
        if _key(path) == key:  # Else a session went on meanwhile.
            _put(found, place, key)
        found = _only(found, columns)
    return found


def _place(path: Path, cache: bool | Path | None) -> Path | None:
    """Return the folder of the cache, or None for doing without."""
    if cache is False or not path.is_dir() or importlib.util.find_spec("pyarrow") is None:
        return None
    if cache is None:
        files = [folder / TRIALS for folder in session_folders(path)]
        if sum(file.stat().st_size for file in files if file.is_file()) < LARGE_BYTES:
            return None
    return cache if isinstance(cache, Path) else path / FOLDER


def _key(path: Path) -> str:
    """Return what is the same as long as reading the logs would give the same."""
    files = [
        (file.relative_to(path).as_posix(), *_state(file))
        for folder in session_folders(path)
        for file in (folder / TRIALS, folder / SESSION, folder / FRAMES, folder / NOTES)
    ]
    columns = [[_defined(log_columns(t)), _defined(imported_columns(t))] for t in TASKS]
    names = ("sessions", "log_files", "log_checks", "at_once")
    files_of_code = [Path(__file__).with_name(f"{name}.py") for name in names]
    files_of_code += [Path(str(module.__file__)) for module in (cells, session_facts, tables)]
    code = [sha256_of(file) for file in files_of_code]
    gone = withdrawals(path)
    text = json.dumps([str(path), pd.__version__, code, columns, files, gone])
    return hashlib.sha256(text.encode()).hexdigest()


def _state(file: Path) -> tuple[int | str, ...]:
    """Return what is another after any edit, even one that keeps the size and puts the time back.

    No program can put back the time of a change, POSIX's ctime. Systems without it compare all
    contents; others those of small files, for which the clock may be too coarse.
    """
    try:
        found = file.stat()
        small = found.st_size <= SMALL_BYTES or os.name != "posix"
        content = sha256_of(file) if small else ""
    except FileNotFoundError:
        return ()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, content


def _defined(columns: tuple[Column, ...]) -> list[str]:
    return [repr(column) for column in columns]


def _get(entry: Path, columns: Sequence[str] | None) -> Log | None:
    """Return a log from an entry of the cache, None if it is not there or damaged."""
    import pyarrow

    try:
        if json.loads((entry / _SUMS).read_text(encoding="utf-8")) != _sums(entry):
            return None
        known = None if columns is None else list(columns)
        trials = pd.read_parquet(entry / _ROWS, engine="pyarrow", columns=known)
        sessions = pd.read_parquet(entry / _SESSIONS, engine="pyarrow")
        said = json.loads((entry / _WARNINGS).read_text(encoding="utf-8"))
        return Log(trials, sessions, tuple(said))
    except (OSError, ValueError, KeyError, pyarrow.ArrowException):
        return None


def _sums(entry: Path) -> dict[str, str]:
    """Return the SHA-256 of each file: Parquet's own checksums leave out what describes pages."""
    return {name: sha256_of(entry / name) for name in (_ROWS, _SESSIONS, _WARNINGS)}


def _put(log: Log, place: Path, key: str) -> None:
    """Add an entry, as a whole or not at all, and take away what no longer counts."""
    import pyarrow

    try:
        place.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix="making-", dir=place))
    except OSError:
        return  # Logs on a disk that cannot be written are read all the same.
    try:
        log.trials.to_parquet(making / _ROWS, engine="pyarrow")
        log.sessions.to_parquet(making / _SESSIONS, engine="pyarrow")
        (making / _WARNINGS).write_text(json.dumps(log.warnings), encoding="utf-8")
        (making / _SUMS).write_text(json.dumps(_sums(making)), encoding="utf-8")
        for entry in sorted(place.iterdir()):
            if re.fullmatch("[0-9a-f]{64}", entry.name):
                shutil.rmtree(entry, ignore_errors=True)
        making.rename(place / key)
    except (OSError, pyarrow.ArrowException):
        pass  # A full disk, or another process that was faster.
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _only(log: Log, columns: Sequence[str] | None) -> Log:
    if columns is None:
        return log
    for name in columns:
        if name not in log.trials:
            raise BadInput(f"trials have no column {name!r}{nearest(name, log.trials.columns)}")
    return Log(log.trials[list(columns)], log.sessions, log.warnings)
