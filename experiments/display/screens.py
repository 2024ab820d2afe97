"""What the participant sees at each stage of a session: trials, pages, sliders, the comment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from conditions.design.design import Design
from experiments.display.comment_screen import CommentScreen
from experiments.display.exemplar_matching import ExemplarMatchingScreen
from experiments.display.occlusion import OcclusionScreen
from experiments.display.page_screen import PageScreen
from experiments.display.slider_screen import SliderScreen
from experiments.display.trial_screen import TrialScreen
from experiments.display.two_afc import TwoAFCScreen
from experiments.display.window import Display
from experiments.runner.comment import Comment
from experiments.runner.layout import Screen
from experiments.runner.page_layout import readable_px
from experiments.runner.pages import Page
from experiments.runner.phases import OVERLAYS, Stage
from experiments.runner.placements import placements, sort_of
from experiments.runner.session import Session
from experiments.runner.slider import Slider
from experiments.runner.standing import Standing
from experiments.runner.trial import Trial
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


class StageScreen(Protocol):
    """Draws the stages of one kind."""

    def load(self, stage: Any, /) -> None:
        """Prepare a stage before its first frame."""
        ...

    def draw(self, phase: str, stage: Any, /) -> None:
        """Draw one phase of it."""
        ...


class SessionScreens:
    """Loads and draws any stage of a session.

    Parameters
    ----------
    session
        An open session.
    display
        Its window.
    shrink
        Whether a layout that is too large for the window is scaled down.
    """

    def __init__(self, session: Session, display: Display, *, shrink: bool) -> None:
        win, design, texts = display.win, session.design, session.texts
        file = session.stimuli.file
        self._trials = TrialScreens(
            win, design, texts, display.screen, session.rows, file, shrink=shrink
        )
        self.scale = self._trials.scale
        # Pages need not shrink with the layout of a trial.
        text_px = readable_px(round(self._trials.text_px / self.scale), display.screen)
        self._pages = PageScreen(win, design, texts, text_px, file)
        self._standing: dict[str, StageScreen] = {
            Page.kind: self._pages,
            Slider.kind: SliderScreen(win, design, texts, text_px, file),
            Comment.kind: CommentScreen(win, texts, text_px),
        }

    def load(self, stage: Stage) -> None:
        """Prepare a stage before its first frame."""
        self._of(stage).load(stage)

    def draw(self, phase: str, stage: Stage) -> None:
        """Draw what the next flip shall show."""
        if phase in OVERLAYS:
            self._pages.draw(phase)
        else:
            self._of(stage).draw(phase, stage)

    def _of(self, stage: Stage) -> StageScreen:
        return self._standing[stage.kind] if isinstance(stage, Standing) else self._trials
