"""The window and keyboard to measure with, and runs of trials in either way (needs a display)."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import psutil
from psychopy.visual import backends
from psychopy.visual.backends.pygletbackend import PygletBackend
from pyglet import gl
from tqdm import tqdm

from experiments.display.keyboard import EventKeyboard, HardwareKeyboard
from experiments.display.stepper import Stepper, run_stages
from experiments.display.window import Display, adopt_window
from experiments.lab.timing.material import Material, repeated
from experiments.lab.timing.plain_psychopy import PlainRun
from experiments.lab.timing.responders import InternalResponder, Responder
from experiments.lab.timing.series import OURS, PLAIN
from experiments.lab.timing.timing_errors import MeasuredRun
from experiments.runner.layout import Placement
from experiments.runner.phases import Stage
from experiments.runner.placements import placements
from experiments.runner.request import Request
from experiments.runner.session import Session
from experiments.runner.trial import Trial
from unitscope.columns import FRAME_COLUMNS, log_columns
from unitscope.records import FRAMES, TRIALS
from unitscope.row_types import LogRow
from unitscope.tables import read_csv

SPIN_S = 0.002
"""Last part of a wait, which is a busy one because sleep ends late."""


class PacedBackend(PygletBackend):  # type: ignore[misc]
    """PsychoPy's window backend with an emulated refresh, for screens whose flips wait for nothing.

    Once a period is set, a swap waits for the next multiple of it.
    """

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


def install_paced_backend() -> None:
    """Make this the backend of all windows that are opened from now on."""
    # PsychoPy looks names up within its own package of backends.
    backends.PacedBackend = PacedBackend
    backends.winTypes["pyglet"] = ".PacedBackend"


class TimedStepper(Stepper):
    """Records the processor time of our own work before each flip of a trial."""

    work_s: list[float]
    _is_trial = False

    def begin(self, stage: Stage) -> None:
        """Prepare a stage."""
        if "work_s" not in vars(self):
            self.work_s = []
        self._is_trial = isinstance(stage, Trial)
        super().begin(stage)

    def frame(self) -> bool:
        """Draw what the next flip shall show."""
        began_s = time.thread_time()
        goes_on = super().frame()
        if goes_on and self._is_trial:
            self.work_s.append(time.thread_time() - began_s)
        return goes_on


class Rig:
    """Window, keyboard and a folder to log in.

    Parameters
    ----------
    display
        The window, opened after :func:`install_paced_backend`.
    keyboard
        What reads the keyboard.
    folder
        Folder for everything that is written.
    emulate_hz
        Refresh that is emulated where the screen has none.
    """

    def __init__(
        self,
        display: Display,
        keyboard: HardwareKeyboard | EventKeyboard,
        folder: Path,
        emulate_hz: float = 60,
    ) -> None:
        self.folder, self.keyboard = folder, keyboard
        self.emulates = display.paced
        self.display = display
        self._usual_hz = emulate_hz
        self.refresh()

    def refresh(self, hz: float | None = None) -> None:
        """Emulate a refresh rate where the screen has none; None for the usual rate."""
        if self.emulates:
            PacedBackend.period_s = 1 / (hz or self._usual_hz)
            self.display = adopt_window(self.display.win, full_screen=False)
            # The emulated rate is known; the measured one may be off on a busy machine.
            self.display.frame_s, self.display.paced = 1 / (hz or self._usual_hz), False

    @property
    def rate(self) -> str:
        """The refresh in words."""
        emulated = " emulated" if self.emulates else ""
        return f"{1 / self.display.frame_s:.0f} Hz{emulated}"

    def pixel(self, material: Material) -> tuple[int, int]:
        """Return the pixel of the screen in the middle of the first query, from the upper left."""
        box = self.placement(material).images()["query_a"]
        left, top = self.display.win.pos or (0, 0)
        screen = self.display.screen
        return (
            round(left + screen.width_px / 2 + box.x),
            round(top + screen.height_px / 2 - box.y),
        )

    def placement(self, material: Material) -> Placement:
        """Return where everything of a trial stands on this screen, and at what scale."""
        with self._open(material) as session:
            return self._placement(session)

    def run(self, way: str, material: Material, trials: int, responder: Responder) -> MeasuredRun:
        """Run trials in one way, to their end."""
        with tqdm(total=trials, desc=way, unit="trial", leave=False) as progress:
            run = self._ours if way == OURS else self._plain
            done = run(material, trials, responder, progress)
        done.observed = responder.observed()
        return done

    def _open(self, material: Material) -> Session:
        request = Request(
            design=material.design,
            participant="p001",
            table=material.table,
            stimuli=material.stimuli,
            data=material.data,
            observer_kind="simulated",
            observer="timing",
        )
        # Each measurement is a session of its own.
        number = request.unfinished or request.next_session
        return Session.open(replace(request, session=number))

    def _placement(self, session: Session) -> Placement:
        placed = placements(session.rows, session.design, self.display.screen, shrink=True)
        return next(iter(placed.values()))

    def _ours(
        self, material: Material, trials: int, responder: Responder, progress: Any
    ) -> MeasuredRun:
        memory: list[float] = []

        def after(row: LogRow) -> None:
            memory.append(_memory_mib())
            progress.update()

        with self._open(material) as session:
            session.rows[:] = repeated(session.rows, trials)
            source = responder if isinstance(responder, InternalResponder) else self.keyboard
            stepper = TimedStepper(session, self.display, source, (responder,), shrink=True)
            run_stages(session, self.display, stepper, after)
            folder = session.log.folder
        frames = read_csv(folder / FRAMES, FRAME_COLUMNS)
        frames["work_s"] = stepper.work_s
        table = read_csv(folder / TRIALS, log_columns(material.design.task))
        return MeasuredRun(table, frames, responder.offset_s, memory_mib=tuple(memory))

    def _plain(
        self, material: Material, trials: int, responder: Responder, progress: Any
    ) -> MeasuredRun:
        memory: list[float] = []

        def after() -> None:
            memory.append(_memory_mib())
            progress.update()

        with self._open(material) as session:
            rows = list(repeated(session.rows, trials))
            places, file = self._placement(session).images(), session.stimuli.file
        plain = PlainRun(
            self.display.win,
            # The same device: PsychoPy has one a process.
            getattr(self.keyboard, "_device", None),
            places,
            file,
            asdict(material.design.durations),
            self.display.frame_s,
            responder,
        )
        plain.run(rows, after)
        return MeasuredRun(
            pd.DataFrame(plain.trials),
            pd.DataFrame(plain.frames),
            responder.offset_s,
            memory_mib=tuple(memory),
        )


def in_turns(trials: int, rounds: int = 2) -> list[tuple[str, int]]:
    """Return the trials of each way, in alternating order, so that other load affects both."""
    if trials < 10 * rounds:
        rounds = 1
    turns = []
    for i in range(rounds):
        part = trials // rounds + (i < trials % rounds)
        ways = [OURS, PLAIN] if i % 2 == 0 else [PLAIN, OURS]
        turns += [(way, part) for way in ways]
    return turns


def _memory_mib() -> float:
    return float(psutil.Process().memory_info().rss / 2**20)
