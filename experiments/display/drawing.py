"""The parts of every screen as PsychoPy draws them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from psychopy import visual

from experiments.runner.layout import Box
from experiments.screens.canvas import INK, PAPER, Color, Place
from unitscope.errors import BadInput
from unitscope.image_files import UNREADABLE, open_image

FONT = "Noto Sans"


class WindowCanvas:
    """Prepares parts as PsychoPy's stimuli; see :class:`experiments.screens.canvas.Canvas`.

    Parameters
    ----------
    win
        The window.
    """

    def __init__(self, win: Any) -> None:
        self._win = win

    def text(
        self,
        words: str,
        box: Box,
        height_px: float,
        *,
        bold: bool = False,
        color: Color = INK,
        side: str = "center",
        lines: str | None = None,
    ) -> Any:
        """Return text whose letters shrink until it fits the box's height.

        Its lines are aligned with each other at its ``side``, unless ``lines`` says another one.
        """
        stimulus = visual.TextStim(
            self._win,
            text=words,
            font=FONT,
            bold=bold,
            units="pix",
            pos=(box.x, box.y),
            height=height_px,
            wrapWidth=box.width,
            color=color,
            anchorHoriz=side,
            alignText=lines or side,
            autoLog=False,
        )
        while words and stimulus.boundingBox[1] > box.height and stimulus.height > 10:
            stimulus.height *= 0.92
        return stimulus

    def bar(self, box: Box, color: Color, edge: Color | None = None) -> Any:
        """Return a filled rectangle."""
        return visual.Rect(
            self._win,
            units="pix",
            pos=(box.x, box.y),
            width=box.width,
            height=box.height,
            fillColor=color,
            lineColor=edge,
            lineWidth=2,
            autoLog=False,
        )

    def frame(self, box: Box, width_px: float, color: Color) -> Any:
        """Return a frame around a box."""
        return visual.Rect(
            self._win,
            units="pix",
            pos=(box.x, box.y),
            width=box.width + width_px,
            height=box.height + width_px,
            lineColor=color,
            fillColor=None,
            lineWidth=width_px,
            autoLog=False,
        )

    def line(self, points: Sequence[Place], width_px: float, color: Color) -> Any:
        """Return a line from place to place."""
        return visual.ShapeStim(
            self._win,
            units="pix",
            vertices=list(points),
            closeShape=False,
            fillColor=None,
            lineColor=color,
            lineWidth=width_px,
            autoLog=False,
        )

    def disc(self, place: Place, size_px: float, color: Color) -> Any:
        """Return a filled circle with a bright edge."""
        return visual.Circle(
            self._win,
            units="pix",
            pos=place,
            radius=size_px / 2,
            fillColor=color,
            lineColor=PAPER,
            lineWidth=2,
            autoLog=False,
        )

    def images(self, places: Mapping[str, Box], file: Callable[[str], Path]) -> ImageGroup:
        """Return the images of trials."""
        return ImageGroup(self._win, places, file)


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
    except UNREADABLE as error:
        raise BadInput(f"{path}: cannot be read as an image ({error})") from None
    size = (box.width, box.height)
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)
