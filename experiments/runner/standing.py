"""What pages, sliders and the comment share: they stand until the participant is done."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from conditions.design.keys import Keys
from experiments.runner.log import now_utc
from experiments.runner.phases import DONE, LEAVING, Interruption
from experiments.runner.responses import Press


class Standing(ABC):
    """A stage without a time limit; the leave key asks whether to end the session.

    The key for a note ends it too, with ``noting`` set: it is shown again after the note.

    A press that began before the stage was on the screen does not count.

    Parameters
    ----------
    name
        Which stage it is, such as ``welcome``.
    keys
        The design's keys.
    """

    kind: ClassVar[str]

    def __init__(self, name: str, keys: Keys) -> None:
        self.name = name
        self.wanted: str | None = None
        self.noting: str | None = None
        self._earlier_s = 0.0
        self.onset_s: float | None = None
        self.end_s: float | None = None
        self._keys = keys
        self._interruption = Interruption(keys)

    @property
    @abstractmethod
    def phase(self) -> str:
        """The phase that is shown unless the leave key was pressed."""

    @abstractmethod
    def _take(self, press: Press) -> bool:
        """Take a press; returns whether the stage is over."""

    @abstractmethod
    def simulate(self, phase: str, rng: np.random.Generator) -> list[Press]:
        """Return what somebody presses once a phase is on the screen, in seconds after its flip."""

    @property
    def spent_s(self) -> float:
        """Time that it was on the screen, without the question whether to end; 0 if never."""
        if self.onset_s is None or self.end_s is None:
            return self._earlier_s
        own_s = self.end_s - self.onset_s - self._interruption.total_s
        return self._earlier_s + max(0.0, own_s)

    def step(self, now_s: float, presses: list[Press]) -> str:
        """Return the stage's phase, ``leaving``, ``left`` or ``done``."""
        if self._interruption.phase:
            return self._interruption.step(now_s, presses) or self.phase
        for press in presses:
            if self.onset_s is None or press.time_s < self.onset_s:
                continue
            if press.key == self._keys.leave:
                return self._interruption.begin(LEAVING, now_s)
            if press.key == self._keys.note:
                self._begin_again(now_s)
                return DONE
            if self._take(press):
                self.end_s = now_s
                return DONE
        return self.phase

    def _begin_again(self, now_s: float) -> None:
        """Give way to a note, after which the stage is shown once more."""
        self.noting, self.end_s = now_utc(), now_s
        self._earlier_s = self.spent_s
        self.onset_s = self.end_s = None
        self._interruption = Interruption(self._keys)

    def flipped(self, flip_s: float) -> None:
        """Record the first flip."""
        if self.onset_s is None:
            self.onset_s = flip_s
