"""Reading photographs and cropping them to stimuli.

Plain JPEG files are decoded by torchcodec if it is installed, with the same pixels as Pillow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from unitscope.image_files import open_image

ORIENTATION = 0x0112
"""EXIF tag of a photograph's orientation."""

BITS_PER_SAMPLE, MAX_SAMPLE_VALUE = 258, 281
"""TIFF tags of how large numbers may be, and of the largest that was meant."""

END_OF_IMAGE = b"\xff\xd9"

LEAST_PX, LONGEST = 16, 10
"""Least side of a photograph, and how many times as long as wide it may be."""


def read_rgb(file: Path | BinaryIO) -> Image.Image:
    """Read an image as RGB, upright according to its EXIF orientation.

    Raises
    ------
    OSError, ValueError
        If it cannot be read; the message does not contain the path, which may be private.
    """
    try:
        with open_image(file) as image:
            quick = _decode(file) if is_plain(image) else None
            if quick is not None:
                return quick
            try:
                image.load()
            except OSError:
                whole = _with_its_end(file) if image.format == "JPEG" else None
                if whole is None:
                    raise
                image = whole
            # Turning it leaves behind what its tags say of its numbers.
            return as_rgb(ImageOps.exif_transpose(image), getattr(image, "tag_v2", {}))
    except UnidentifiedImageError:
        raise ValueError("not an image of a known format") from None
    except OSError as error:
        raise OSError(error.strerror or str(error)) from None


def _decode(file: Path | BinaryIO) -> Image.Image | None:
    return None if decoder() is None else decode(_content(file))


def _content(file: Path | BinaryIO) -> bytes:
    if isinstance(file, Path):
        return file.read_bytes()
    here = file.tell()
    file.seek(0)
    content = file.read()
    file.seek(here)
    return content


def _with_its_end(file: Path | BinaryIO) -> Image.Image | None:
    """Return a JPEG that lacks nothing but the mark of its end; None if it lacks more.

    Where more is missing, the pixels depend on what is put in its place.
    """
    content = _content(file)
    found = []
    for filling in (b"", bytes(range(1, 200)), bytes(range(200, 1, -3))):
        try:
            image = open_image(BytesIO(content + filling + END_OF_IMAGE))
            image.load()
        except OSError:
            return None
        found.append(image)
    first, *others = (np.asarray(image) for image in found)
    return found[0] if all((first == other).all() for other in others) else None


def as_rgb(image: Image.Image, tags: Mapping[int, Any] = MappingProxyType({})) -> Image.Image:
    """Convert grey (8, 16 or 32 bit, float), palette, CMYK or transparent images to RGB, on white.

    Parameters
    ----------
    image
        An opened image.
    tags
        Those of its file if it is a TIFF, which say what its numbers mean.

    Raises
    ------
    ValueError
        If the file does not say which number is white, or says one far above all its numbers.
    """
    if image.mode == "F" or image.mode.startswith("I"):
        levels = np.asarray(image, dtype=np.float64)
        shares = (levels / _white(image.mode, tags, levels) * 255).clip(0, 255)
        return Image.fromarray(shares.astype(np.uint8)).convert("RGB")
    if "A" in image.mode or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _white(mode: str, tags: Mapping[int, Any], levels: np.ndarray) -> float:
    """Return the number that stands for white in a grey image of more than 8 bits."""
    low, high = float(levels.min()), float(levels.max())
    if mode == "F":
        if low >= 0 and high <= 1:
            return 1.0
        raise ValueError(f"its numbers go from {low:g} to {high:g}, expected 0 to 1")
    bits = int(np.max(tags.get(BITS_PER_SAMPLE, 16)))
    white = float(np.max(tags.get(MAX_SAMPLE_VALUE, 2**bits - 1)))
    # As if only 12 of 16 bits were used, which would give an image that is nearly black.
    if high <= white / 16:
        raise ValueError(f"its numbers end at {high:g}, far from the {white:g} that is white in it")
    return white


def crop(image: Image.Image, resize_px: int, crop_px: int) -> Image.Image:
    """Resize the short side to ``resize_px`` and crop the central square of ``crop_px``.

    Sizes and positions are rounded as by torchvision's ``Resize`` and ``CenterCrop``.

    Raises
    ------
    ValueError
        If the image is too small or too long for its middle to stand for it.
    """
    if not is_ordinary(image.size):
        raise ValueError(
            f"is {image.width} x {image.height} px, expected {LEAST_PX} or more and at most "
            f"{LONGEST} times as long as wide"
        )
    size, (left, upper) = placing(image.size, resize_px, crop_px)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    return image.crop((left, upper, left + crop_px, upper + crop_px))


def is_ordinary(size: tuple[int, int]) -> bool:
    """Return whether an image is neither tiny nor a strip."""
    short, long = sorted(size)
    return short >= LEAST_PX and long <= LONGEST * short


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
