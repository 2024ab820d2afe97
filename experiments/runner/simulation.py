"""Run a session without a window: an observer on a clock that costs no time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from experiments.runner.layout import Screen
from experiments.runner.observers import Observer
from experiments.runner.phases import ENDED, LEFT, OVERLAYS, Stage
from experiments.runner.placements import placements, sort_of
from experiments.runner.responses import Press
from experiments.runner.session import Session
from experiments.runner.stages import stages_of
from experiments.runner.standing import Standing
from experiments.runner.trial import CONTINUE, CONTINUE_S, Trial
from unitscope.row_types import DisplayMeasures

FRAME_S = 1 / 60
SCREEN = Screen(1920, 1080, width_cm=53.0, distance_cm=60.0)
"""Where a simulated participant's clicks go."""


def simulate(session: Session, observer: Observer, seed: int = 0) -> None:
    """Let an observer go through what remains of a session, frame by frame.

    Parameters
    ----------
    session
        An open session; it is finished when this returns.
    observer
        Answers every trial.
    seed
        Fixes what is pressed on pages and sliders.
    """
    participant = _Participant(session, observer, seed)
    clock_s = 0.0
    with session:
        for stage in stages_of(session, FRAME_S):
            clock_s, phase, frames = run_stage(stage, participant, clock_s)
            if phase == LEFT:
                break
            if isinstance(stage, Trial):
                measured: DisplayMeasures = {
                    "response_source": "simulated",
                    "frames": frames,
                    "dropped_frames": 0,
                    "largest_frame_interval_s": FRAME_S,
                    "photodiode": "off",
                    "trigger": None,
                }
                session.record(stage, measured)


class _Participant:
    """Decides what is pressed once a phase has come on the screen."""

    def __init__(self, session: Session, observer: Observer, seed: int) -> None:
        self._observer = observer
        self._design = session.design
        self._rng = np.random.default_rng(seed)
        self._placements = placements(session.rows, session.design, SCREEN, shrink=True)

    def __call__(self, phase: str, stage: Stage) -> list[Press]:
        """Return the presses that answer a phase, their times counted from its flip."""
        if isinstance(stage, Trial) and phase == stage.answering[0]:
            stage.targets = self._placements[sort_of(stage.row, self._design)].targets
            return stage.presses_for(self._observer.respond(stage.row))
        if isinstance(stage, Trial) and phase == CONTINUE:
            return [stage.press_for(CONTINUE, CONTINUE_S)]
        if isinstance(stage, Standing) and phase not in OVERLAYS:
            return stage.simulate(phase, self._rng)
        return []


def run_stage(
    stage: Stage, participant: Callable[[str, Stage], list[Press]], clock_s: float
) -> tuple[float, str, int]:
    """Drive one stage as a screen of 60 Hz does.

    Parameters
    ----------
    stage
        A trial, page or slider.
    participant
        Returns what is pressed after a phase's first flip, with times counted from it.
    clock_s
        The time now.

    Returns
    -------
    tuple
        The time at the end, ``done`` or ``left``, and the number of frames.
    """
    coming: list[Press] = []
    shown, frames = "", 0
    while True:
        due = [press for press in coming if press.time_s <= clock_s]
        coming = [press for press in coming if press.time_s > clock_s]
        phase = stage.step(clock_s, due)
        if phase in ENDED:
            return clock_s, phase, frames
        clock_s += FRAME_S
        frames += 1
        stage.flipped(clock_s)
        if phase != shown:
            shown = phase
            coming += [
                Press(clock_s + press.time_s, press.key, press.place)
                for press in participant(phase, stage)
            ]
