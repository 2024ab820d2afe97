"""What else happens when a phase comes on the screen: triggers, a photodiode patch, a robot."""

from __future__ import annotations

from typing import Any

from experiments.runner.phases import OVERLAYS, Stage
from experiments.runner.trial import Trial

PAGES = {"part": "block_start", "break": "block_end"}
"""Name of a page to what other devices call it, where that is another name."""


def event_of(phase: str, stage: Stage) -> str:
    """Return what a phase is called for other devices: of a trial the phase, else the page."""
    if phase in OVERLAYS or isinstance(stage, Trial):
        return phase
    return PAGES.get(stage.name, stage.name)


class FlipHook:
    """Told of every phase by the very flip that first shows it; the base of all such, does nothing.

    Everything that shall happen in time with the screen is one of these: a serial, parallel or LSL
    trigger, a photodiode patch, an eye tracker's message, the robot. A session has a list of them.
    """

    def draw(self, phase: str, stage: Stage) -> None:
        """Draw over the screen; called every frame, before the flip."""

    def on_flip(self, phase: str, stage: Stage) -> None:
        """Act on a phase that has just come on the screen; called within the flip, so be quick.

        Parameters
        ----------
        phase
            Phase that this flip is the first to show; a pause and a page are phases as well.
        stage
            The trial or page that it is a phase of.
        """

    def measured(self) -> dict[str, Any]:
        """Return response columns for the trial that just ended, such as ``trigger``."""
        return {}

    def close(self) -> None:
        """Let go of the device; called once, at the end of the session."""
