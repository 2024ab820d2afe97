"""Write and read numpy archives without pickles."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

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


def save_png(picture: np.ndarray, path: Path) -> None:
    """Write an 8-bit RGB or grey picture, whole or not at all, and make its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    # Photographs hardly shrink beyond level 3, which takes a third of the usual level's time.
    Image.fromarray(picture).save(partial, format="PNG", compress_level=3)
    partial.replace(path)


def enlarge(picture: np.ndarray, size_px: int) -> np.ndarray:
    """Bring a square picture to a side of ``size_px``; one of that size is returned as it is.

    Parameters
    ----------
    picture
        Height x width, or that x 3 or x 4, 8 bit. The fourth channel, opacity, is resized apart:
        a pixel that is not opaque at all keeps its colour.
    size_px
        Side of the result, which may be smaller as well.
    """
    if picture.shape[0] == size_px:
        return picture
    if picture.shape[2:] == (4,):
        return np.dstack([enlarge(part, size_px) for part in (picture[..., :3], picture[..., 3])])
    image = Image.fromarray(picture).resize((size_px, size_px), Image.Resampling.LANCZOS)
    return np.asarray(image)


def read_png(path: Path) -> np.ndarray:
    """Read a picture as height x width x 3, 8 bit.

    Raises
    ------
    BadInput
        If it cannot be read.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read ({error})") from None
