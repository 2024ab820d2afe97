"""Rows of small images with headings, in one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from unitscope.disk import whole_file

_GAP_PX = 10
_LINE_PX = 15
_INK = (30, 30, 30)


@dataclass(frozen=True)
class Tile:
    """Images side by side, with a line above them."""

    title: str
    images: Sequence[np.ndarray]


def contact_sheet(rows: Sequence[Sequence[Tile]], image_px: int = 64) -> Image.Image:
    """Draw rows of tiles; all images get a side of ``image_px``.

    Examples
    --------
    >>> grey = np.full((64, 64, 3), 128, np.uint8)
    >>> contact_sheet([[Tile("grey", [grey, grey])]]).size
    (148, 99)
    """
    width = max(_GAP_PX + sum(_width(tile, image_px) for tile in row) for row in rows)
    titled = [any(tile.title for tile in row) for row in rows]
    heights = [image_px + (_LINE_PX + _GAP_PX if has_title else 2) for has_title in titled]
    sheet = Image.new("RGB", (width, sum(heights) + _GAP_PX), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=11)
    y = _GAP_PX
    for row, has_title, height in zip(rows, titled, heights, strict=True):
        x = _GAP_PX
        for tile in row:
            draw.text((x, y - 2), tile.title, _INK, font)
            for place, image in enumerate(tile.images):
                small = Image.fromarray(image).resize((image_px, image_px), Image.Resampling.BOX)
                sheet.paste(small, (x + place * image_px, y + (_LINE_PX if has_title else 0)))
            x += _width(tile, image_px)
        y += height
    return sheet


def _width(tile: Tile, image_px: int) -> int:
    return len(tile.images) * image_px + _GAP_PX


def save_sheet(sheet: Image.Image, path: Path) -> None:
    """Write a sheet as JPEG."""
    with whole_file(path) as file:
        sheet.save(file, format="JPEG", quality=82, optimize=True)
