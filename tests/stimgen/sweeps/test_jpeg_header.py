"""A plain JPEG by its header is one by Pillow, too."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stimgen.sweeps.jpeg_header import plain_size
from stimgen.sweeps.photographs import is_plain
from unitscope.image_files import open_image

SIZE = (37, 22)
PIXELS = np.random.default_rng(0).integers(0, 256, (22, 37, 3), dtype=np.uint8)


def jpeg(mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def oriented(value: int, order: str = "<") -> bytes:
    start = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, value, 0)
    tiff = start + struct.pack(order + "IH", 8, 1) + entry + bytes(4)
    return jpeg(exif=b"Exif\0\0" + tiff)


def with_segment(marker: int, content: bytes) -> bytes:
    data = jpeg()
    return data[:2] + struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content + data[2:]


XMP = b'http://ns.adobe.com/xap/1.0/\0<rdf:Description tiff:Orientation="%d"/>'

FILES = {
    "plain": (jpeg(), SIZE),
    "progressive": (jpeg(progressive=True), SIZE),
    "444": (jpeg(subsampling=0, optimize=True), SIZE),
    "comment": (jpeg(comment=b"a" * 900), SIZE),
    "profile": (jpeg(icc_profile=b"p" * 70_000), SIZE),
    "upright": (oriented(1), SIZE),
    "upright, other order": (oriented(1, ">"), SIZE),
    "upright by XMP": (with_segment(0xE1, XMP % 1), SIZE),
    "filled": (jpeg()[:2] + b"\xff\xff\xff" + jpeg()[2:], SIZE),
    "turned": (oriented(6), None),
    "turned, other order": (oriented(8, ">"), None),
    "turned by XMP": (with_segment(0xE1, XMP % 6), None),
    "grey": (jpeg("L"), None),
    "four colours": (jpeg("CMYK"), None),
    "untransformed": (jpeg(keep_rgb=True), None),
    "of several images": (with_segment(0xE2, b"MPF\0" + bytes(9)), None),
    "damaged tags": (jpeg(exif=b"Exif\0\0II*\0\xff\xff\xff\xff"), None),
    "cut in its header": (jpeg()[:60], None),
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(60), None),
    "empty": (b"", None),
}


@pytest.mark.parametrize("name", FILES)
def test_kinds_of_files(name: str) -> None:
    data, size = FILES[name]
    assert plain_size(data) == size


def by_pillow(data: bytes) -> tuple[int, int] | None:
    with open_image(io.BytesIO(data)) as image:
        plain = is_plain(image) and image.info.get("adobe_transform") != 0
        return image.size if plain else None


@given(
    st.sampled_from([data for data, _ in FILES.values() if data]),
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), max_size=3),
)
def test_whatever_is_plain_by_the_header_is_plain_by_pillow(
    data: bytes, changes: list[tuple[int, int]]
) -> None:
    changed = bytearray(data)
    for place, value in changes:
        changed[place % len(changed)] = value
    found = plain_size(bytes(changed))
    try:
        expected = by_pillow(bytes(changed))
    except Exception:
        return  # Damage behind the header is found by whoever decodes the image.
    assert found in (None, expected)
