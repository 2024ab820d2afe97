"""The same trials as a plain PsychoPy script would run them, for comparison.

As in hand-written and compiled scripts, a trial's images are loaded from their files at its start,
one ``getKeys`` call per frame polls the keyboard without waiting for releases, and phases end
within Builder's frame tolerance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.lab.timing.responders import KEY, InternalResponder, Responder
from experiments.runner.layout import Box
from experiments.runner.trial import BLANK, FEEDBACK, FIXATION
from experiments.runner.two_afc import QUERIES

TOLERANCE_S = 0.001
"""Builder's ``frameTolerance``."""


class PlainRun:
    """Runs trials and keeps what a plain script would log.

    Parameters
    ----------
    win
        The window.
    keyboard
        PsychoPy's Keyboard; None if it cannot be read.
    places
        Column of the condition table to the box of its image.
    file
        Turns an image's name into its file.
    durations
        Seconds of each timed phase; ``response_limit_s`` ends the queries without an answer.
    frame_s
        Nominal duration of a frame.
    responder
        What answers the trials.
    """

    def __init__(
        self,
        win: Any,
        keyboard: Any,
        places: Mapping[str, Box],
        file: Callable[[str], Path],
        durations: Mapping[str, float | None],
        frame_s: float,
        responder: Responder,
    ) -> None:
        from psychopy import visual  # cannot be imported without a display

        self._win, self._keyboard = win, keyboard
        self._places, self._file = dict(places), file
        self._durations, self._frame_s = durations, frame_s
        self._responder = responder
        self._cross = visual.TextStim(win, "+", units="pix", height=30, autoLog=False)
        self._word = visual.TextStim(win, "right", units="pix", height=30, autoLog=False)
        self.trials: list[dict[str, Any]] = []
        self.frames: list[dict[str, Any]] = []

    def run(self, rows: Iterable[Mapping[str, Any]], after: Callable[[], None]) -> None:
        """Run trials; ``after`` is called after each."""
        for row in rows:
            self._trial(row)
            after()

    def _trial(self, row: Mapping[str, Any]) -> None:
        from psychopy import visual

        number = int(row["trial_number"])
        images = [
            visual.ImageStim(
                self._win,
                image=str(self._file(row[name])),
                units="pix",
                pos=(box.x, box.y),
                size=(box.width, box.height),
            )
            for name, box in self._places.items()
            if row.get(name)
        ]
        previous_s: float | None = None
        rt_s: float | None = None
        onset_s = 0.0
        for phase, parts, limit_s in (
            (FIXATION, [self._cross], self._durations.get("fixation_s")),
            (QUERIES, images, self._durations.get("response_limit_s") or 1e9),
            (FEEDBACK, [*images, self._word], self._durations.get("feedback_s")),
            (BLANK, [], self._durations.get("blank_s")),
        ):
            if not limit_s:
                continue
            began_s: float | None = None
            flip_s = 0.0
            while began_s is None or flip_s <= began_s + limit_s - TOLERANCE_S - self._frame_s:
                answer_s = self._answer()
                if phase == QUERIES and began_s is not None and answer_s is not None:
                    rt_s = answer_s
                    break
                for part in parts:
                    part.draw()
                if began_s is None:
                    self._win.callOnFlip(self._responder.tell, phase, number)
                    if phase == QUERIES and self._keyboard is not None:
                        self._win.callOnFlip(self._keyboard.clock.reset)
                flip_s = float(self._win.flip())
                if began_s is None:
                    began_s = flip_s
                interval_s = None if previous_s is None else flip_s - previous_s
                previous_s = flip_s
                self.frames.append(
                    {
                        "trial_number": number,
                        "flip_s": flip_s,
                        "interval_s": interval_s,
                        "phase": phase,
                        "work_s": float("nan"),
                    }
                )
            if phase == QUERIES:
                onset_s = began_s
        self.trials.append({"trial_number": number, "onset_s": onset_s, "rt_s": rt_s})

    def _answer(self) -> float | None:
        """Poll the keyboard once, as a plain script does."""
        if isinstance(self._responder, InternalResponder):
            return 0.0 if self._responder.presses() else None
        keys = (
            self._keyboard.getKeys(keyList=[KEY, "j"], waitRelease=False) if self._keyboard else []
        )
        return float(keys[-1].rt) if keys else None
