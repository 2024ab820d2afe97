"""Folders that are written under a temporary name, by one process, and renamed when complete."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from unitscope.disk import write_file
from unitscope.errors import BadInput

_FINGERPRINT = "fingerprint.json"
_SECONDS = "seconds.json"

TEMPORARY = (_FINGERPRINT, _SECONDS)
"""Files that a folder has until it is finished."""


class PartialFolder:
    """A folder under a temporary name until it is complete, from which interrupted work resumes.

    Parameters
    ----------
    final
        Final path of the folder.
    """

    def __init__(self, final: Path) -> None:
        self.final = final
        self.path = final.with_name(f".{final.name}.partial")
        self._lock = FileLock(str(final.with_name(f".{final.name}.lock")), timeout=0)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder against other processes; may be nested in one process.

        Raises
        ------
        BadInput
            If another process has the lock, or something cannot be written.
        """
        if self._lock.is_locked:
            yield
            return
        with self.writing():
            self.final.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire()
            except Timeout:
                raise BadInput(
                    f"{self.final}: another process is writing it; wait for it, or give this one "
                    "another name"
                ) from None
        try:
            yield
        finally:
            with suppress(OSError):  # Windows does not allow removing an open file
                Path(self._lock.lock_file).unlink()
            self._lock.release()

    def open(self, fingerprint: str) -> None:
        """Create the folder or resume with it; it is emptied if it has another fingerprint.

        Raises
        ------
        BadInput
            If another folder has that path.
        """
        mark = self.path / _FINGERPRINT
        if self.path.exists():
            if not mark.is_file() and any(self.path.iterdir()):
                raise BadInput(f"{self.path}: not the folder of an interrupted run; remove it")
            if mark.is_file() and _read(mark) != fingerprint:
                shutil.rmtree(self.path)
        self.path.mkdir(parents=True, exist_ok=True)
        if not mark.is_file():
            try:
                _write(mark, fingerprint)
            except BaseException:
                self.path.rmdir()  # It holds nothing to resume from.
                raise

    def finish(self, *leftovers: str) -> None:
        """Remove temporary files and ``leftovers``, and rename the folder."""
        for name in (*leftovers, *(f".{name}.partial" for name in TEMPORARY), *TEMPORARY):
            path = self.path / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        self.path.rename(self.final)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Convert an OSError into a BadInput."""
        try:
            yield
        except OSError as error:
            where = error.filename or self.path
            raise BadInput(f"{where}: cannot be written ({error.strerror or error})") from None

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the duration of a step, over all runs of interrupted work."""
        start = time.monotonic()
        try:
            yield
        finally:
            spent = self.seconds.get(step, 0.0) + time.monotonic() - start
            seconds = {**self.seconds, step: round(spent, 2)}
            _write(self.path / _SECONDS, seconds)

    @property
    def seconds(self) -> dict[str, float]:
        """Duration of each step so far, in seconds."""
        return dict(_read(self.path / _SECONDS) or {})


def _write(path: Path, value: Any) -> None:
    write_file(path, json.dumps(value))


def _read(path: Path) -> Any:
    """Return the content of a file, or None if it does not exist or is not complete."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
