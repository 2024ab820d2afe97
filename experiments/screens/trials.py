"""The screens of all trials of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from conditions.design.design import Design
from experiments.runner.layout import Screen
from experiments.runner.placements import placements, sort_of
from experiments.runner.trial import Trial
from experiments.screens.canvas import Canvas
from experiments.screens.exemplar_matching import ExemplarMatchingScreen
from experiments.screens.occlusion import OcclusionScreen
from experiments.screens.trial_screen import TrialScreen
from experiments.screens.two_afc import TwoAFCScreen
from unitscope.row_types import TrialRow
from unitscope.texts import Texts

SCREENS: dict[str, Callable[..., TrialScreen]] = {
    "two_afc": TwoAFCScreen,
    "occlusion": OcclusionScreen,
    "exemplar_matching": ExemplarMatchingScreen,
}
"""The screen of each task's trials."""


class TrialScreens:
    """Loads and draws any trial of a session.

    Parameters
    ----------
    canvas
        Prepares what is drawn.
    design, texts
        Task, keys and words.
    screen
        The window's geometry.
    rows
        Rows of the condition table.
    file
        Turns an image name of the table into its file.
    shrink
        Whether a layout that is too large for the screen is scaled down.

    Raises
    ------
    BadInput
        If the layout is too large for the screen and ``shrink`` is False.
    """

    def __init__(
        self,
        canvas: Canvas,
        design: Design,
        texts: Texts,
        screen: Screen,
        rows: Iterable[TrialRow],
        file: Callable[[str], Path],
        *,
        shrink: bool = False,
    ) -> None:
        rows = list(rows)
        placed = placements(rows, design, screen, shrink=shrink)
        first = next(iter(placed.values()))
        self.text_px, self.scale = first.text_px, first.scale
        sizes: dict[int, int] = {}
        for row in rows:
            # Rounds of practice are one block, each numbered from 1.
            block, place = row["block_number"], row["trial_in_block"]
            sizes[block] = max(place, sizes.get(block, 0))
        self._design = design
        self._placed = placed
        self._screens = {
            sort: SCREENS[design.task](canvas, design, texts, placement, file, sizes)
            for sort, placement in placed.items()
        }

    def load(self, trial: Trial) -> None:
        """Prepare a trial before its first frame."""
        self._of(trial).load(trial)

    def draw(self, phase: str, trial: Trial) -> None:
        """Draw one phase of a trial."""
        self._of(trial).draw(phase, trial)

    def names(self, row: TrialRow) -> list[str]:
        """Return the columns whose images a trial shows, in the order of their places."""
        placed = self._placed[sort_of(row, self._design)].images()
        return [name for name in placed if row.get(name)]

    def _of(self, trial: Trial) -> TrialScreen:
        return self._screens[sort_of(trial.row, self._design)]
