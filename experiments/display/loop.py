"""The loop that shows a session in a window, frame by frame."""

from __future__ import annotations

import gc
import os
import platform
import signal
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from psychopy import core

from conditions.vocabulary import POLES
from experiments.display.screens import PageScreen, TwoAFCScreen
from experiments.display.screenshots import Screenshots
from experiments.display.window import Display
from experiments.runner.layout import place
from experiments.runner.log import INTERRUPTED
from experiments.runner.pages import Page
from experiments.runner.phases import DONE, ENDED, LEFT, OVERLAYS
from experiments.runner.responses import ResponseSource
from experiments.runner.session import Session
from experiments.runner.two_afc import TwoAFCTrial

Watcher = Callable[[str, Page | TwoAFCTrial], None]
"""Told each time that another phase has come on the screen."""

DROPPED = 1.5
"""A frame interval above so many nominal ones means that a frame was dropped."""


class Loop:
    """Shows the stages of a session and records its trials.

    Parameters
    ----------
    session
        An open session; it is finished when :meth:`run` returns.
    display
        The window.
    source
        Where presses come from.
    watchers
        Called after the first flip of every phase.
    shrink
        Whether a layout that is too large for the window is scaled down.
    screenshots
        Keeps a picture of each phase's first frame.
    on_row
        Called with every row after it was written.
    """

    def __init__(
        self,
        session: Session,
        display: Display,
        source: ResponseSource,
        watchers: tuple[Watcher, ...] = (),
        *,
        shrink: bool = False,
        screenshots: Screenshots | None = None,
        on_row: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        design = session.design
        references = design.references
        poles = tuple(pole for pole in POLES if pole in references.poles)
        placement = place(design.layout, display.screen, poles, references.per_side, shrink=shrink)
        self._session = session
        self._display = display
        self._source = source
        self._watchers = watchers
        self._screenshots = screenshots
        self._on_row = on_row
        sizes: dict[int, int] = {}
        for row in session.rows:
            sizes[row["block_number"]] = sizes.get(row["block_number"], 0) + 1
        self._pages = PageScreen(display.win, design, session.texts, placement.text_px)
        self._trials = TwoAFCScreen(
            display.win, design, session.texts, placement, session.stimuli.file, sizes
        )
        session.note(
            {
                "display": display.facts,
                "layout_scale": round(placement.scale, 4),
                "response_source": source.name,
                "machine": machine_facts(),
                "clock_offset_began_s": _clock_offset_s(display),
            }
        )

    def run(self) -> str:
        """Run what remains of the session; returns how it ended."""
        ended: str | None = None
        signal.signal(signal.SIGTERM, _stop)
        core.rush(True)
        gc.disable()
        try:
            for stage in self._session.stages(self._display.frame_s):
                if self._run_stage(stage) == LEFT:
                    break
        except BaseException:
            ended = INTERRUPTED
            raise
        finally:
            gc.enable()
            core.rush(False)
            self._session.note({"clock_offset_ended_s": _clock_offset_s(self._display)})
            self._session.finish(ended)
        return str(self._session.facts["end_reason"])

    def _run_stage(self, stage: Page | TwoAFCTrial) -> str:
        if isinstance(stage, TwoAFCTrial):
            # Loading is kept out of the recording, and garbage out of the trials.
            self._trials.load(stage)
            gc.collect()
        frames: list[dict[str, Any]] = []
        previous_s: float | None = None
        phase: str
        shown = ""
        while True:
            phase = stage.step(self._display.now(), self._source.presses())
            if phase in ENDED:
                break
            self._draw(phase, stage)
            flip_s = self._display.flip()
            stage.flipped(flip_s)
            frames.append(
                {
                    "frame": len(frames) + 1,
                    "flip_s": flip_s,
                    "interval_s": None if previous_s is None else flip_s - previous_s,
                    "phase": phase,
                }
            )
            previous_s = flip_s
            if phase != shown:
                shown = phase
                if self._screenshots:
                    self._draw(phase, stage)
                    self._screenshots.save(phase, stage)
                for watcher in self._watchers:
                    watcher(phase, stage)
        if isinstance(stage, TwoAFCTrial) and phase == DONE:
            self._record(stage, frames)
        return phase

    def _draw(self, phase: str, stage: Page | TwoAFCTrial) -> None:
        if isinstance(stage, Page):
            self._pages.draw(phase, stage.content)
        elif phase in OVERLAYS:
            self._pages.draw(phase)
        else:
            self._trials.draw(phase, stage)

    def _record(self, trial: TwoAFCTrial, frames: list[dict[str, Any]]) -> None:
        intervals = [frame["interval_s"] for frame in frames if frame["interval_s"] is not None]
        measured = {
            "response_source": self._source.name,
            "frames": len(frames),
            "dropped_frames": sum(i > DROPPED * self._display.frame_s for i in intervals),
            "largest_frame_interval_s": max(intervals, default=None),
            "photodiode": "off",
        }
        row = self._session.record(trial, measured, frames)
        if self._on_row:
            self._on_row(row)


def _stop(number: int, frame: object) -> None:
    """End as Ctrl-C does: PsychoPy Studio stops a session by SIGTERM."""
    raise KeyboardInterrupt


def _clock_offset_s(display: Display) -> float:
    """Return the session's clock minus one that no clock step moves; it should never change."""
    return display.now() - time.perf_counter()


def machine_facts() -> dict[str, Any]:
    """Return what is known of this machine and its software, for ``session.json``."""
    versions: dict[str, str | None] = {}
    for package in ("unitscope", "psychopy", "psychtoolbox", "pyglet", "numpy", "pandas", "pillow"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return {
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "processors": os.cpu_count(),
        "versions": versions,
    }
