"""Sources of natural images, and how a photograph becomes a stimulus."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from stimgen.sweeps.jpeg import decode, decoder, is_plain
from unitscope.errors import BadInput

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")


class ImageSource(Protocol):
    """A numbered list of images."""

    def __len__(self) -> int:
        """Return the number of images."""

    def name(self, index: int) -> str:
        """Return an image's name, unique in the source."""

    def load(self, index: int) -> Image.Image:
        """Return an image in RGB; raises OSError or ValueError where it cannot be read."""

    @property
    def sha256(self) -> str:
        """Hash of what decides which images these are."""


class ImageFiles:
    """Image files by their paths relative to a folder.

    Parameters
    ----------
    folder
        To which the names are relative.
    names
        POSIX paths of files that are there, in the images' order.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self.folder = folder
        self._names = list(names)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._names)

    def name(self, index: int) -> str:
        """Return the path relative to the folder."""
        return self._names[index]

    def load(self, index: int) -> Image.Image:
        """Read an image as RGB, turned upright."""
        return read_rgb(self.folder / self._names[index])

    def encoded(self, index: int) -> bytes:
        """Return the content of an image's file."""
        return (self.folder / self._names[index]).read_bytes()

    @cached_property
    def sha256(self) -> str:
        """Hash of names and file sizes."""
        return hash_of_list((name, (self.folder / name).stat().st_size) for name in self._names)


class ImageFolder(ImageFiles):
    """Every image below a folder, in the order of the relative POSIX paths.

    Parameters
    ----------
    folder
        Searched with its subfolders; suffixes count whatever their case. Hidden files and
        folders are left out.

    Raises
    ------
    BadInput
        If there is no such folder or no image in it.
    """

    def __init__(self, folder: Path | str) -> None:
        folder = Path(folder)
        if not folder.is_dir():
            raise BadInput(f"{folder}: no such folder of images")
        found = (
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.suffix.lower() in SUFFIXES and path.is_file()
        )
        names = sorted(n for n in found if not any(p.startswith(".") for p in n.split("/")))
        if not names:
            raise BadInput(f"{folder}: no images there (looked for {', '.join(SUFFIXES)})")
        super().__init__(folder, names)


def hash_of_list(sizes: Iterable[tuple[str, int]]) -> str:
    """Return the SHA-256 of the names and the sizes in bytes of a list of files."""
    digest = hashlib.sha256()
    for name, size in sizes:
        digest.update(f"{name}\t{size}\n".encode())
    return digest.hexdigest()


def read_rgb(file: Path | BinaryIO) -> Image.Image:
    """Read an image as RGB, turned upright.

    Raises
    ------
    OSError, ValueError
        If it cannot be read; the message holds no path, which is nobody else's business.
    """
    try:
        with Image.open(file) as image:
            quick = _decode(file) if is_plain(image) else None
            if quick is not None:
                return quick
            image.load()
            return as_rgb(ImageOps.exif_transpose(image))
    except UnidentifiedImageError:
        raise ValueError("not an image of a known format") from None
    except OSError as error:
        raise OSError(error.strerror or str(error)) from None


def _decode(file: Path | BinaryIO) -> Image.Image | None:
    if decoder() is None:
        return None
    if isinstance(file, Path):
        return decode(file.read_bytes())
    here = file.tell()
    file.seek(0)
    quick = decode(file.read())
    file.seek(here)
    return quick


def as_rgb(image: Image.Image) -> Image.Image:
    """Turn grey (8 or 16 bit), palette, CMYK or transparent images into RGB, on white."""
    if image.mode.startswith("I"):
        levels = np.asarray(image, dtype=np.float64)
        top = 65535.0 if levels.max() > 255 else 255.0
        return Image.fromarray((levels / top * 255).clip(0, 255).astype(np.uint8)).convert("RGB")
    if "A" in image.mode or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def crop(image: Image.Image, resize_px: int, crop_px: int) -> Image.Image:
    """Bring the short side to ``resize_px`` and cut the central square of ``crop_px``.

    Sizes and places are rounded as torchvision's ``Resize`` and ``CenterCrop`` do.
    """
    size, (left, upper) = placing(image.size, resize_px, crop_px)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    return image.crop((left, upper, left + crop_px, upper + crop_px))


def placing(
    size: tuple[int, int], resize_px: int, crop_px: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return an image's size (width, height) once resized, and the square's left upper corner."""
    width, height = (side * resize_px // min(size) for side in size)
    return (width, height), (round((width - crop_px) / 2), round((height - crop_px) / 2))
