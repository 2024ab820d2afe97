"""Write and read numpy archives without pickles."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from unitscope.errors import BadInput


def save_npz(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Write arrays, whole or not at all even where the power fails, and make the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        np.savez(file, **dict(arrays))  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def load_npz(path: Path, what: str) -> dict[str, np.ndarray]:
    """Read all arrays.

    Parameters
    ----------
    path
        Of the archive.
    what
        It should be, for the message.

    Raises
    ------
    BadInput
        If it is no whole archive.
    """
    try:
        # Given a path, numpy would leave the file of a damaged archive open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path}: not {what} ({error})") from None
