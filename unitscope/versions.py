"""What a set or session was made with, and which versions of its columns are known."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import unitscope
from unitscope.columns import COLUMNS_VERSION
from unitscope.errors import BadInput


class NewerVersion(BadInput):
    """A file was written by a newer version of the suite."""


def check_columns_version(version: int, path: Path | str) -> int:
    """Return the version of a file's columns unchanged if it is known.

    Raises
    ------
    NewerVersion
        If it is newer than this suite.
    BadInput
        If there never was such a version.
    """
    if version > COLUMNS_VERSION:
        raise NewerVersion(
            f"{path}: its columns are of version {version}, but this Unitscope "
            f"({unitscope.__version__}) knows those up to version {COLUMNS_VERSION}; update it"
        )
    if version < 1:
        raise BadInput(f"{path}: found columns of version {version}, expected 1 or more")
    return version


def versions(*packages: str) -> dict[str, str | None]:
    """Return the suite's version and those of packages, None for those that are not installed.

    The suite's own is known even where its folders are used without being installed.
    """
    found: dict[str, str | None] = {"unitscope": unitscope.__version__}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found
