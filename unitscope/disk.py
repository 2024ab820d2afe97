"""Write files and folders whole or not at all; sessions' data where no other user can read it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from unitscope.errors import BadInput

FOLDER_MODE, FILE_MODE = 0o700, 0o600
"""For their owner alone; Windows knows no such modes and keeps its own."""

SHARED_FOLDER, SHARED_FILE = 0o777, 0o666
"""For whom the system's umask lets, as for the files of any program."""

OF_FILE_MANAGERS = (".DS_Store", "Thumbs.db", "desktop.ini")
"""Files that file managers leave in folders, unasked."""

_KEPT = "; what was recorded before is kept"


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for its owner alone."""
    for missing in reversed(_missing(folder)):
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
        with open(path, "ab", buffering=0, opener=_opener(FILE_MODE)) as file:
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
        raise _unwritten(path, error, _KEPT) from None


def replace(path: Path, content: bytes) -> None:
    """Replace a file of a session as a whole: whoever reads it sees the old content or the new.

    Raises
    ------
    BadInput
        If it cannot be written; the old content stays.
    """
    partial = _partial(path)
    try:
        with _removed_on_failure(partial):
            with open(partial, "wb", buffering=0, opener=_opener(FILE_MODE)) as file:
                _write(file.fileno(), content)
            partial.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _unwritten(path, error, _KEPT) from None


def write_file(
    path: Path, content: bytes | str, mode: int = SHARED_FILE, *, sync: bool = True
) -> None:
    """Write a file, and the folders above it that are missing, as :func:`whole_file` does."""
    with whole_file(path, mode, sync=sync) as file:
        file.write(_bytes(content))


def write_files(contents: Mapping[Path, bytes | str]) -> None:
    """Write several files: all of them, or none if one cannot be written.

    Raises
    ------
    BadInput
        As for :func:`whole_file`.
    """
    with _folders_for(*{path.parent for path in contents}):
        partials = {path: _partial(path) for path in contents}
        new = [path for path in contents if not path.exists()]
        with _removed_on_failure(*partials.values(), *new):
            for path, content in contents.items():
                with _said(path), partials[path].open("wb") as file:
                    file.write(_bytes(content))
            for path, partial in partials.items():
                with _said(path):
                    partial.replace(path)


@contextmanager
def whole_file(path: Path, mode: int = SHARED_FILE, *, sync: bool = True) -> Iterator[BinaryIO]:
    """Yield a file to write, which gets its name once it is complete.

    An exception, such as that of Ctrl-C, leaves the file that was there before, or none.

    Parameters
    ----------
    path
        The file's name; missing folders above it are made.
    mode
        Who may read and write it.
    sync
        Whether it is on the disk by then, so that a power failure cannot take it away; one of many
        files of a :func:`whole_folder` need not be.

    Raises
    ------
    BadInput
        If something cannot be written.
    """
    partial = _partial(path)
    with _said(path), _folders_for(path.parent), _removed_on_failure(partial):
        with open(partial, "wb", opener=_opener(mode)) as file:
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
        partial.replace(path)


@contextmanager
def whole_folder(
    path: Path, *, private: bool = False, check: Callable[[Path], None] | None = None
) -> Iterator[Path]:
    """Yield an empty folder to fill, which gets its name once the block is complete.

    An exception, such as that of Ctrl-C, leaves what was there before, or nothing.

    Parameters
    ----------
    path
        The folder's name; what lies there must be an empty folder, unless there is a check.
    private
        Whether the folder is for its owner alone.
    check
        Called with a folder that lies there already; raises BadInput unless it may be replaced.

    Raises
    ------
    BadInput
        If the folder is there and may not be replaced, or something cannot be written.
    """
    check = check or check_empty
    if path.exists():
        check(path)
    making = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    mode = FOLDER_MODE if private else SHARED_FOLDER
    with _said(path), _folders_for(path.parent, mode=mode), _removed_on_failure(making):
        making.mkdir(mode=mode)
        try:
            yield making
        except BadInput as error:  # Readers know the folder by its final name.
            raise BadInput(str(error).replace(str(making), str(path))) from None
        if path.exists():
            check(path)
            _exchange(making, path)
        else:
            making.rename(path)


def check_empty(path: Path) -> None:
    """Check that a folder is one and holds nothing.

    Raises
    ------
    BadInput
        If it holds anything, or is a file.
    """
    if not path.is_dir() or any(path.iterdir()):
        raise BadInput(f"{path}: exists already; give a new folder, nothing is overwritten")


def _exchange(making: Path, path: Path) -> None:
    """Put a complete folder in place of another, which goes once the new one stands there."""
    old = path.with_name(f"{making.name}-old")
    path.rename(old)
    try:
        making.rename(path)
    except BaseException:
        old.rename(path)
        raise
    shutil.rmtree(old)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


def _missing(folder: Path) -> list[Path]:
    """Return the folder and those above it that are not there, itself first."""
    return [path for path in (folder, *folder.parents) if not path.exists()]


@contextmanager
def _folders_for(*folders: Path, mode: int = SHARED_FOLDER) -> Iterator[None]:
    """Make missing folders, which are taken away again if something goes wrong."""
    missing = sorted({one for folder in folders for one in _missing(folder)}, key=_depth)
    try:
        for one in missing:
            with _said(one):
                one.mkdir(mode=mode, exist_ok=True)
        yield
    except BaseException:
        for one in reversed(missing):
            with suppress(OSError):  # Somebody else may have put something there.
                one.rmdir()
        raise


def _depth(path: Path) -> int:
    return len(path.parts)


@contextmanager
def _removed_on_failure(*paths: Path) -> Iterator[None]:
    """Take away unfinished files or folders if something goes wrong."""
    try:
        yield
    except BaseException:
        for path in paths:
            with suppress(OSError):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
        raise


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """Say in one sentence that something cannot be written."""
    try:
        yield
    except OSError as error:
        raise _unwritten(path, error) from None


def _unwritten(path: Path, error: OSError, note: str = "") -> BadInput:
    return BadInput(f"{path}: cannot be written ({error.strerror or error}){note}")


def _opener(mode: int) -> Callable[[str, int], int]:
    return lambda path, flags: os.open(path, flags, mode)


def _bytes(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else content


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
