"""The parts that screens are drawn from: text, frames, keys, marks; no symbol is a letter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psychopy import visual

from experiments.runner.layout import Box

INK = (-0.92, -0.92, -0.92)
PAPER = (0.9, 0.9, 0.9)
FAINT = (-0.35, -0.35, -0.35)
RIGHT = (-1.0, 0.35, -0.25)
WRONG = (0.55, -0.6, -0.75)
FONT = "Noto Sans"

Color = tuple[float, float, float]
Parts = list[Any]
"""PsychoPy stimuli, in the order in which they are drawn."""


def draw(parts: Sequence[Any]) -> None:
    """Draw parts one over the other."""
    for part in parts:
        part.draw()


def text(win: Any, words: str, box: Box, height_px: float, **settings: Any) -> Any:
    """Return text in the middle of a box, broken into lines where it is too wide.

    Letters are made smaller where the words would not fit the box's height.
    """
    stimulus = visual.TextStim(
        win,
        text=words,
        font=FONT,
        units="pix",
        pos=(box.x, box.y),
        height=height_px,
        wrapWidth=box.width,
        color=settings.pop("color", INK),
        autoLog=False,
        **settings,
    )
    while words and stimulus.boundingBox[1] > box.height and stimulus.height > 10:
        stimulus.height *= 0.92
    return stimulus


def bar(win: Any, box: Box, color: Color, edge: Color | None = None, **settings: Any) -> Any:
    """Return a filled rectangle."""
    return visual.Rect(
        win,
        units="pix",
        pos=(box.x, box.y),
        width=box.width,
        height=box.height,
        fillColor=color,
        lineColor=edge,
        lineWidth=2,
        autoLog=False,
        **settings,
    )


def frame(win: Any, box: Box, width_px: float, color: Color) -> Any:
    """Return a frame whose inner edge is the box's edge."""
    return visual.Rect(
        win,
        units="pix",
        pos=(box.x, box.y),
        width=box.width + width_px,
        height=box.height + width_px,
        lineColor=color,
        fillColor=None,
        lineWidth=width_px,
        autoLog=False,
    )


def line(
    win: Any, start: tuple[float, float], end: tuple[float, float], width_px: float, color: Color
) -> Any:
    """Return a line from one place to another."""
    return visual.Line(
        win,
        units="pix",
        start=start,
        end=end,
        lineColor=color,
        lineWidth=width_px,
        autoLog=False,
    )


def key_cap(win: Any, box: Box, name: str, text_px: float) -> Parts:
    """Return a key with its name."""
    return [bar(win, box, PAPER, FAINT), text(win, name, box, text_px)]


def cross(win: Any, size_px: int) -> Parts:
    """Return a fixation cross at the screen's centre."""
    thick = size_px // 6 + 1
    return [bar(win, Box(0, 0, w, h), INK) for w, h in ((size_px, thick), (thick, size_px))]


def check_mark(win: Any, x: float, y: float, size_px: float) -> Parts:
    """Return a check mark on a disc."""
    strokes = [[(-0.26, -0.02), (-0.08, -0.2), (0.28, 0.2)]]
    return _mark(win, x, y, size_px, RIGHT, strokes)


def cross_mark(win: Any, x: float, y: float, size_px: float) -> Parts:
    """Return a diagonal cross on a disc."""
    strokes = [[(-0.2, -0.2), (0.2, 0.2)], [(-0.2, 0.2), (0.2, -0.2)]]
    return _mark(win, x, y, size_px, WRONG, strokes)


def _mark(
    win: Any,
    x: float,
    y: float,
    size_px: float,
    color: Color,
    strokes: list[list[tuple[float, float]]],
) -> Parts:
    disc = visual.Circle(
        win,
        units="pix",
        pos=(x, y),
        radius=size_px / 2,
        fillColor=color,
        lineColor=PAPER,
        lineWidth=2,
        autoLog=False,
    )
    return [
        disc,
        *(
            visual.ShapeStim(
                win,
                units="pix",
                pos=(x, y),
                vertices=[(size_px * a, size_px * b) for a, b in stroke],
                closeShape=False,
                fillColor=None,
                lineColor=PAPER,
                lineWidth=max(3, size_px / 10),
                autoLog=False,
            )
            for stroke in strokes
        ),
    ]


class ProgressBar:
    """How much of a block is done.

    Parameters
    ----------
    win
        The window.
    box
        Where it stands.
    """

    def __init__(self, win: Any, box: Box) -> None:
        at_left = Box(round(box.left), box.y, box.width, box.height)
        self._width = box.width
        self._whole = bar(win, at_left, FAINT, anchor="center-left")
        self._done = bar(win, at_left, PAPER, anchor="center-left")
        self._share = 0.0

    def show(self, share: float) -> None:
        """Set the share that is done, 0 to 1."""
        self._share = share
        self._done.width = max(1, round(share * self._width))

    def draw(self) -> None:
        """Draw it."""
        self._whole.draw()
        if self._share:
            self._done.draw()
