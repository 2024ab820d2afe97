"""Where code, tables and data of a study lie: in one checkout of the suite."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath, PureWindowsPath


def _is_checkout(folder: Path) -> bool:
    return (folder / "pyproject.toml").is_file() and (folder / "unitscope/__init__.py").is_file()


CODE = Path(__file__).resolve().parents[1]
"""The folder of the packages that run."""

ROOT = CODE if _is_checkout(CODE) else Path.cwd()
"""The checkout, whatever folder a command starts in; the current folder where there is none."""

STIMULI = ROOT / "stimuli"
TABLES = ROOT / "conditions" / "tables"
DATA = ROOT / "data"
REPORTS = ROOT / "reports"


_PACKAGES = ("unitscope", "conditions", "stimgen", "experiments", "analysis", "benchmarks")


def other_checkout() -> str:
    """Say that what was started belongs to another checkout than the code that runs.

    Tables and data would be those of the latter, unseen. A script belongs to the checkout that it
    lies in; a module that was started with ``python -m``, to the one around the current folder.

    Returns
    -------
    str
        One sentence; empty where nothing is wrong, as outside of any checkout.
    """
    main = sys.modules["__main__"]
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    if spec is not None:
        what, place = "the current folder", Path.cwd()
        is_ours = spec.name.partition(".")[0] in _PACKAGES
    else:
        what, place = "the script", Path(file or "/").resolve()
        # What is installed beside Python, such as pytest, may lie in a checkout's environment.
        is_ours = place.parent != Path(sys.executable).parent.resolve()
    other = next(filter(_is_checkout, (place, *place.parents)), None)
    if not is_ours or other is None or other.samefile(CODE):
        return ""
    return (
        f"{what} belongs to the copy of the suite in {other}, but this Python runs the code in "
        f"{CODE}, with the tables and data there; use an environment of the former "
        f"('python3 bootstrap.py install' in it makes one)"
    )


def folders(tables: Path, data: Path) -> str:
    """Return where the code that runs, the tables and the data of a session lie, for readers."""
    return f"code: {CODE}; tables: {tables.resolve()}; data: {data.resolve()}"


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
