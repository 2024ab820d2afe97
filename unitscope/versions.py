"""What a set or session was made with."""

from __future__ import annotations

from importlib import metadata

import unitscope


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
