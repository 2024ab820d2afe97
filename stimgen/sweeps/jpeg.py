"""Photographs decoded by torchcodec where it is installed; its pixels are those of Pillow."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from PIL import Image

ORIENTATION = 0x0112
"""EXIF tag that says how to turn a photograph."""


@lru_cache(maxsize=1)
def decoder() -> Callable[..., Any] | None:
    """Return torchcodec's decoder, None where it is not installed or cannot be loaded."""
    if find_spec("torchcodec") is None:
        return None
    try:
        decoders: Any = import_module("torchcodec.decoders")
        found: Callable[..., Any] = decoders.decode_jpeg
    except (ImportError, AttributeError, OSError, RuntimeError):
        return None  # an older one, for another torch, or without a library that it needs
    return found


def is_plain(image: Image.Image) -> bool:
    """Return whether an opened image is a JPEG in RGB that need not be turned."""
    if image.format != "JPEG" or image.mode != "RGB":
        return False
    return bool(image.getexif().get(ORIENTATION, 1) == 1)


def decode(data: bytes) -> Image.Image | None:
    """Decode a plain JPEG; None where only Pillow can say what it is, or what is wrong with it."""
    decode_jpeg = decoder()
    if decode_jpeg is None:
        return None
    try:
        pixels = decode_jpeg(data)
    except RuntimeError:
        return None
    return Image.fromarray(np.ascontiguousarray(pixels.permute(1, 2, 0).numpy()))
