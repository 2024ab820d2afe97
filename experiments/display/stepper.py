"""A session's stages, frame by frame: a stepper that Builder drives, and the loop of Coder."""

from __future__ import annotations

import gc
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from psychopy import core

from experiments.display.hook import FlipHook
from experiments.display.keyboard import TextInput
from experiments.display.screenshots import Screenshots
from experiments.display.window import Display
from experiments.runner.comment import Comment
from experiments.runner.phases import DONE, DROPPED, ENDED, LEFT, OVERLAYS, Stage
from experiments.runner.responses import Press, ResponseSource
from experiments.runner.session import Session
from experiments.runner.stages import stages_of
from experiments.runner.trial import Trial
from unitscope.records import INTERRUPTED
from unitscope.row_types import DisplayMeasures, Flip, LogRow
from unitscope.versions import versions


class Stepper:
    """Shows one stage after another and records the trials; its caller flips the window.

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
        Devices that act with the flips.
    shrink
        Whether a layout that is too large for the window is scaled down.
    screenshots
        Saves each phase's first frame.
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
        from experiments.display.screens import (
            SessionScreens,
        )  # cannot be imported without a display

        self.left = False
        self.flip_s = 0.0
        self._session = session
        self._display = display
        self._source = source
        self._text: TextInput | None = None
        self._hooks = hooks
        self._screenshots = screenshots
        self._screens = SessionScreens(session, display, shrink=shrink)
        self._stage: Stage | None = None
        self._phase = self._shown = ""
        self._frames: list[Flip] = []
        session.note(
            {
                "display": display.facts,
                "layout_scale": round(self._screens.scale, 4),
                "response_source": source.name,
                "machine": machine_facts(),
                "clock_offset_began_s": self._clock_offset_s(),
            }
        )

    def begin(self, stage: Stage) -> None:
        """Load a stage, and collect garbage, so that no frame of it has to wait for either."""
        self._screens.load(stage)
        if isinstance(stage, Trial):
            gc.collect()
        self._text = TextInput(self._display.win) if isinstance(stage, Comment) else None
        self._stage = stage
        self._phase = self._shown = ""
        self._frames = []

    def frame(self) -> bool:
        """Draw what the next flip shall show; returns False once the stage is over.

        The flip that follows tells the stage, and the hooks of a new phase, its time.
        """
        stage = self._stage
        assert stage is not None
        phase = self._phase = stage.step(self._display.now(), self._presses())
        if phase in ENDED:
            return False
        self._screens.draw(phase, stage)
        for hook in self._hooks:
            hook.draw(phase, stage)
        win = self._display.win
        if phase != self._shown:
            self._shown = phase
            if self._session.design.input != "keys":
                self._point(phase, stage)
            if self._screenshots:
                self._screenshots.save(phase, stage)
            for hook in self._hooks:
                win.callOnFlip(hook.on_flip, phase, stage)
        win.timeOnFlip(self, "flip_s")
        win.callOnFlip(self._flipped, phase, stage)
        self._display.pace()
        return True

    def _presses(self) -> list[Press]:
        """Return the presses since the last frame.

        Text follows the keyboard's own layout; all else goes by the position of the keys.
        """
        presses = self._source.presses()
        if self._text is None:
            return presses
        typed = self._text.presses()
        return presses if self._phase in OVERLAYS else typed

    def end(self) -> LogRow | None:
        """Record a trial that is done; returns its row as it was written, None for other stages."""
        stage, self._stage = self._stage, None
        if self._phase not in ENDED:
            raise RuntimeError(
                f"the stage was ended by something else in its phase {self._phase!r}"
            )
        self.left = self._phase == LEFT
        if self.left and isinstance(stage, Trial):
            self._session.note_left(stage)
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

    def _point(self, phase: str, stage: Stage) -> None:
        """Show the pointer in phases that take clicks only; it starts in the middle."""
        if isinstance(stage, Trial):
            first = phase == stage.answering[0]
            self._display.show_pointer(stage.takes_clicks(phase), centred=first)
        else:
            self._display.show_pointer(False)

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

    def _measured(self) -> DisplayMeasures:
        intervals = [f["interval_s"] for f in self._frames if f["interval_s"] is not None]
        measured: DisplayMeasures = {
            "response_source": self._source.name,
            "frames": len(self._frames),
            "dropped_frames": sum(i > DROPPED * self._display.frame_s for i in intervals),
            "largest_frame_interval_s": max(intervals, default=None),
            "photodiode": "off",
            "trigger": None,
        }
        for hook in self._hooks:
            measured = {**measured, **hook.measured()}
        return measured

    def _clock_offset_s(self) -> float:
        """Return the session's clock minus a monotonic one; a change means that a clock stepped."""
        return self._display.now() - time.perf_counter()


def run_stages(
    session: Session,
    display: Display,
    stepper: Stepper,
    on_row: Callable[[LogRow], None],
) -> None:
    """Run the rest of a session and finish its record.

    Parameters
    ----------
    session
        An open session.
    display
        Its window.
    stepper
        Shows its stages.
    on_row
        Called with every trial's row after it was written.
    """
    ended: str | None = None
    try:
        with undisturbed():
            for stage in stages_of(session, display.frame_s):
                stepper.begin(stage)
                while stepper.frame():
                    display.win.flip()
                row = stepper.end()
                if row:
                    on_row(row)
                if stepper.left:
                    break
    except BaseException:
        ended = INTERRUPTED
        raise
    finally:
        try:
            stepper.close()
        finally:
            session.finish(ended)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Run at high priority without garbage collection; SIGTERM ends the block as Ctrl-C does.

    PsychoPy Studio's stop button sends SIGTERM.
    """

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    core.rush(True)
    gc.disable()
    # Objects that exist by now are kept: scanning them again would take 60 ms between trials.
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.enable()
        core.rush(False)


def machine_facts() -> dict[str, Any]:
    """Return the system, processors and package versions, for ``session.json``."""
    return {
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "processors": os.cpu_count(),
        "versions": versions("psychopy", "psychtoolbox", "pyglet", "numpy", "pandas", "pillow"),
    }
