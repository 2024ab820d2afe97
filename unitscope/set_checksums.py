"""Checksums of a set's files beside its images, whose own stand in the manifest."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path

from unitscope.disk import OF_FILE_MANAGERS, write_file
from unitscope.errors import BadInput
from unitscope.stimulus_set import sha256_of

CHECKSUMS = "checksums.json"

_IMAGES = "images"


def write_checksums(folder: Path, but: Collection[str] = ()) -> None:
    """Write the SHA-256 of the manifest, the settings, units' statistics, maps and page of a set.

    They stand in ``checksums.json``, by path within the set.

    Parameters
    ----------
    folder
        Folder of the set.
    but
        Files and folders in it that are only temporary.
    """
    names = [name for name in _files(folder) if name.split("/")[0] not in but]
    _write(folder, {name: sha256_of(folder / name) for name in names})


def renew_checksum(folder: Path, name: str) -> None:
    """Write the SHA-256 of one file again, in a set that has checksums."""
    sums = _read(folder)
    if sums:
        _write(folder, sums | {name: sha256_of(folder / name)})


def changed_files(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of each file that is not as it was written, and what is wrong with it."""
    sums = _read(folder)
    if not sums:
        yield CHECKSUMS, "is missing or damaged, so no other file beside the images can be checked"
        return
    present = list(_files(folder))
    for name in present:
        if name not in sums:
            yield name, f"is not in {CHECKSUMS}"
        elif sha256_of(folder / name) != sums[name]:
            yield name, f"has changed: its SHA-256 is not that of {CHECKSUMS}"
    for name in sorted(set(sums) - set(present)):
        yield name, "is missing"


def require_unchanged(file: Path) -> None:
    """Check that a file is as it was written, if it lies in a set that has checksums.

    Raises
    ------
    BadInput
        If it has changed, or is another than the set's.
    """
    expected = _read(file.parent).get(file.name)
    if expected is not None and sha256_of(file) != expected:
        raise BadInput(f"{file}: has changed since its stimulus set was built")


def _files(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        is_own = name.parts[0] != _IMAGES and name.as_posix() != CHECKSUMS
        is_hidden = any(part.startswith(".") for part in name.parts)
        if is_own and not is_hidden and path.is_file() and path.name not in OF_FILE_MANAGERS:
            yield name.as_posix()


def _write(folder: Path, sums: dict[str, str]) -> None:
    write_file(folder / CHECKSUMS, json.dumps(sums, indent=2) + "\n")


def _read(folder: Path) -> dict[str, str]:
    """Return the checksums of a set; none if they are missing or no such table."""
    try:
        found = json.loads((folder / CHECKSUMS).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
