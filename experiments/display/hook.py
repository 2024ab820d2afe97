"""What acts with a flip: the base of triggers, photodiode patch, eye tracker and robot."""

from __future__ import annotations

from experiments.runner.phases import OVERLAYS, Stage
from experiments.runner.trial import Trial
from unitscope.row_types import HookMeasures

PAGES = {"part": "block_start", "break": "block_end"}
"""Name of a page to its event for other devices, where the two differ."""


def event_of(phase: str, stage: Stage) -> str:
    """Return the event of a phase for other devices: the phase of a trial, or the page."""
    if phase in OVERLAYS or isinstance(stage, Trial):
        return phase
    return PAGES.get(stage.name, stage.name)


class FlipHook:
    """Called by the flip that first shows a phase; the base class does nothing.

    Whatever must happen in time with the screen is a subclass. A session has a list of them.
    """

    def draw(self, phase: str, stage: Stage) -> None:
        """Draw over the screen; called every frame before the flip."""

    def on_flip(self, phase: str, stage: Stage) -> None:
        """Act on a phase that has just appeared; called within the flip, so it must be fast.

        Parameters
        ----------
        phase
            The phase that this flip shows first; pauses and pages are phases, too.
        stage
            The trial or page of the phase.
        """

    def measured(self) -> HookMeasures:
        """Return columns for the trial that just ended, such as ``trigger``."""
        return {}

    def close(self) -> None:
        """Close the device; called once, at the end of the session."""
