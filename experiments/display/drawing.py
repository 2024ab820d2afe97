"""The parts of every screen: images, text, frames, keys and marks; symbols are drawn as shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from psychopy import visual

from experiments.runner.layout import Box
from unitscope.errors import BadInput
from unitscope.image_files import open_image

INK = (-0.92, -0.92, -0.92)
PAPER = (0.9, 0.9, 0.9)
FAINT = (-0.35, -0.35, -0.35)
CORRECT = (-1.0, 0.35, -0.25)
WRONG = (0.55, -0.6, -0.75)
FONT = "Noto Sans"

Color = tuple[float, float, float]
Parts = list[Any]
"""PsychoPy stimuli, in the order in which they are drawn."""


def draw(parts: Sequence[Any]) -> None:
    """Draw parts, later ones over earlier ones."""
    for part in parts:
        part.draw()


def text(win: Any, words: str, box: Box, height_px: float, **settings: Any) -> Any:
    """Return text centred in a box, wrapped to its width.

    The letters shrink until the text fits the box's height.
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
    """Return a frame around a box."""
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
    """Return a line between two places."""
    return visual.Line(
        win,
        units="pix",
        start=start,
        end=end,
        lineColor=color,
        lineWidth=width_px,
        autoLog=False,
    )


def key_cap(win: Any, box: Box, name: str, text_px: float, *, given: bool = False) -> Parts:
    """Return a key with its name, light on dark where it is the one that was given."""
    paper, ink = (INK, PAPER) if given else (PAPER, INK)
    return [bar(win, box, paper, FAINT), text(win, name, box, text_px, color=ink)]


def cross(win: Any, size_px: int) -> Parts:
    """Return a fixation cross at the screen's centre."""
    thick = size_px // 6 + 1
    return [bar(win, Box(0, 0, w, h), INK) for w, h in ((size_px, thick), (thick, size_px))]


def check_mark(win: Any, x: float, y: float, size_px: float) -> Parts:
    """Return a check mark on a disc."""
    strokes = [[(-0.26, -0.02), (-0.08, -0.2), (0.28, 0.2)]]
    return _mark(win, x, y, size_px, CORRECT, strokes)


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
    """The progress within a block.

    Parameters
    ----------
    win
        The window.
    box
        Its place.
    """

    def __init__(self, win: Any, box: Box) -> None:
        at_left = Box(round(box.left), box.y, box.width, box.height)
        self._width = box.width
        self._whole = bar(win, at_left, FAINT, anchor="center-left")
        self._done = bar(win, at_left, PAPER, anchor="center-left")
        self._share = 0.0

    def show(self, share: float) -> None:
        """Set the share of completed trials, 0 to 1."""
        self._share = share
        self._done.width = max(1, round(share * self._width))

    def draw(self) -> None:
        """Draw it."""
        self._whole.draw()
        if self._share:
            self._done.draw()


class ImageGroup:
    """One PsychoPy stimulus for each place on the screen, loaded anew for each trial.

    Parameters
    ----------
    win
        The window.
    places
        Name of a column of the condition table to the box that its image fills.
    file
        Turns an image name of the table into its file.
    """

    def __init__(self, win: Any, places: Mapping[str, Box], file: Callable[[str], Path]) -> None:
        self._win = win
        self._file = file
        self._places = dict(places)
        self._stimuli: dict[str, Any] = {}
        self.shown: list[str] = []

    def load(self, row: Mapping[str, Any]) -> None:
        """Load the images of a trial.

        PsychoPy shows PIL images upright and bit-exactly. An image whose size is not its box's is
        resampled once, here, and not by the graphics card.

        Raises
        ------
        BadInput
            If an image cannot be read.
        """
        self.shown = [name for name in self._places if row.get(name)]
        for name in self.shown:
            image = _read(self._file(row[name]), self._places[name])
            if name in self._stimuli:
                self._stimuli[name].setImage(image, log=False)
            else:
                box = self._places[name]
                self._stimuli[name] = visual.ImageStim(
                    self._win,
                    image=image,
                    units="pix",
                    pos=(box.x, box.y),
                    size=(box.width, box.height),
                    interpolate=False,
                    autoLog=False,
                )

    def draw(self) -> None:
        """Draw the images of the trial."""
        for name in self.shown:
            self._stimuli[name].draw()


def _read(path: Path, box: Box) -> Image.Image:
    try:
        with open_image(path) as file:
            image: Image.Image = file.convert("RGB")
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read as an image ({error})") from None
    size = (box.width, box.height)
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)
