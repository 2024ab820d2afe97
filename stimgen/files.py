"""Write and read image files and numpy archives, each file written completely or not at all."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from unitscope.disk import whole_file
from unitscope.errors import BadInput
from unitscope.image_files import UNREADABLE, open_image


def save_npz(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Write arrays and create the folder; a power failure leaves no incomplete file."""
    with whole_file(path) as file:
        np.savez(file, **dict(arrays))  # type: ignore[arg-type]


def load_npz(path: Path, what: str) -> dict[str, np.ndarray]:
    """Read all arrays of an archive.

    Parameters
    ----------
    path
        Path of the archive.
    what
        What the file should be, for the error message.

    Raises
    ------
    BadInput
        If the file is not a complete archive.
    """
    try:
        # Given a path, numpy would leave the file of a damaged archive open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path}: not {what} ({error})") from None


def save_png(image: np.ndarray, path: Path) -> None:
    """Write an 8-bit RGB or grey image and create its folder."""
    with whole_file(path, sync=False) as file:
        # Higher compression levels take three times as long and hardly make photographs smaller.
        Image.fromarray(image).save(file, format="PNG", compress_level=3)


def enlarge(image: np.ndarray, size_px: int) -> np.ndarray:
    """Resize a square image to a side of ``size_px``; an image of that size is returned unchanged.

    Parameters
    ----------
    image
        Height x width, height x width x 3 or height x width x 4, 8 bit. The fourth channel,
        opacity, is resized separately, so that fully transparent pixels keep their colour.
    size_px
        Side of the result; it may also be smaller than the image's.
    """
    if image.shape[0] == size_px:
        return image
    if image.shape[2:] == (4,):
        return np.dstack([enlarge(part, size_px) for part in (image[..., :3], image[..., 3])])
    resized = Image.fromarray(image).resize((size_px, size_px), Image.Resampling.LANCZOS)
    return np.asarray(resized)


def read_png(path: Path) -> np.ndarray:
    """Read an image as height x width x 3, 8 bit.

    Raises
    ------
    BadInput
        If it cannot be read.
    """
    try:
        with open_image(path) as opened:
            return np.asarray(opened.convert("RGB"))
    except UNREADABLE as error:
        raise BadInput(f"{path}: cannot be read ({error})") from None
