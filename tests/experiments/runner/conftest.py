"""A clock that drives one trial as a screen of 60 Hz does."""

from __future__ import annotations

import pytest

from experiments.runner.phases import DONE, LEFT

FRAME_S = 1 / 60


class Clock:
    """Drives a trial as a screen does: step, then a flip one frame later."""

    def __init__(self, trial, start_s=100.0):
        self.trial = trial
        self.now_s = start_s
        self.phases = []
        self.onsets = {}
        self.ended = None

    def frame(self, *presses):
        phase = self.trial.step(self.now_s, list(presses))
        if phase in (DONE, LEFT):
            self.ended = phase
            return phase
        self.now_s += FRAME_S
        self.trial.flipped(self.now_s)
        if not self.phases or self.phases[-1] != phase:
            self.phases.append(phase)
            self.onsets[phase] = self.now_s
        return phase

    def until(self, *wanted, limit=1000):
        for _ in range(limit):
            phase = self.frame()
            if phase in wanted:
                return phase
        raise AssertionError(f"no {wanted} within {limit} frames, saw {self.phases}")


@pytest.fixture(scope="session")
def clock():
    """The class of clocks."""
    return Clock
