"""Images as the page gets them: all of a screen in one answer, and nothing but their pixels."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from unitscope.image_files import open_image

_PNG = b"\x89PNG\r\n\x1a\n"
_PLAIN_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


def bundle(files: Sequence[Path]) -> bytes:
    """Return images as one answer: their number, the length of each, then their contents.

    Numbers are unsigned, of 32 bits, the most significant byte first. Neither names nor anything
    else that could tell images apart, other than what is seen, is part of it.
    """
    contents = [page_image(file) for file in files]
    head = struct.pack(f">{1 + len(contents)}I", len(contents), *map(len, contents))
    return head + b"".join(contents)


@lru_cache(maxsize=2048)
def page_image(file: Path) -> bytes:
    """Return an image as a PNG without anything besides its pixels.

    Raises
    ------
    BadInput
        If it cannot be read.
    """
    content = file.read_bytes()
    if _is_plain_png(content):
        return content
    made = io.BytesIO()
    with open_image(file) as image:
        image.convert("RGB").save(made, "PNG", compress_level=1)
    return made.getvalue()


def _is_plain_png(content: bytes) -> bool:
    """Return whether a file is a PNG that holds no text, time or profile."""
    if not content.startswith(_PNG):
        return False
    at: int = len(_PNG)
    while at + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        if kind not in _PLAIN_CHUNKS:
            return False
        at += 12 + length
        if kind == b"IEND":
            return at == len(content)
    return False
