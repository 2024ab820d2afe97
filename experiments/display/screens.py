"""What the participant sees at each stage of a session: trials, pages, sliders, the comment."""

from __future__ import annotations

from typing import Any, Protocol

from experiments.display.comment_screen import CommentScreen
from experiments.display.drawing import WindowCanvas
from experiments.display.page_screen import PageScreen
from experiments.display.slider_screen import SliderScreen
from experiments.display.window import Display
from experiments.runner.comment import Comment
from experiments.runner.page_layout import readable_px
from experiments.runner.pages import Page
from experiments.runner.phases import OVERLAYS, Stage
from experiments.runner.session import Session
from experiments.runner.slider import Slider
from experiments.runner.standing import Standing
from experiments.screens.trials import TrialScreens


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
            WindowCanvas(win), design, texts, display.screen, session.rows, file, shrink=shrink
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
