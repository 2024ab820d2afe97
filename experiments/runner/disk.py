"""Write data so that it is on the disk when a call returns, where no other user can read it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from unitscope.errors import BadInput

FOLDER_MODE, FILE_MODE = 0o700, 0o600
"""For their owner alone; Windows knows no such modes and keeps its own."""


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for its owner alone."""
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(mode=FOLDER_MODE, exist_ok=True)


def append(path: Path, content: bytes) -> None:
    """Append to a file; all of it is on the disk when this returns.

    Raises
    ------
    BadInput
        If it cannot be written; what part of it was is taken away again.
    """
    is_new = not path.exists()
    try:
        with open(path, "ab", buffering=0, opener=_open) as file:
            size = file.seek(0, os.SEEK_END)
            try:
                _write(file.fileno(), content)
            except OSError:
                with suppress(OSError):
                    file.truncate(size)
                raise
        if is_new:
            _sync_folder(path.parent)
    except OSError as error:
        raise _unwritten(path, error) from None


def replace(path: Path, content: bytes) -> None:
    """Replace a file as a whole: whoever reads it sees the old content or the new.

    Raises
    ------
    BadInput
        If it cannot be written; the old content stays.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        with open(partial, "wb", buffering=0, opener=_open) as file:
            _write(file.fileno(), content)
        partial.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _unwritten(path, error) from None


def _unwritten(path: Path, error: OSError) -> BadInput:
    return BadInput(
        f"{path}: cannot be written ({error.strerror}); what was recorded before is kept"
    )


def _open(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)


def _write(file: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]
    os.fsync(file)


def _sync_folder(folder: Path) -> None:
    """Have a new name on the disk as well; only POSIX systems can open a folder."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
