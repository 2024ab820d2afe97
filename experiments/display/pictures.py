"""The images of a trial as textures, loaded before it begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from psychopy import visual

from experiments.runner.layout import Box
from unitscope.errors import BadInput


class Pictures:
    """One PsychoPy image per place on the screen, given a new picture for each trial.

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

        Pictures are handed over as PIL images, which PsychoPy shows upright and to the bit; one
        whose size is not its box's is resampled once, here, not by the graphics card.

        Raises
        ------
        BadInput
            If an image cannot be read.
        """
        self.shown = [name for name in self._places if row.get(name)]
        for name in self.shown:
            picture = _read(self._file(row[name]), self._places[name])
            if name in self._stimuli:
                self._stimuli[name].setImage(picture, log=False)
            else:
                box = self._places[name]
                self._stimuli[name] = visual.ImageStim(
                    self._win,
                    image=picture,
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
        with Image.open(path) as file:
            picture: Image.Image = file.convert("RGB")
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read as an image ({error})") from None
    size = (box.width, box.height)
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)
