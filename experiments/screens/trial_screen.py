"""What the screens of all tasks share: the fixation cross, the images and the block's progress."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path

from conditions.design.design import Design
from experiments.runner.layout import Box, Placement
from experiments.runner.trial import BLANK, CONTINUE, FIXATION, Trial
from experiments.screens.canvas import Canvas, ProgressBar, button, cross, draw
from unitscope.texts import Texts


class TrialScreen(ABC):
    """Draws the phases of the trials that have one placement.

    Parameters
    ----------
    canvas
        Prepares what is drawn.
    design, texts
        Keys and words.
    placement
        Where everything stands.
    progress
        Box of the block's progress bar.
    file
        Turns an image name of the table into its file.
    block_sizes
        Trials of each block, for the progress bar.
    """

    def __init__(
        self,
        canvas: Canvas,
        design: Design,
        texts: Texts,
        placement: Placement,
        progress: Box,
        file: Callable[[str], Path],
        block_sizes: Mapping[int, int],
    ) -> None:
        self.images = canvas.images(placement.images(), file)
        self._targets = placement.targets
        self._block_sizes = block_sizes
        self._cross = cross(canvas, round(0.8 * placement.text_px))
        self._progress = ProgressBar(canvas, progress)
        words = texts.proceed
        if design.input != "mouse":
            words = texts.go_on.format(key=texts.key(design.keys.forward))
        self._continue = button(canvas, placement.targets[CONTINUE], words, placement.text_px)

    def load(self, trial: Trial) -> None:
        """Load the trial's images, and tell the trial what a click at each place asks for."""
        self.images.load(trial.row)
        trial.targets = self._targets
        done = trial.row["trial_in_block"] - 1
        self._progress.show(done / self._block_sizes[trial.row["block_number"]])

    def draw(self, phase: str, trial: Trial) -> None:
        """Draw one phase."""
        if phase == FIXATION:
            draw(self._cross)
        elif phase != BLANK:
            self.images.draw()
            self._progress.draw()
            self._draw_around(phase, trial)
            if phase == CONTINUE:
                draw(self._continue)

    @abstractmethod
    def _draw_around(self, phase: str, trial: Trial) -> None:
        """Draw everything else around the images."""
