"""Where a page's text and images stand."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.runner.layout import LINES, READABLE_DEG, READABLE_PX, Box, Screen
from experiments.runner.pages import Panel

TITLE = 0.85
"""Height of a title's letters, as a share of the text's."""

LEAST = 0.9
"""A text whose letters would have to be smaller than this share goes on to a further screen."""


def readable_px(text_px: int, screen: Screen) -> int:
    """Return the height of a page's letters: that of the design, but never too small to read."""
    least_px = screen.px_of(READABLE_DEG) or max(READABLE_PX, screen.height_px // LINES)
    return max(text_px, least_px)


@dataclass(frozen=True)
class PageBoxes:
    """The boxes of a page.

    Parameters
    ----------
    whole
        Of a text without images.
    upper
        Of a text above images; it need not fill it.
    hint
        Of the keys, at the lower edge.
    floor
        Lower edge of what stands above the hint.
    """

    whole: Box
    upper: Box
    hint: Box
    floor: int

    def below(self, bottom: float) -> Box:
        """Return what a text that ends at a height leaves for images."""
        height = math.floor(bottom - self.hint.height / 2 - self.floor)
        return Box(0, round(self.floor + height / 2), round(self.hint.width * 0.96), height)


def page_boxes(width_px: int, height_px: int, text_px: int) -> PageBoxes:
    """Divide a screen into the boxes of a page."""
    column = min(round(0.86 * width_px), 42 * text_px)
    hint_y = round(-height_px / 2 + 2 * text_px)
    top, floor = round(0.45 * height_px), hint_y + 2 * text_px
    return PageBoxes(
        whole=Box(0, (top + floor) // 2, column, top - floor),
        upper=Box(0, top - round(0.2 * height_px), column, round(0.4 * height_px)),
        hint=Box(0, hint_y, round(0.96 * width_px), 2 * text_px),
        floor=floor,
    )


@dataclass(frozen=True)
class PlacedPanel:
    """A panel, the box of its title and those of its images."""

    panel: Panel
    title: Box
    images: tuple[Box, ...]


def place_panels(panels: Sequence[Panel], room: Box, text_px: int) -> list[PlacedPanel]:
    """Place panels side by side in the middle of a box.

    Images of one panel are as large as those of another with as many rows, and none is higher
    than half the box; all are made smaller where they would be too wide.

    Parameters
    ----------
    panels
        From left to right.
    room
        Where they stand.
    text_px
        Height of letters.
    """
    gap, apart = max(4, text_px // 4), 2 * text_px
    titles = _title_height_px(panels, text_px)
    height = room.height - titles
    scale = 1.0
    while True:
        sides = [_side_px(panel, height, gap, scale) for panel in panels]
        widths = [
            max(panel.columns * (side + gap) - gap, _title_px(panel, text_px))
            for panel, side in zip(panels, sides, strict=True)
        ]
        whole = sum(widths) + apart * (len(panels) - 1)
        if whole <= room.width or scale < 0.2:
            break
        scale *= 0.95
    placed = []
    left = round(room.x - whole / 2)
    for panel, side, width in zip(panels, sides, widths, strict=True):
        rows = math.ceil(len(panel.images) / panel.columns)
        middle = round(left + width / 2)
        centre = round(room.bottom + height / 2)
        images = tuple(
            Box(
                middle + round((i % panel.columns - (panel.columns - 1) / 2) * (side + gap)),
                centre + round(((rows - 1) / 2 - i // panel.columns) * (side + gap)),
                side,
                side,
            )
            for i in range(len(panel.images))
        )
        title_y = round(max(box.top for box in images) + titles / 2)
        placed.append(PlacedPanel(panel, Box(middle, title_y, width + gap, titles), images))
        left += width + apart
    return placed


def _side_px(panel: Panel, height: float, gap: int, scale: float) -> int:
    """Return the side of a panel's images, which is even."""
    rows = math.ceil(len(panel.images) / panel.columns)
    fits = min((height + gap) / rows - gap, height / 2)
    return max(8, 2 * math.floor(scale * fits / 2))


def _title_px(panel: Panel, text_px: int) -> int:
    """Return about how wide a title is that may be broken into two lines."""
    longest = max((len(word) for word in panel.title.split()), default=0)
    return round(0.62 * TITLE * text_px * max(longest, 0.6 * len(panel.title)))


def _title_height_px(panels: Sequence[Panel], text_px: int) -> int:
    """Return how high titles of two lines are; 0 without any."""
    return round(2.8 * TITLE * text_px) if any(panel.title for panel in panels) else 0


def split(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Divide a text among as few screens as it needs.

    Parameters
    ----------
    text
        Paragraphs.
    fits
        Whether a text fits a screen.

    Returns
    -------
    list of str
        Whole paragraphs, where a screen has room for one, else its lines or sentences. A sentence
        that fits no screen stands alone.
    """
    screens = [""]
    for paragraph in text.split("\n\n"):
        pieces = [paragraph] if fits(paragraph) else re.split(r"(?<=\n)|(?<=[.!?]) ", paragraph)
        for place, piece in enumerate(pieces):
            space = "\n\n" if place == 0 else "" if screens[-1].endswith("\n") else " "
            longer = screens[-1] + space + piece if screens[-1] else piece
            if screens[-1] and not fits(longer.rstrip()):
                screens.append(piece)
            else:
                screens[-1] = longer
    return [screen.strip() for screen in screens]
