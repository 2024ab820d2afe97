"""What the trials of every task share: their phases, their clock and their interruptions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from conditions.design.design import Design
from experiments.runner.answers import Answer
from experiments.runner.layout import Box
from experiments.runner.log import now_utc
from experiments.runner.phases import DONE, ENDED, OVERLAYS, Interruption
from experiments.runner.responses import CLICK, Press
from unitscope.row_types import AnswerCells, TrialResponse, TrialRow

FIXATION = "fixation"
ANSWERED = "answered"
CHOSEN = "chosen"
FEEDBACK = "feedback"
CONTINUE = "continue"
BLANK = "blank"

CONTINUE_S = 0.5
"""Time after which a simulated observer continues."""


class Trial(ABC):
    """One trial: fixation, what is answered, answered, chosen, feedback, continue, blank.

    A press that began before the onset is counted, but is no response. A pause before the answer
    is whole hides the images; the trial then begins again with the fixation. A phase of no
    duration is skipped. Where trials are self-paced, what was shown last stays until the
    participant continues, or asks for a pause before the next trial.

    Keys and clicks ask for the same *actions*: a key by ``meanings``, a click by the one of the
    ``targets`` that it hits, which whoever shows the trial must set.

    Parameters
    ----------
    row
        Row of the condition table.
    design
        Keys, durations and feedback.
    frame_s
        Nominal duration of a frame, in seconds.
    wanted
        Interruption asked for during the trial before: the trial begins in it.
    """

    kind: ClassVar[str] = "trial"
    task: ClassVar[str]

    def __init__(
        self, row: TrialRow, design: Design, frame_s: float, wanted: str | None = None
    ) -> None:
        self.row = row
        self.name = row["reference_condition"]
        self.phase = FIXATION
        self.wanted: str | None = None
        self.targets: Mapping[str, Box] = {}
        self.meanings: Mapping[str, str] = {}
        self.noting: str | None = None
        self.timed_out = False
        self.early_presses = 0
        self.exposures = 0
        self.response_s: float | None = None
        self._design = design
        self._frame_s = frame_s
        self._began_utc = now_utc()
        self._interruption = Interruption(design.keys, wanted)
        self._onsets_s: dict[str, float] = {}
        self._continued = not design.durations.self_paced
        self._shown = ""
        self._last_flip_s: float | None = None
        self._end_s: float | None = None

    @property
    @abstractmethod
    def answering(self) -> tuple[str, ...]:
        """The phases that the participant answers, in order; the first one's flip is the onset."""

    @property
    @abstractmethod
    def correct(self) -> bool | None:
        """Whether the answer was correct; None without one."""

    @abstractmethod
    def presses_for(self, answer: Answer) -> list[Press]:
        """Return the presses that give an answer, their times counted from the onset."""

    @abstractmethod
    def _take(self, action: str, press: Press, onset_s: float) -> None:
        """Take a press begun after the onset, while the answer is not whole, and what it asks."""

    @abstractmethod
    def _is_given(self, phase: str) -> bool:
        """Return whether a phase has what it asks for."""

    @abstractmethod
    def _forget(self) -> None:
        """Forget the answer, as the trial begins again."""

    @abstractmethod
    def _answer(self, onset_s: float) -> AnswerCells:
        """Return the columns that this task adds to those of every task."""

    @property
    def is_answered(self) -> bool:
        """Whether the answer is whole, or its time is over: nothing more is asked for."""
        return self.phase not in (FIXATION, *self.answering)

    @property
    def shows_feedback(self) -> bool:
        """Whether the correct answer is shown after this trial."""
        return bool(getattr(self._design.feedback, self.row["trial_role"], False))

    def reveals(self, phase: str) -> bool:
        """Return whether a phase shows the correct answer."""
        return phase == FEEDBACK or (phase == CONTINUE and self.shows_feedback)

    def takes_clicks(self, phase: str) -> bool:
        """Return whether a phase is answered with the mouse."""
        return self._design.input != "keys" and phase in (*self.answering, CONTINUE)

    def press_for(self, action: str, time_s: float) -> Press:
        """Return the press or click that asks for an action at a time."""
        if self._design.input == "mouse":
            box = self.targets[action]
            return Press(time_s, CLICK, (box.x, box.y))
        if action == CONTINUE:
            return Press(time_s, self._design.keys.forward)
        return Press(time_s, next(key for key, own in self.meanings.items() if own == action))

    @property
    def lasts_s(self) -> float | None:
        """How long the present phase lasts unless it is answered; None where only that ends it."""
        if self.phase == CONTINUE:
            return 0.0 if self._continued else None
        if self.phase not in self.answering:
            return self._duration_s()
        return self._limit_s()

    def step(self, now_s: float, presses: list[Press]) -> str:
        """Return the phase that the next flip shall show, an overlay, ``done`` or ``left``."""
        if any(press.key == self._design.keys.note for press in presses):
            self.noting = now_utc()  # The trial goes on, and the note is taken after it.
        if self._interruption.phase:
            overlay = self._interruption.step(now_s, presses)
            if overlay:
                return overlay
            self._begin_again()
            return self.phase
        for press in presses:
            asked = self._interruption.asked_by(press)
            if asked and self._is_open():
                return self._interruption.begin(asked, now_s)
            if asked:
                self.wanted = asked
                self._continued |= self.phase == CONTINUE
            elif self.phase == CONTINUE:
                self._continued |= self._continues(press)
            elif action := self._action(press):
                self._receive(action, press)
        self._advance(now_s)
        return self.phase

    def cut_short(self, now_s: float) -> None:
        """End an answered trial at once, whatever it would still show."""
        self.phase, self._end_s = DONE, now_s

    def flipped(self, flip_s: float) -> None:
        """Record when the phase last returned came on the screen."""
        self._last_flip_s = flip_s
        showing = self._interruption.phase or self.phase
        if showing != self._shown and showing not in OVERLAYS:
            self._onsets_s[showing] = flip_s
            self.exposures += showing == self.answering[0]
        self._shown = showing

    def response(self) -> TrialResponse:
        """Return the columns that the trial adds to its row, once it is done."""
        assert self._end_s is not None
        onset_s = self._onsets_s[self.answering[0]]
        return {
            "trial_began_utc": self._began_utc,
            "fixation_onset_s": self._onsets_s.get(FIXATION),
            "onset_s": onset_s,
            "response_s": self.response_s,
            "rt_s": None if self.response_s is None else self.response_s - onset_s,
            "correct": self.correct,
            "timed_out": self.timed_out,
            "early_presses": self.early_presses,
            "paused_s": self._interruption.total_s,
            "exposures": self.exposures,
            "feedback_onset_s": next(
                (s for phase, s in self._onsets_s.items() if self.reveals(phase)), None
            ),
            "continue_onset_s": self._onsets_s.get(CONTINUE),
            "trial_end_s": self._end_s,
            **self._answer(onset_s),
        }

    def _is_open(self) -> bool:
        """Return whether the participant can still answer."""
        if self.phase == FIXATION:
            return True
        return self.phase in self.answering and not self._is_given(self.answering[-1])

    def _begin_again(self) -> None:
        self.phase, self._shown = FIXATION, ""
        self._onsets_s.clear()
        self._last_flip_s = self.response_s = None
        self._forget()

    def _action(self, press: Press) -> str | None:
        """Return what a press asks for, if that may be asked with its device."""
        if press.key != CLICK:
            return self.meanings.get(press.key) if self._design.input != "mouse" else None
        place = press.place
        if place is None or self._design.input == "keys":
            return None
        hit = (action for action, box in self.targets.items() if box.contains(place))
        return next((action for action in hit if action != CONTINUE), None)

    def _continues(self, press: Press) -> bool:
        """Return whether a press ends the phase in which the participant continues."""
        if press.time_s < self._onsets_s.get(CONTINUE, press.time_s):
            return False
        if press.key != CLICK:
            return press.key == self._design.keys.forward and self._design.input != "mouse"
        place = press.place
        return self.takes_clicks(CONTINUE) and bool(
            place and self.targets[CONTINUE].contains(place)
        )

    def _receive(self, action: str, press: Press) -> None:
        onset_s = self._onsets_s.get(self.answering[0])
        if onset_s is None or press.time_s < onset_s:
            self.early_presses += 1
        elif self._is_open():
            self._take(action, press, onset_s)

    def _advance(self, now_s: float) -> None:
        """Go through the phases that will be over when the next flip comes."""
        next_flip_s = now_s
        if self._last_flip_s is not None:
            next_flip_s = max(now_s, self._last_flip_s + self._frame_s)
        order = (FIXATION, *self.answering, ANSWERED, CHOSEN, FEEDBACK, CONTINUE, BLANK, DONE)
        while self.phase not in ENDED and self._is_over(next_flip_s):
            self.phase = order[order.index(self.phase) + 1]
        if self.phase == DONE and self._end_s is None:
            self._end_s = now_s

    def _is_over(self, next_flip_s: float) -> bool:
        if self.phase == CONTINUE:
            return self._continued
        if self.phase not in self.answering:
            return self._lasted(self._duration_s(), next_flip_s)
        limit_s = self._limit_s()
        if limit_s and not self._is_given(self.phase):
            self.timed_out = self._lasted(limit_s, next_flip_s)
        return self.timed_out or self._is_given(self.phase)

    def _limit_s(self) -> float | None:
        """Return how long the participant may take in the present phase."""
        is_limited = self.phase == self.answering[0]
        return self._design.durations.response_limit_s if is_limited else None

    def _duration_s(self) -> float:
        durations = self._design.durations
        if self.phase in (ANSWERED, CHOSEN) and self.timed_out:
            return 0
        if self.phase == FEEDBACK and not self.shows_feedback:
            return 0
        if self.phase == ANSWERED and len(self.answering) > 1:
            # The first step's answer is framed already.
            return 0
        name = "framed_after" if self.phase == ANSWERED else self.phase
        return float(getattr(durations, f"{name}_s", 0))

    def _lasted(self, duration_s: float, next_flip_s: float) -> bool:
        """Return whether the next flip is the nearest one to the end of the phase."""
        if duration_s == 0:
            return True
        onset_s = self._onsets_s.get(self.phase)
        return onset_s is not None and next_flip_s - onset_s >= duration_s - self._frame_s / 2
