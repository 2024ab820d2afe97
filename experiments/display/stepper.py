"""One stage at a time, frame by frame: what the Coder scripts' loop and Builder's hooks drive."""

from __future__ import annotations

import gc
import os
import platform
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psychopy import core

from experiments.display.hook import FlipHook
from experiments.display.screenshots import Screenshots
from experiments.display.text_input import TextInput
from experiments.display.window import Display
from experiments.runner.comment import Comment
from experiments.runner.phases import DONE, ENDED, LEFT, Stage
from experiments.runner.responses import ResponseSource
from experiments.runner.session import Session
from experiments.runner.trial import Trial
from unitscope.versions import versions

DROPPED = 1.5
"""A frame interval above so many nominal ones means that a frame was dropped."""


class Stepper:
    """Shows one stage after another and records the trials; whoever drives it flips the window.

    For each stage: ``begin``, then ``frame`` and a flip for as long as ``frame`` returns True, then
    ``end``.

    Parameters
    ----------
    session
        An open session.
    display
        The window.
    source
        Where presses come from.
    hooks
        What else happens on flips.
    shrink
        Whether a layout that is too large for the window is scaled down.
    screenshots
        Keeps a picture of each phase's first frame.
    """

    def __init__(
        self,
        session: Session,
        display: Display,
        source: ResponseSource,
        hooks: tuple[FlipHook, ...] = (),
        *,
        shrink: bool = False,
        screenshots: Screenshots | None = None,
    ) -> None:
        from experiments.display.scenes import Scenes  # cannot be imported without a display

        self.left = False
        self.flip_s = 0.0
        self._session = session
        self._display = display
        self._source = self._reader = source
        self._hooks = hooks
        self._screenshots = screenshots
        self._scenes = Scenes(session, display, shrink=shrink)
        self._stage: Stage | None = None
        self._phase = self._shown = ""
        self._frames: list[dict[str, Any]] = []
        session.note(
            {
                "display": display.facts,
                "layout_scale": round(self._scenes.scale, 4),
                "response_source": source.name,
                "machine": machine_facts(),
                "clock_offset_began_s": self._clock_offset_s(),
            }
        )

    def begin(self, stage: Stage) -> None:
        """Prepare a stage: loading is kept out of the recording, and garbage out of the trials."""
        self._scenes.load(stage)
        if isinstance(stage, Trial):
            gc.collect()
        # Text is typed with whatever layout the keyboard has, answers by the places of the keys.
        is_typed = isinstance(stage, Comment)
        self._reader = TextInput(self._display.win) if is_typed else self._source
        self._stage = stage
        self._phase = self._shown = ""
        self._frames = []

    def frame(self) -> bool:
        """Draw what the next flip shall show; returns False once the stage is over.

        The flip that follows tells the stage, and the hooks of a new phase, its time.
        """
        stage = self._stage
        assert stage is not None
        phase = self._phase = stage.step(self._display.now(), self._reader.presses())
        if phase in ENDED:
            return False
        self._scenes.draw(phase, stage)
        for hook in self._hooks:
            hook.draw(phase, stage)
        win = self._display.win
        if phase != self._shown:
            self._shown = phase
            if self._screenshots:
                self._screenshots.save(phase, stage)
            for hook in self._hooks:
                win.callOnFlip(hook.on_flip, phase, stage)
        win.timeOnFlip(self, "flip_s")
        win.callOnFlip(self._flipped, phase, stage)
        self._display.pace()
        return True

    def end(self) -> dict[str, Any] | None:
        """Record a trial that is done; returns its row as it was written, None for other stages."""
        stage, self._stage = self._stage, None
        if self._phase not in ENDED:
            raise RuntimeError(f"the stage was stopped from outside in its phase {self._phase!r}")
        self.left = self._phase == LEFT
        if self._phase == DONE and isinstance(stage, Trial):
            return self._session.record(stage, self._measured(), self._frames)
        return None

    def close(self) -> None:
        """Let go of the hooks' devices and note the clock's drift."""
        try:
            for hook in self._hooks:
                hook.close()
        finally:
            self._session.note({"clock_offset_ended_s": self._clock_offset_s()})

    def _flipped(self, phase: str, stage: Stage) -> None:
        stage.flipped(self.flip_s)
        previous_s = self._frames[-1]["flip_s"] if self._frames else None
        self._frames.append(
            {
                "frame": len(self._frames) + 1,
                "flip_s": self.flip_s,
                "interval_s": None if previous_s is None else self.flip_s - previous_s,
                "phase": phase,
            }
        )

    def _measured(self) -> dict[str, Any]:
        intervals = [f["interval_s"] for f in self._frames if f["interval_s"] is not None]
        measured = {
            "response_source": self._source.name,
            "frames": len(self._frames),
            "dropped_frames": sum(i > DROPPED * self._display.frame_s for i in intervals),
            "largest_frame_interval_s": max(intervals, default=None),
            "photodiode": "off",
            "trigger": None,
        }
        for hook in self._hooks:
            measured |= hook.measured()
        return measured

    def _clock_offset_s(self) -> float:
        """Return the session's clock minus one that no clock step moves; it should not change."""
        return self._display.now() - time.perf_counter()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Run at high priority without garbage collection; end as Ctrl-C does when asked to stop.

    PsychoPy Studio stops a session by SIGTERM.
    """

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    core.rush(True)
    gc.disable()
    # What is there already stays: looking through it anew would take 60 ms between trials.
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.enable()
        core.rush(False)


def machine_facts() -> dict[str, Any]:
    """Return what is known of this machine and its software, for ``session.json``."""
    return {
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "processors": os.cpu_count(),
        "versions": versions("psychopy", "psychtoolbox", "pyglet", "numpy", "pandas", "pillow"),
    }
