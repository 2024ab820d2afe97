"""What answers the trials of a run: this process, or a second one that sees and presses."""

from __future__ import annotations

import random
import time
from typing import Any

from experiments.display.hook import FlipHook
from experiments.display.window import Display
from experiments.lab.timing.outside_observer import OutsideObserver
from experiments.lab.timing.timing_errors import Observation
from experiments.runner.phases import OVERLAYS, Stage
from experiments.runner.responses import Press
from experiments.runner.standing import Standing
from experiments.runner.trial import FIXATION, Trial
from experiments.runner.two_afc import QUERIES

KEY = "f"
PAGE_S = 0.3


class Responder(FlipHook):
    """Answers trials and pages; it is told of every phase of our own and of plain trials.

    Parameters
    ----------
    display
        The window.
    """

    def __init__(self, display: Display) -> None:
        self._display = display
        self.offset_s: dict[int, float] = {}

    def on_flip(self, phase: str, stage: Stage) -> None:
        """Pass on the phases of our own trials and pages."""
        if isinstance(stage, Trial):
            self.tell(phase, int(stage.row["trial_number"]))
        elif isinstance(stage, Standing) and phase not in OVERLAYS:
            self.turn_page()

    def tell(self, phase: str, trial: int) -> None:
        """Note a phase that has just appeared on the screen."""
        self.offset_s[trial] = self._display.now() - time.perf_counter()

    def turn_page(self) -> None:
        """End a page."""

    def observed(self) -> dict[int, Observation]:
        """Return what was seen and done in each trial, once all are over."""
        return {}


class InternalResponder(Responder):
    """Answers within this process, without a device: for measurements that need no real key.

    Parameters
    ----------
    display
        The window.
    after_s
        Time from the onset of the queries to the press.
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
        """Return the presses that are due."""
        now = self._display.now()
        ready = [press for press in self._due if press.time_s <= now]
        self._due = [press for press in self._due if press.time_s > now]
        return ready


class ExternalResponder(Responder):
    """Makes a second process watch the screen and press keys.

    Parameters
    ----------
    display
        The window.
    watch
        Pixel of the screen to watch, from the upper left; None to press without looking.
    delay_s
        Shortest and longest time from sight (without watching: from the order) to the press.
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
        self._outside = OutsideObserver()

    def tell(self, phase: str, trial: int) -> None:
        """Order to watch before the queries appear, or to press when they do."""
        super().tell(phase, trial)
        if phase == (FIXATION if self._watch else QUERIES):
            self._order(trial, watch=self._watch, delay_s=self._random.uniform(*self._range_s))

    def turn_page(self) -> None:
        """Order the key that ends a page."""
        self._order(0, key="space", hold_s=0.05)

    def observed(self) -> dict[int, Observation]:
        """Return what was seen and done in each trial."""
        return self._outside.finish()

    def _order(self, trial: int, **changes: Any) -> None:
        usual = {"watch": None, "key": KEY, "delay_s": PAGE_S, "hold_s": self._hold_s}
        self._outside.order(trial=trial, **(usual | changes))
