"""The screens of a session's trials: the task's own, one for each placement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from conditions.design.design import Design
from experiments.display.choice_screen import ChoiceScreen
from experiments.display.matching_screen import MatchingScreen
from experiments.display.trial_screen import TrialScreen
from experiments.runner.layout import Screen
from experiments.runner.placements import placements, sort_of
from experiments.runner.trial import Trial
from unitscope.texts import Texts

SCREENS: dict[str, Callable[..., TrialScreen]] = {
    "two_afc": ChoiceScreen,
    "occlusion": ChoiceScreen,
    "exemplar_matching": MatchingScreen,
}
"""Task to what its trials look like."""


class TrialScreens:
    """Loads and draws any trial of a session.

    Parameters
    ----------
    win
        The window.
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
        win: Any,
        design: Design,
        texts: Texts,
        screen: Screen,
        rows: Iterable[Mapping[str, Any]],
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
            block, place = int(row["block_number"]), int(row["trial_in_block"])
            sizes[block] = max(place, sizes.get(block, 0))
        self._design = design
        self._screens = {
            sort: SCREENS[design.task](win, design, texts, placement, file, sizes)
            for sort, placement in placed.items()
        }

    def load(self, trial: Trial) -> None:
        """Prepare a trial before its first frame."""
        self._of(trial).load(trial)

    def draw(self, phase: str, trial: Trial) -> None:
        """Draw one phase of a trial."""
        self._of(trial).draw(phase, trial)

    def _of(self, trial: Trial) -> TrialScreen:
        return self._screens[sort_of(trial.row, self._design)]
