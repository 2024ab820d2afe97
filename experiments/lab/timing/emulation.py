"""A screen's refresh, emulated on a machine whose flips wait for nothing."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from psychopy.visual import backends
from psychopy.visual.backends.pygletbackend import PygletBackend
from pyglet import gl

SPIN_S = 0.002
"""The last part of a wait is spent awake, for sleep ends late."""


class PacedBackend(PygletBackend):  # type: ignore[misc]
    """PsychoPy's window, whose swap waits for the next multiple of a period once one is set."""

    period_s: ClassVar[float | None] = None

    def swapBuffers(self, flipThisFrame: bool = True) -> Any:  # noqa: N802, N803
        """Finish drawing, wait for the refresh, and show."""
        if self.period_s:
            gl.glFinish()
            period_s, now = self.period_s, time.perf_counter()
            due = (now // period_s + 1) * period_s
            time.sleep(max(0.0, due - now - SPIN_S))
            while time.perf_counter() < due:
                pass
        return super().swapBuffers(flipThisFrame)


def install() -> None:
    """Let the windows that open from now on be paced once a period is set."""
    # PsychoPy looks names up within its own package of backends.
    backends.PacedBackend = PacedBackend
    backends.winTypes["pyglet"] = ".PacedBackend"


def pace(hz: float | None) -> None:
    """Set the rate of the emulated refresh; None for none."""
    PacedBackend.period_s = 1 / hz if hz else None
