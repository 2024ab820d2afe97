"""A trial's screens as plain data, which the page draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.runner.layout import Box
from experiments.screens.canvas import INK, Color, Place

Element = list[Any]
"""What the page draws: a letter for its kind, then numbers, words and colours."""


class DrawnCanvas:
    """Prepares parts as plain data; see :class:`experiments.screens.canvas.Canvas`."""

    def __init__(self) -> None:
        self._drawn: list[Element] = []

    def taken(self) -> list[Element]:
        """Return what was drawn since the last call."""
        drawn, self._drawn = self._drawn, []
        return drawn

    def text(
        self,
        words: str,
        box: Box,
        height_px: float,
        *,
        bold: bool = False,
        color: Color = INK,
        side: str = "center",
    ) -> DrawnPart:
        """Return text, whose letters the page shrinks until it fits the box's height."""
        return self._part(["text", words, *_numbers(box), height_px, bold, css(color), side])

    def bar(self, box: Box, color: Color, edge: Color | None = None) -> DrawnPart:
        """Return a filled rectangle."""
        return self._part(["bar", *_numbers(box), css(color), edge and css(edge)])

    def frame(self, box: Box, width_px: float, color: Color) -> DrawnPart:
        """Return a frame around a box."""
        return self._part(["frame", *_numbers(box), width_px, css(color)])

    def line(self, points: Sequence[Place], width_px: float, color: Color) -> DrawnPart:
        """Return a line from place to place."""
        return self._part(["line", [list(point) for point in points], width_px, css(color)])

    def disc(self, place: Place, size_px: float, color: Color) -> DrawnPart:
        """Return a filled circle with a bright edge."""
        return self._part(["disc", *place, size_px, css(color)])

    def images(self, places: Mapping[str, Box], file: Callable[[str], Path]) -> DrawnImages:
        """Return the images of trials; the page has them by their numbers alone."""
        return DrawnImages(self._drawn_list, places, file)

    def _part(self, element: Element) -> DrawnPart:
        return DrawnPart(self._drawn_list, element)

    def _drawn_list(self) -> list[Element]:
        return self._drawn


class DrawnPart:
    """One element, which is added to what is drawn."""

    def __init__(self, drawn: Callable[[], list[Element]], element: Element) -> None:
        self._drawn = drawn
        self._element = element

    def draw(self) -> None:
        """Draw it."""
        self._drawn().append(self._element)


class DrawnImages:
    """The images of a trial, numbered in the order of their places.

    Parameters
    ----------
    drawn
        Returns what is drawn so far.
    places
        Name of a column of the condition table to the box that its image fills.
    file
        Turns an image name of the table into its file.
    """

    def __init__(
        self,
        drawn: Callable[[], list[Element]],
        places: Mapping[str, Box],
        file: Callable[[str], Path],
    ) -> None:
        self._drawn = drawn
        self._places = dict(places)
        self._file = file
        self.shown: list[str] = []

    def load(self, row: Mapping[str, Any]) -> None:
        """Take the images of a trial."""
        self.shown = [name for name in self._places if row.get(name)]

    def draw(self) -> None:
        """Draw them."""
        for number, name in enumerate(self.shown):
            self._drawn().append(["image", number, *_numbers(self._places[name])])


def css(color: Color) -> str:
    """Return a colour as style sheets write it.

    Examples
    --------
    >>> css((-1.0, 0.0, 1.0))
    '#0080ff'
    """
    return "#" + "".join(f"{round((part + 1) * 127.5):02x}" for part in color)


def _numbers(box: Box) -> tuple[int, int, int, int]:
    return box.x, box.y, box.width, box.height
