"""Who takes part in a run: hands of this process, or a second one that sees and presses."""

from __future__ import annotations

import random
import time
from typing import Any

from experiments.display.hook import FlipHook
from experiments.display.window import Display
from experiments.lab.timing.errors import Observed
from experiments.lab.timing.outside import Outside
from experiments.runner.phases import OVERLAYS, Stage
from experiments.runner.responses import Press
from experiments.runner.standing import Standing
from experiments.runner.trial import FIXATION, Trial
from experiments.runner.two_afc import QUERIES

KEY = "f"
PAGE_S = 0.3


class Companion(FlipHook):
    """Answers trials and pages; both ways of running a trial tell it of every phase.

    Parameters
    ----------
    display
        The window.
    """

    def __init__(self, display: Display) -> None:
        self._display = display
        self.offset_s: dict[int, float] = {}

    def on_flip(self, phase: str, stage: Stage) -> None:
        """Pass the phases of our own trials and pages on."""
        if isinstance(stage, Trial):
            self.tell(phase, int(stage.row["trial_number"]))
        elif isinstance(stage, Standing) and phase not in OVERLAYS:
            self.turn_page()

    def tell(self, phase: str, trial: int) -> None:
        """Take note of a phase that has just come on the screen."""
        self.offset_s[trial] = self._display.now() - time.perf_counter()

    def turn_page(self) -> None:
        """End a page."""

    def observed(self) -> dict[int, Observed]:
        """Return what was seen and done in each trial, once all are over."""
        return {}


class Hand(Companion):
    """Answers within this process, through no device: for whatever needs no true key.

    Parameters
    ----------
    display
        The window.
    after_s
        From the onset of the queries to the press.
    """

    name = "timing"

    def __init__(self, display: Display, after_s: float) -> None:
        super().__init__(display)
        self._after_s = after_s
        self._due: list[Press] = []

    def tell(self, phase: str, trial: int) -> None:
        """Answer the queries."""
        super().tell(phase, trial)
        if phase == QUERIES:
            self._due.append(Press(self._display.now() + self._after_s, KEY))

    def turn_page(self) -> None:
        """Press the key that ends a page."""
        self._due.append(Press(self._display.now() + PAGE_S, "space"))

    def presses(self) -> list[Press]:
        """Return the presses whose time has come."""
        now = self._display.now()
        come = [press for press in self._due if press.time_s <= now]
        self._due = [press for press in self._due if press.time_s > now]
        return come


class Stranger(Companion):
    """Has a second process watch the screen and press keys.

    Parameters
    ----------
    display
        The window.
    watch
        Pixel of the screen that is looked at, from the upper left; None to press without looking.
    delay_s
        Shortest and longest time from sight, or else from the order, to the press.
    hold_s
        How long the key is held.
    seed
        Fixes the delays.
    """

    def __init__(
        self,
        display: Display,
        watch: tuple[int, int] | None,
        delay_s: tuple[float, float],
        hold_s: float = 0.08,
        seed: int = 0,
    ) -> None:
        super().__init__(display)
        self._watch = watch
        self._range_s = delay_s
        self._hold_s = hold_s
        self._random = random.Random(seed)
        self._outside = Outside()

    def tell(self, phase: str, trial: int) -> None:
        """Order what shall be done: before the queries to watch, with them to press."""
        super().tell(phase, trial)
        if phase == (FIXATION if self._watch else QUERIES):
            self._order(trial, watch=self._watch, delay_s=self._random.uniform(*self._range_s))

    def turn_page(self) -> None:
        """Have the key pressed that ends a page."""
        self._order(0, key="space", hold_s=0.05)

    def observed(self) -> dict[int, Observed]:
        """Return what was seen and done in each trial."""
        return self._outside.finish()

    def _order(self, trial: int, **changes: Any) -> None:
        usual = {"watch": None, "key": KEY, "delay_s": PAGE_S, "hold_s": self._hold_s}
        self._outside.order(trial=trial, **(usual | changes))
