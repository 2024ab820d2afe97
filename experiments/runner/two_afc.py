"""The two-alternative forced choice as a pure state machine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from conditions.design import Design
from experiments.runner.phases import DONE, ENDED, OVERLAYS, Interruption
from experiments.runner.responses import Press

FIXATION = "fixation"
QUERIES = "queries"
CHOSEN = "chosen"
FEEDBACK = "feedback"
BLANK = "blank"

PHASES = (FIXATION, QUERIES, CHOSEN, FEEDBACK, BLANK)


class TwoAFCTrial:
    """One trial: fixation, queries until the response, chosen, feedback, blank.

    Borowski et al., ICLR 2021 (arXiv 2010.12606). One press gives choice and confidence. A press
    that began before the queries were on the screen is counted, but is no response. A pause before
    the response hides the images; the trial then begins again with the fixation.

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

    def __init__(
        self, row: Mapping[str, Any], design: Design, frame_s: float, wanted: str | None = None
    ) -> None:
        self.row = row
        self.phase = FIXATION
        self.wanted: str | None = None
        self.choice: str | None = None
        self.confidence: int | None = None
        self.timed_out = False
        self.early_presses = 0
        self._design = design
        self._frame_s = frame_s
        self._keys = design.keys.response
        self._began_utc = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        self._interruption = Interruption(design.keys, wanted)
        self._onsets_s: dict[str, float] = {}
        self._shown = ""
        self._last_flip_s: float | None = None
        self._response: Press | None = None
        self._end_s: float | None = None

    @property
    def shows_feedback(self) -> bool:
        """Whether the right answer is shown after this trial."""
        return bool(getattr(self._design.feedback, str(self.row["trial_role"]), False))

    @property
    def correct(self) -> bool | None:
        """Whether the choice was right; None without one."""
        return None if self.choice is None else self.choice == self.row["correct_choice"]

    def step(self, now_s: float, presses: list[Press]) -> str:
        """Return the phase that the next flip shall show, an overlay, ``done`` or ``left``."""
        if self._interruption.phase:
            overlay = self._interruption.step(now_s, presses)
            if overlay:
                return overlay
            self._begin_again()
            return self.phase
        for press in presses:
            asked = self._interruption.asked_by(press)
            if asked and self.phase in (FIXATION, QUERIES):
                return self._interruption.begin(asked, now_s)
            if asked:
                self.wanted = asked
            elif press.key in self._keys:
                self._take(press)
        self._advance(now_s)
        return self.phase

    def flipped(self, flip_s: float) -> None:
        """Take note that the phase last returned is on the screen since a time."""
        self._last_flip_s = flip_s
        showing = self._interruption.phase or self.phase
        if showing != self._shown and showing not in OVERLAYS:
            self._onsets_s[showing] = flip_s
        self._shown = showing

    def response(self) -> dict[str, Any]:
        """Return the columns that the trial adds to its row, once it is done."""
        assert self._end_s is not None
        onset_s = self._onsets_s[QUERIES]
        press = self._response
        return {
            "trial_began_utc": self._began_utc,
            "fixation_onset_s": self._onsets_s.get(FIXATION),
            "onset_s": onset_s,
            "response_s": press.time_s if press else None,
            "rt_s": press.time_s - onset_s if press else None,
            "response_key": press.key if press else None,
            "choice": self.choice,
            "confidence": self.confidence,
            "correct": self.correct,
            "timed_out": self.timed_out,
            "early_presses": self.early_presses,
            "paused_s": self._interruption.total_s,
            "feedback_onset_s": self._onsets_s.get(FEEDBACK),
            "trial_end_s": self._end_s,
        }

    def _begin_again(self) -> None:
        self.phase, self._shown = FIXATION, ""
        self._onsets_s.clear()
        self._last_flip_s = None

    def _take(self, press: Press) -> None:
        onset_s = self._onsets_s.get(QUERIES)
        if onset_s is None or press.time_s < onset_s:
            self.early_presses += 1
        elif self.phase == QUERIES and self._response is None:
            self._response = press
            self.choice, self.confidence = self._keys[press.key]

    def _advance(self, now_s: float) -> None:
        """Go through the phases that will be over when the next flip comes."""
        next_flip_s = now_s
        if self._last_flip_s is not None:
            next_flip_s = max(now_s, self._last_flip_s + self._frame_s)
        while self.phase not in ENDED and self._is_over(next_flip_s):
            self.phase = self._next_phase()
        if self.phase == DONE and self._end_s is None:
            self._end_s = now_s

    def _is_over(self, next_flip_s: float) -> bool:
        durations = self._design.durations
        if self.phase == QUERIES:
            if self._response is not None:
                return True
            limit_s = durations.response_limit_s
            self.timed_out = limit_s is not None and self._lasted(limit_s, next_flip_s)
            return self.timed_out
        return self._lasted(getattr(durations, f"{self.phase}_s"), next_flip_s)

    def _lasted(self, duration_s: float, next_flip_s: float) -> bool:
        """Return whether the next flip is the nearest one to the end of the phase."""
        if duration_s == 0:
            return True
        onset_s = self._onsets_s.get(self.phase)
        return onset_s is not None and next_flip_s - onset_s >= duration_s - self._frame_s / 2

    def _next_phase(self) -> str:
        if self.phase == FIXATION:
            return QUERIES
        if self.phase == QUERIES:
            return CHOSEN if self._response else self._after_chosen()
        if self.phase == CHOSEN:
            return self._after_chosen()
        return BLANK if self.phase == FEEDBACK else DONE

    def _after_chosen(self) -> str:
        return FEEDBACK if self.shows_feedback else BLANK
