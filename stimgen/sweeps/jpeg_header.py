"""What the first bytes of a JPEG file say of it, read without opening it as an image."""

from __future__ import annotations

import re
import struct

_START, _END_OF_IMAGE, _SCAN = 0xD8, 0xD9, 0xDA
_FRAMES = range(0xC0, 0xC3)
"""Markers of the frames that all decoders know: baseline, extended and progressive."""

_OTHER_FRAMES = {0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}
_ALONE = {0x01, *range(0xD0, 0xD8)}
"""Markers without a length."""

_ORIENTATION = 0x0112
_TURNED = re.compile(rb"tiff:Orientation(?:=\"|>)([0-9])")


def plain_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a plain JPEG: 8 bits, three colours, upright.

    None for a file of another kind, and for every file that is doubtful: of several images, with
    colours that are not transformed as JPEG does, or with a header that cannot be followed.
    """
    if data[:2] != bytes((0xFF, _START)):
        return None
    size: tuple[int, int] | None = None
    at = 2
    try:
        while True:
            if data[at] != 0xFF:
                return None
            while data[at] == 0xFF:
                at += 1
            marker, at = data[at], at + 1
            if marker == _SCAN:
                return size
            if marker in _ALONE:
                continue
            if marker == _END_OF_IMAGE or marker in _OTHER_FRAMES:
                return None
            (length,) = struct.unpack_from(">H", data, at)
            part = data[at + 2 : at + length]
            if length < 2 or len(part) != length - 2:
                return None
            if marker in _FRAMES:
                size = None if size else _size(part)
                if size is None:
                    return None
            elif not _is_harmless(marker, part):
                return None
            at += length
    except (IndexError, struct.error):
        return None


def _size(frame: bytes) -> tuple[int, int] | None:
    bits, height, width, n_colours = struct.unpack_from(">BHHB", frame)
    names = frame[6::3]
    if bits != 8 or n_colours != 3 or len(frame) != 15 or names == b"RGB" or not height * width:
        return None
    return width, height


def _is_harmless(marker: int, part: bytes) -> bool:
    """Return whether a segment neither turns the image nor changes its colours."""
    if marker == 0xE1 and part.startswith(b"Exif\0\0"):
        return _orientation(part[6:]) == 1
    if marker == 0xE1 and (turned := _TURNED.search(part)):
        return turned.group(1) == b"1"
    if marker == 0xE2 and part.startswith(b"MPF\0"):  # further images follow in the file
        return False
    if marker == 0xEE and part.startswith(b"Adobe"):
        return len(part) >= 12 and part[11] == 1
    return True


def _orientation(exif: bytes) -> int | None:
    """Return the orientation that EXIF gives, 1 if it gives none; None if it cannot be read."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return None
    (start,) = struct.unpack_from(order + "I", exif, 4)
    (n_entries,) = struct.unpack_from(order + "H", exif, start)
    found = 1
    for place in range(start + 2, start + 2 + 12 * n_entries, 12):
        tag, kind, n_values, value = struct.unpack_from(order + "HHIH", exif, place)
        if tag == _ORIENTATION:
            found = value if (kind, n_values) == (3, 1) else 0
    return found
