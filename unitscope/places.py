"""Where the suite's files lie by default."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

_CHECKOUT = Path(__file__).resolve().parents[1]

ROOT = _CHECKOUT if (_CHECKOUT / "pyproject.toml").is_file() else Path.cwd()
"""The checkout, whatever folder a command starts in; the current folder where there is none."""

STIMULI = ROOT / "stimuli"
TABLES = ROOT / "conditions" / "tables"
DATA = ROOT / "data"
REPORTS = ROOT / "reports"


def within(folder: Path, path: str) -> Path | None:
    """Return where a path that a file names lies below a folder, None if it leads out of it.

    Parameters
    ----------
    folder
        Where the path begins.
    path
        With forward slashes on every system.
    """
    parts = PurePosixPath(path).parts
    is_absolute = PurePosixPath(path).is_absolute() or PureWindowsPath(path).drive
    if not parts or is_absolute or ".." in parts or "\\" in path or "\0" in path:
        return None
    return folder.joinpath(*parts)


def shown(path: Path) -> str:
    """Return a path for a message: relative to the current folder where it lies below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
