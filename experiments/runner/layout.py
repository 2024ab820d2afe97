"""Where everything stands on the screen, in whole pixels."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

from conditions.design.presentation import Layout
from unitscope.errors import BadInput


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

    def px_of(self, deg: float) -> int | None:
        """Return a visual angle in whole pixels, rounded up; None if the monitor is unknown."""
        known = self.width_cm and self.distance_cm
        return math.ceil(deg * self.px_per_deg()) if known else None


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

    def contains(self, place: tuple[int, int]) -> bool:
        """Return whether a place lies in the rectangle."""
        x, y = place
        return self.left <= x < self.right and self.bottom <= y < self.top

    def overlaps(self, other: Box) -> bool:
        """Return whether two rectangles share a whole pixel."""
        return (
            min(self.right, other.right) - max(self.left, other.left) >= 1
            and min(self.top, other.top) - max(self.bottom, other.bottom) >= 1
        )


@dataclass(frozen=True)
class Placement(ABC):
    """Where everything of one task's screen stands.

    Parameters
    ----------
    text_px
        Height of letters.
    scale
        1 as designed, less where the screen is too small.
    """

    text_px: int
    scale: float

    @abstractmethod
    def boxes(self) -> dict[str, Box]:
        """Return every box by a name, for checks."""

    @abstractmethod
    def images(self) -> dict[str, Box]:
        """Return the box of each image by its column of the condition table."""

    @property
    @abstractmethod
    def targets(self) -> dict[str, Box]:
        """Where a click means something, by what it asks for."""


@dataclass(frozen=True)
class Measures:
    """A layout's lengths in whole pixels.

    Parameters
    ----------
    side
        Side of an image; even, so that its edges fall between pixels.
    gap, separation
        Between images, and between groups of them.
    text
        Height of letters.
    px
        Pixels per unit of the layout.
    scale
        1 as designed, less where the screen is too small.
    """

    side: int
    gap: int
    separation: int
    text: int
    px: float
    scale: float

    @property
    def pitch(self) -> int:
        """From one image to the next."""
        return self.side + self.gap

    def span(self, images: int) -> int:
        """Return the length of so many images side by side."""
        return images * self.pitch - self.gap


SMALL = 0.9
"""Height of the smallest letters on a trial's screen, as a share of the text's."""

READABLE_DEG = 0.5
"""Smallest height of letters where the monitor's size and distance are known."""

TARGET_DEG = 1.0
"""Smallest side of what is clicked where the monitor's size and distance are known."""

READABLE_PX, LINES = 18, 45
"""Elsewhere: smallest height of a page's letters, and most lines of them on a screen."""


def measure(layout: Layout, unit_px: float, scale: float, least_text_px: int = 8) -> Measures:
    """Turn a layout's lengths into whole pixels."""
    px = unit_px * scale
    return Measures(
        side=max(2, 2 * math.floor(layout.image * px / 2)),
        gap=round(layout.gap * px),
        separation=round(layout.separation * px),
        text=max(least_text_px, round(layout.text * px)),
        px=px,
        scale=scale,
    )


def grid(name: str, x: int, y: int, number: int, columns: int, m: Measures) -> dict[str, Box]:
    """Return boxes named by their number, row by row, around a centre."""
    rows = math.ceil(number / columns)
    left, top = x - m.span(columns) // 2, y + m.span(rows) // 2
    return {
        f"{name}_{i}": Box(
            left + m.side // 2 + (i % columns) * m.pitch,
            top - m.side // 2 - (i // columns) * m.pitch,
            m.side,
            m.side,
        )
        for i in range(number)
    }


MARGIN_PX = 8
"""Kept free at every edge of the screen, so that frames are not cut off."""

Placed = TypeVar("Placed", bound=Placement)


def fit(
    arrangements: Sequence[Callable[[Measures], Placed]],
    layout: Layout,
    screen: Screen,
    *,
    shrink: bool = False,
    clicked: bool = False,
) -> list[Placed]:
    """Place the parts of a session's screens, all at one scale.

    Image sides are even and centres whole pixels, so that no image is resampled. Letters are at
    least half a degree high where the monitor is known, and what is clicked has a degree.

    Parameters
    ----------
    arrangements
        Each places the parts of one sort of screen.
    layout
        The design's layout, in pixels or degrees.
    screen
        Where they are shown.
    shrink
        Whether to scale everything down where the screen is too small.
    clicked
        Whether answers are given with the mouse.

    Raises
    ------
    BadInput
        If the layout puts one part over another or makes what is clicked too small, or the screen
        is too small and ``shrink`` is False.
    """
    unit_px = 1.0 if layout.unit == "px" else screen.px_per_deg()

    least_px = screen.px_of(READABLE_DEG / SMALL) or 8

    def placed_at(scale: float, least_text_px: int = 8) -> list[Placed]:
        measures = measure(layout, unit_px, scale, least_text_px)
        return [arrange(measures) for arrange in arrangements]

    placed = placed_at(1.0, least_px)
    for placement in placed:
        _check_apart(placement, designed_px=round(layout.text * unit_px))
        if clicked:
            _check_targets(placement, screen.px_of(TARGET_DEG) or 0)
    needed_x, needed_y = needed_px(placed)
    fits = needed_x <= screen.width_px and needed_y <= screen.height_px
    if not fits and not shrink:
        raise BadInput(
            f"the layout needs {needed_x} x {needed_y} px, but the screen has {screen.width_px} x "
            f"{screen.height_px}; use a larger screen or change 'layout' in the design (--pilot "
            "alone shrinks it)"
        )
    scale = 1.0
    while not fits and scale > 0.05:
        # Letters have a least height, so that the first try may still be too large.
        scale *= min(0.99, screen.width_px / needed_x, screen.height_px / needed_y)
        placed = placed_at(scale)
        needed_x, needed_y = needed_px(placed)
        fits = needed_x <= screen.width_px and needed_y <= screen.height_px
    return placed


def needed_px(placed: Sequence[Placement]) -> tuple[int, int]:
    """Return the width and height of the smallest screen for some placements."""
    boxes = [box for placement in placed for box in placement.boxes().values()]
    return (
        math.ceil(2 * (max(max(-box.left, box.right) for box in boxes) + MARGIN_PX)),
        math.ceil(2 * (max(max(-box.bottom, box.top) for box in boxes) + MARGIN_PX)),
    )


def _check_apart(placement: Placement, designed_px: int) -> None:
    boxes = placement.boxes()
    for one, other in combinations(boxes, 2):
        if boxes[one].overlaps(boxes[other]):
            why = ""
            if placement.text_px > designed_px:
                why = f" with letters of {placement.text_px} px, half a degree on this monitor"
            raise BadInput(
                f"the layout puts {one} over {other}{why}; change the lengths of 'layout' in the "
                "design"
            )


def _check_targets(placement: Placement, least_px: int) -> None:
    for name, box in placement.targets.items():
        side_px = min(box.width, box.height)
        if side_px < least_px:
            raise BadInput(
                f"the layout makes {name}, which is clicked, {side_px} px high or wide, less than "
                f"one degree ({least_px} px on this monitor); enlarge 'image' or 'text' of "
                "'layout' in the design, or let its 'input' be keys"
            )
