"""The window and keyboard that everything is measured with, and a run of trials in either way."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
from tqdm import tqdm

from experiments.display.keyboard import EventKeyboard, HardwareKeyboard
from experiments.display.stepper import Stepper, run_stages
from experiments.display.window import Display, adopt_window
from experiments.lab.timing import emulation
from experiments.lab.timing.companion import Companion, Hand
from experiments.lab.timing.errors import Run
from experiments.lab.timing.material import Material, repeated
from experiments.lab.timing.plain import PlainRun
from experiments.lab.timing.series import OURS, PLAIN
from experiments.runner.layout import Box
from experiments.runner.phases import Stage
from experiments.runner.placements import placements
from experiments.runner.request import Request
from experiments.runner.session import Session
from experiments.runner.trial import Trial
from unitscope.columns import FRAME_COLUMNS, log_columns
from unitscope.records import FRAMES, TRIALS
from unitscope.tables import read_csv


class TimedStepper(Stepper):
    """Keeps how long our own work took before each flip of a trial, in processor time."""

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
        The window, of the backend that :mod:`emulation` installed.
    keyboard
        What reads the keyboard.
    folder
        Everything is written below it.
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
        """Emulate another refresh, or with None the usual one, where the screen has none."""
        if self.emulates:
            emulation.pace(hz or self._usual_hz)
            self.display = adopt_window(self.display.win, full_screen=False)
            # What was measured may be wrong on a busy machine; what is emulated is known.
            self.display.frame_s, self.display.paced = 1 / (hz or self._usual_hz), False

    @property
    def rate(self) -> str:
        """The refresh in words."""
        emulated = " emulated" if self.emulates else ""
        return f"{1 / self.display.frame_s:.0f} Hz{emulated}"

    def pixel(self, material: Material) -> tuple[int, int]:
        """Return the pixel of the screen in the middle of the first query, from the upper left."""
        with self._open(material) as session:
            box = self._places(session)["query_a"]
        left, top = self.display.win.pos or (0, 0)
        screen = self.display.screen
        return (
            round(left + screen.width_px / 2 + box.x),
            round(top + screen.height_px / 2 - box.y),
        )

    def scale(self, material: Material) -> float:
        """Return how much a layout is scaled down to fit the screen."""
        with self._open(material) as session:
            width_px = self._places(session)["query_a"].width
        return width_px / float(session.design.layout.image)

    def run(self, way: str, material: Material, trials: int, companion: Companion) -> Run:
        """Run trials in one way, to their end."""
        with tqdm(total=trials, desc=way, unit="trial", leave=False) as progress:
            run = self._ours if way == OURS else self._plain
            done = run(material, trials, companion, progress)
        done.observed = companion.observed()
        return done

    def _open(self, material: Material) -> Session:
        return Session.open(
            Request(
                design=material.design,
                participant="p001",
                table=material.table,
                stimuli=material.stimuli,
                data=material.data,
                observer_kind="simulated",
                observer="timing",
            )
        )

    def _places(self, session: Session) -> dict[str, Box]:
        """Return the boxes of the pictures of its trials, which are of one sort."""
        placed = placements(session.rows, session.design, self.display.screen, shrink=True)
        return next(iter(placed.values())).images()

    def _ours(self, material: Material, trials: int, companion: Companion, progress: Any) -> Run:
        memory: list[float] = []

        def after(row: dict[str, Any]) -> None:
            memory.append(_memory_mib())
            progress.update()

        with self._open(material) as session:
            session.rows[:] = repeated(session.rows, trials)
            source = companion if isinstance(companion, Hand) else self.keyboard
            stepper = TimedStepper(session, self.display, source, (companion,), shrink=True)
            run_stages(session, self.display, stepper, after)
            folder = session.log.folder
        frames = read_csv(folder / FRAMES, FRAME_COLUMNS)
        frames["work_s"] = stepper.work_s
        table = read_csv(folder / TRIALS, log_columns(material.design.task))
        return Run(table, frames, companion.offset_s, memory_mib=tuple(memory))

    def _plain(self, material: Material, trials: int, companion: Companion, progress: Any) -> Run:
        memory: list[float] = []

        def after() -> None:
            memory.append(_memory_mib())
            progress.update()

        with self._open(material) as session:
            rows = list(repeated(session.rows, trials))
            places, file = self._places(session), session.stimuli.file
        plain = PlainRun(
            self.display.win,
            # The same device: PsychoPy has one a process.
            getattr(self.keyboard, "_device", None),
            places,
            file,
            asdict(material.design.durations),
            self.display.frame_s,
            companion,
        )
        plain.run(rows, after)
        return Run(
            pd.DataFrame(plain.trials),
            pd.DataFrame(plain.frames),
            companion.offset_s,
            memory_mib=tuple(memory),
        )


def in_turns(trials: int, rounds: int = 2) -> list[tuple[str, int]]:
    """Return how many trials each way runs, in turns that begin with either.

    What else the machine does then meets both.
    """
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
