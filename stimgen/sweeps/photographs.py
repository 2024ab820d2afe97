"""Reading photographs and cropping them to stimuli.

Plain JPEG files are decoded by torchcodec if it is installed, with the same pixels as Pillow.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

ORIENTATION = 0x0112
"""EXIF tag of a photograph's orientation."""


def read_rgb(file: Path | BinaryIO) -> Image.Image:
    """Read an image as RGB, upright according to its EXIF orientation.

    Raises
    ------
    OSError, ValueError
        If it cannot be read; the message does not contain the path, which may be private.
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
    """Convert grey (8 or 16 bit), palette, CMYK or transparent images to RGB, on white."""
    if image.mode.startswith("I"):
        levels = np.asarray(image, dtype=np.float64)
        top = 65535.0 if levels.max() > 255 else 255.0
        return Image.fromarray((levels / top * 255).clip(0, 255).astype(np.uint8)).convert("RGB")
    if "A" in image.mode or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def crop(image: Image.Image, resize_px: int, crop_px: int) -> Image.Image:
    """Resize the short side to ``resize_px`` and crop the central square of ``crop_px``.

    Sizes and positions are rounded as by torchvision's ``Resize`` and ``CenterCrop``.
    """
    size, (left, upper) = placing(image.size, resize_px, crop_px)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    return image.crop((left, upper, left + crop_px, upper + crop_px))


def placing(
    size: tuple[int, int], resize_px: int, crop_px: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the size (width, height) after resizing, and the crop's left and upper edge."""
    width, height = (side * resize_px // min(size) for side in size)
    return (width, height), (round((width - crop_px) / 2), round((height - crop_px) / 2))


@lru_cache(maxsize=1)
def decoder() -> Callable[..., Any] | None:
    """Return torchcodec's decoder, None if it is not installed or cannot be loaded."""
    if find_spec("torchcodec") is None:
        return None
    try:
        decoders: Any = import_module("torchcodec.decoders")
        found: Callable[..., Any] = decoders.decode_jpeg
    except (ImportError, AttributeError, OSError, RuntimeError):
        return None  # an older version, one for another torch, or a missing library
    return found


def is_plain(image: Image.Image) -> bool:
    """Return whether an opened image is a JPEG in RGB without rotation."""
    if image.format != "JPEG" or image.mode != "RGB":
        return False
    return bool(image.getexif().get(ORIENTATION, 1) == 1)


def decode(data: bytes) -> Image.Image | None:
    """Decode a plain JPEG; None if torchcodec fails, so that Pillow reads or refuses it."""
    decode_jpeg = decoder()
    if decode_jpeg is None:
        return None
    try:
        pixels = decode_jpeg(data)
    except RuntimeError:
        return None
    return Image.fromarray(np.ascontiguousarray(pixels.permute(1, 2, 0).numpy()))
