"""What trials are drawn with; symbols are drawn as shapes, whatever fonts there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from experiments.runner.layout import SMALL, Box

INK = (-0.92, -0.92, -0.92)
PAPER = (0.9, 0.9, 0.9)
FAINT = (-0.35, -0.35, -0.35)
CORRECT = (-1.0, 0.35, -0.25)
WRONG = (0.55, -0.6, -0.75)
"""Colours as PsychoPy has them: red, green and blue from -1 to 1, on a background of 0."""

Color = tuple[float, float, float]
Place = tuple[float, float]


class Part(Protocol):
    """Something that was prepared and can be drawn any number of times."""

    def draw(self) -> None:
        """Draw it."""
        ...


Parts = list[Part]
"""In the order in which they are drawn."""


class Images(Part, Protocol):
    """The images of a trial, each in its place."""

    shown: list[str]
    """Columns of the condition table whose images the trial shows."""

    def load(self, row: Mapping[str, Any]) -> None:
        """Load the images of a trial."""
        ...


class Canvas(Protocol):
    """Prepares parts, all in pixels to the right of the screen's centre and up from it."""

    def text(
        self,
        words: str,
        box: Box,
        height_px: float,
        *,
        bold: bool = False,
        color: Color = INK,
        side: str = "center",
    ) -> Part:
        """Return text centred in a box, wrapped to its width.

        With another ``side``, ``left`` or ``right``, it begins or ends at the box's centre.
        """
        ...

    def bar(self, box: Box, color: Color, edge: Color | None = None) -> Part:
        """Return a filled rectangle."""
        ...

    def frame(self, box: Box, width_px: float, color: Color) -> Part:
        """Return a frame around a box."""
        ...

    def line(self, points: Sequence[Place], width_px: float, color: Color) -> Part:
        """Return a line from place to place."""
        ...

    def disc(self, place: Place, size_px: float, color: Color) -> Part:
        """Return a filled circle with a bright edge."""
        ...

    def images(self, places: Mapping[str, Box], file: Callable[[str], Path]) -> Images:
        """Return the images of trials.

        Parameters
        ----------
        places
            Name of a column of the condition table to the box that its image fills.
        file
            Turns an image name of the table into its file.
        """
        ...


def draw(parts: Sequence[Part]) -> None:
    """Draw parts, later ones over earlier ones."""
    for part in parts:
        part.draw()


def key_cap(canvas: Canvas, box: Box, name: str, text_px: float, *, given: bool = False) -> Parts:
    """Return a key with its name, light on dark where it is the one that was given."""
    paper, ink = (INK, PAPER) if given else (PAPER, INK)
    return [canvas.bar(box, paper, FAINT), canvas.text(name, box, text_px, color=ink)]


def button(canvas: Canvas, box: Box, words: str, text_px: int, *, active: bool = True) -> Parts:
    """Return a button, faint where it cannot be pressed yet."""
    color, fill = (INK, PAPER) if active else (FAINT, (0.0, 0.0, 0.0))
    inner = Box(box.x, box.y, box.width - text_px, box.height)
    return [
        canvas.bar(box, fill, color),
        canvas.text(words, inner, SMALL * text_px, color=color),
    ]


def cross(canvas: Canvas, size_px: int) -> Parts:
    """Return a fixation cross at the screen's centre."""
    thick = size_px // 6 + 1
    return [canvas.bar(Box(0, 0, w, h), INK) for w, h in ((size_px, thick), (thick, size_px))]


def check_mark(canvas: Canvas, x: float, y: float, size_px: float) -> Parts:
    """Return a check mark on a disc."""
    strokes = [[(-0.26, -0.02), (-0.08, -0.2), (0.28, 0.2)]]
    return _mark(canvas, x, y, size_px, CORRECT, strokes)


def cross_mark(canvas: Canvas, x: float, y: float, size_px: float) -> Parts:
    """Return a diagonal cross on a disc."""
    strokes = [[(-0.2, -0.2), (0.2, 0.2)], [(-0.2, 0.2), (0.2, -0.2)]]
    return _mark(canvas, x, y, size_px, WRONG, strokes)


def _mark(
    canvas: Canvas,
    x: float,
    y: float,
    size_px: float,
    color: Color,
    strokes: list[list[Place]],
) -> Parts:
    return [
        canvas.disc((x, y), size_px, color),
        *(
            canvas.line(
                [(x + size_px * a, y + size_px * b) for a, b in stroke],
                max(3, size_px / 10),
                PAPER,
            )
            for stroke in strokes
        ),
    ]


class ProgressBar:
    """The progress within a block.

    Parameters
    ----------
    canvas
        Draws it.
    box
        Its place.
    """

    def __init__(self, canvas: Canvas, box: Box) -> None:
        self._canvas = canvas
        self._box = box
        self._whole = canvas.bar(box, FAINT)
        self._done: Parts = []

    def show(self, share: float) -> None:
        """Set the share of completed trials, 0 to 1."""
        box = self._box
        half = round(share * box.width / 2)
        done = Box(round(box.left) + half, box.y, 2 * half, box.height)
        self._done = [self._canvas.bar(done, PAPER)] if half else []

    def draw(self) -> None:
        """Draw it."""
        draw([self._whole, *self._done])
