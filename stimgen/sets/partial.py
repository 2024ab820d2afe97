"""A folder that is made beside its place, by one process at a time, and moved there when whole."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from unitscope.errors import BadInput

_FINGERPRINT = "fingerprint.json"
_SECONDS = "seconds.json"


class PartialFolder:
    """Where a folder's files lie until they are whole, so that stopped work can go on.

    Parameters
    ----------
    final
        The folder that is to be made.
    """

    def __init__(self, final: Path) -> None:
        self.final = final
        self.path = final.with_name(f".{final.name}.partial")
        self._lock = FileLock(str(final.with_name(f".{final.name}.lock")), timeout=0)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes out; held twice by one process, it is let go with the first.

        Raises
        ------
        BadInput
            If another process holds it, or something cannot be written.
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
                    f"{self.final}: another process is making it at this moment; wait for it, or "
                    "give this one another name"
                ) from None
        try:
            yield
        finally:
            with suppress(OSError):  # Windows lets nobody remove a file that is open
                Path(self._lock.lock_file).unlink()
            self._lock.release()

    def open(self, fingerprint: str) -> None:
        """Make the folder, or go on with it; one of another fingerprint is emptied first.

        Raises
        ------
        BadInput
            If something else lies there.
        """
        mark = self.path / _FINGERPRINT
        if self.path.exists():
            if not mark.is_file() and any(self.path.iterdir()):
                raise BadInput(f"{self.path}: not an interrupted run's folder; remove it")
            if mark.is_file() and _read(mark) != fingerprint:
                shutil.rmtree(self.path)
        self.path.mkdir(parents=True, exist_ok=True)
        if not mark.is_file():
            _write(mark, fingerprint)

    def finish(self, *leftovers: str) -> None:
        """Remove the files and folders that served the making, and move the rest to its place."""
        left = (_FINGERPRINT, _SECONDS)
        for name in (*left, *(f".{name}.partial" for name in left), *leftovers):
            path = self.path / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        self.path.rename(self.final)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn what the disk refuses into a sentence."""
        try:
            yield
        except OSError as error:
            where = error.filename or self.path
            raise BadInput(f"{where}: cannot be written ({error.strerror or error})") from None

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add to the seconds that a step took, over all runs of interrupted work."""
        start = time.monotonic()
        try:
            yield
        finally:
            spent = self.seconds.get(step, 0.0) + time.monotonic() - start
            seconds = {**self.seconds, step: round(spent, 2)}
            _write(self.path / _SECONDS, seconds)

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds that each step took so far."""
        return dict(_read(self.path / _SECONDS) or {})


def _write(path: Path, value: Any) -> None:
    """Write whole or not at all, for a disk may be full."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(value))
    partial.replace(path)


def _read(path: Path) -> Any:
    """Return what was written, or None where nothing whole is there."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
