"""Where everything stands on the screen, in whole pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from conditions.design import Layout
from conditions.errors import BadInput


@dataclass(frozen=True)
class Screen:
    """A monitor as the participant sees it.

    Parameters
    ----------
    width_px, height_px
        Size of the window.
    width_cm, distance_cm
        Width of the window on the monitor, and the eyes' distance to it; None where unknown.
    """

    width_px: int
    height_px: int
    width_cm: float | None = None
    distance_cm: float | None = None

    def px_per_deg(self) -> float:
        """Return pixels per degree of visual angle at the screen's centre.

        Raises
        ------
        BadInput
            If the monitor's size or distance is unknown.
        """
        if not self.width_cm or not self.distance_cm:
            raise BadInput(
                "the design's layout is in degrees, but the monitor's width and distance are "
                "unknown; enter them in PsychoPy's Monitor Center"
            )
        cm_per_deg = 2 * self.distance_cm * math.tan(math.radians(0.5))
        return self.width_px / self.width_cm * cm_per_deg


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels: its centre, from the screen's centre and up, and its size."""

    x: int
    y: int
    width: int
    height: int

    @property
    def left(self) -> float:
        """Left edge."""
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        """Right edge."""
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.y - self.height / 2

    @property
    def top(self) -> float:
        """Upper edge."""
        return self.y + self.height / 2

    def overlaps(self, other: Box) -> bool:
        """Return whether two rectangles share a pixel."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )


@dataclass(frozen=True)
class Placement:
    """Where everything of a 2AFC screen stands.

    Parameters
    ----------
    queries
        Choice to its image's box.
    references
        Column name, such as ``reference_min_0``, to its image's box.
    titles
        Pole to the box of its references' title.
    legends
        Choice to the box of its keys.
    question, progress
        Boxes of the question between the queries and of the block's progress bar.
    text_px
        Height of letters.
    scale
        1 as designed, less where the screen is too small.
    """

    queries: dict[str, Box]
    references: dict[str, Box]
    titles: dict[str, Box]
    legends: dict[str, Box]
    question: Box
    progress: Box
    text_px: int
    scale: float

    def boxes(self) -> dict[str, Box]:
        """Return every box by a name, for checks."""
        named = {f"query_{choice}": box for choice, box in self.queries.items()}
        named.update(self.references)
        named.update({f"title_{pole}": box for pole, box in self.titles.items()})
        named.update({f"legend_{choice}": box for choice, box in self.legends.items()})
        return named | {"question": self.question, "progress": self.progress}


MARGIN_PX = 8
"""Kept free at every edge of the screen, so that frames are not cut off."""


def place(
    layout: Layout, screen: Screen, poles: tuple[str, ...], per_side: int, *, shrink: bool = False
) -> Placement:
    """Place the parts of a 2AFC screen.

    Image sides are even and centres whole pixels, so that no image is resampled.

    Parameters
    ----------
    layout
        The design's layout, in pixels or degrees.
    screen
        Where it is shown.
    poles, per_side
        The design's references.
    shrink
        Whether to scale everything down where the screen is too small.

    Raises
    ------
    BadInput
        If the screen is too small and ``shrink`` is False.
    """
    unit_px = 1.0 if layout.unit == "px" else screen.px_per_deg()
    placed = _place_at(layout, poles, per_side, unit_px, 1.0)
    needed_x = 2 * (max(max(-b.left, b.right) for b in placed.boxes().values()) + MARGIN_PX)
    needed_y = 2 * (max(max(-b.bottom, b.top) for b in placed.boxes().values()) + MARGIN_PX)
    scale = min(screen.width_px / needed_x, screen.height_px / needed_y)
    if scale >= 1:
        return placed
    if not shrink:
        raise BadInput(
            f"the layout needs {math.ceil(needed_x)} x {math.ceil(needed_y)} px, but the screen "
            f"has {screen.width_px} x {screen.height_px}; use a larger screen or change 'layout' "
            "in the design"
        )
    return _place_at(layout, poles, per_side, unit_px * scale, scale)


def _place_at(
    layout: Layout, poles: tuple[str, ...], per_side: int, unit_px: float, scale: float
) -> Placement:
    side = max(2, 2 * math.floor(layout.image * unit_px / 2))
    pitch = side + round(layout.gap * unit_px)
    text = max(8, round(layout.text * unit_px))
    offset = round(layout.query_offset * unit_px)
    columns = math.ceil(math.sqrt(per_side))
    rows = math.ceil(per_side / columns)
    grid_width, grid_height = (n * pitch - (pitch - side) for n in (columns, rows))

    references: dict[str, Box] = {}
    titles: dict[str, Box] = {}
    for pole in poles:
        x = round(layout.reference_offset * unit_px) * (-1 if pole == "min" else 1)
        for i in range(per_side):
            row, column = divmod(i, columns)
            references[f"reference_{pole}_{i}"] = Box(
                x + round((column - (columns - 1) / 2) * pitch),
                round(((rows - 1) / 2 - row) * pitch),
                side,
                side,
            )
        titles[pole] = Box(x, grid_height // 2 + 2 * text, max(grid_width, 12 * text), 2 * text)

    legend_height = 4 * text
    across = layout.queries == "vertical"
    if across:
        queries = {"a": Box(0, offset, side, side), "b": Box(0, -offset, side, side)}
        away = offset + side // 2 + legend_height // 2 + text // 2
        legends = {"a": Box(0, away, side, legend_height), "b": Box(0, -away, side, legend_height)}
        question = Box(0, 0, 18 * text, max(2 * offset - side - text, 2 * text))
    else:
        queries = {"a": Box(-offset, 0, side, side), "b": Box(offset, 0, side, side)}
        below = side // 2 + legend_height // 2 + text // 2
        legends = {c: Box(box.x, -below, side, legend_height) for c, box in queries.items()}
        question = Box(0, side // 2 + 2 * text, 18 * text, 3 * text)
    top = max(
        *(box.top for box in titles.values()),
        *(box.top for box in legends.values()),
        *(box.top for box in queries.values()),
        question.top,
    )
    progress = Box(0, math.ceil(top) + text, side, max(6, text // 3))
    return Placement(queries, references, titles, legends, question, progress, text, scale)
