"""The frame-by-frame contract between a task and whatever shows it, and its interruptions."""

from __future__ import annotations

from typing import ClassVar, Protocol

from conditions.design.keys import Keys
from experiments.runner.responses import Press

PAUSED = "paused"
LEAVING = "leaving"
DONE = "done"
LEFT = "left"

DROPPED = 1.5
"""An interval longer than this many nominal frames counts as a dropped frame."""

OVERLAYS = (PAUSED, LEAVING)
ENDED = (DONE, LEFT)


class Stage(Protocol):
    """A trial, page, slider or comment: a pure state machine that a screen drives once per frame.

    Each frame: ``phase = step(now_s, presses)``; unless the phase is ``done`` or ``left``, the
    screen draws it, flips, and reports the flip's time with ``flipped``.
    """

    kind: ClassVar[str]
    """``trial``, ``page``, ``slider`` or ``comment``: which screen shows it."""

    name: str
    """Which one it is, such as ``welcome``."""

    wanted: str | None
    """``paused`` or ``leaving`` where that was asked for too late for this stage."""

    noting: str | None
    """When the experimenter asked for a note, which is taken after this stage; ISO 8601, UTC."""

    def step(self, now_s: float, presses: list[Press]) -> str:
        """Return the phase that the next flip shall show."""
        ...

    def flipped(self, flip_s: float) -> None:
        """Record when the phase last returned came on the screen."""
        ...


class Interruption:
    """A pause, or the question whether to end the session.

    Parameters
    ----------
    keys
        The design's keys.
    phase
        ``paused`` or ``leaving`` to begin in it, None to begin without.
    """

    def __init__(self, keys: Keys, phase: str | None = None) -> None:
        self._keys = keys
        self._began_s: float | None = None
        self.phase = phase
        self.total_s = 0.0

    def asked_by(self, press: Press) -> str | None:
        """Return the interruption that a press asks for, None if it asks for none."""
        return {self._keys.pause: PAUSED, self._keys.leave: LEAVING}.get(press.key)

    def step(self, now_s: float, presses: list[Press]) -> str | None:
        """Go on with the interruption; returns its phase, ``left``, or None once it is over."""
        if self._began_s is None:
            self._began_s = now_s
            return self.phase
        for press in presses:
            if press.time_s < self._began_s:
                continue
            if self.phase == LEAVING and press.key == self._keys.confirm_leave:
                return LEFT
            ends = self._keys.pause if self.phase == PAUSED else self._keys.leave
            if press.key in (self._keys.forward, ends):
                self.total_s += now_s - self._began_s
                self.phase = self._began_s = None
                return None
            if self.phase == PAUSED and press.key == self._keys.leave:
                self.phase = LEAVING
        return self.phase

    def begin(self, phase: str, now_s: float) -> str:
        """Start an interruption and return its phase."""
        self.phase, self._began_s = phase, now_s
        return phase
