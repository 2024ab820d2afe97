"""One participant at the server: a session that is driven by what the page reports."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.online.page_plan import Planner, Shown
from experiments.online.reports import BadReport, Event, Report
from experiments.online.screening import broken_rules
from experiments.runner.comment import NEW_LINE, Comment
from experiments.runner.layout import Screen
from experiments.runner.pages import Page
from experiments.runner.phases import ENDED, LEFT, Stage
from experiments.runner.responses import Press
from experiments.runner.session import Session
from experiments.runner.stages import stages_of
from experiments.runner.trial import Trial
from unitscope.exclusion import Verdict
from unitscope.records import INTERRUPTED
from unitscope.row_types import DisplayMeasures, Flip

SOURCE = "browser"
"""What the log says that responses were delivered by."""

PRACTICE_LIMIT = "practice_limit"
"""Page that an experimenter is called to, as practice was never all correct."""

LAST_PAGES = ("end", "declined")
"""Pages that nothing follows."""

KEPT_BUNDLES = 3
"""Bundles of images that the page can still ask for."""

MOST_HIDDEN = 1000
"""Times that the page was hidden of which the record says when."""


class Visit:
    """Drives a session's stages by reports, and answers each with what the page shows next.

    Everything that a stage gave is on the disk before the page is told of the next one.

    Parameters
    ----------
    session
        An open session, which is finished at its end or by :meth:`leave`.
    screen
        What the page measures.
    frame_s
        Nominal duration of a frame there, in seconds.
    facts
        What the page says of the browser, for ``session.json``.

    Raises
    ------
    BadInput
        If the layout is too large for the screen.
    """

    def __init__(
        self, session: Session, screen: Screen, frame_s: float, facts: dict[str, Any]
    ) -> None:
        self.run = secrets.token_urlsafe(9)
        self.session = session
        self.is_over = self.is_screened_out = False
        self._frame_s = frame_s
        self._planner = Planner(session, screen, frame_s)
        session.note(
            {
                "display": facts,
                "layout_scale": round(self._planner.scale, 4),
                "response_source": SOURCE,
            }
        )
        self._stages: Iterator[Stage] = stages_of(session, frame_s)
        self._stage: Stage | None = None
        self._now_s = 0.0
        self._turn = self._number = 0
        self._images = self._next_images = ""
        self._screens: list[Shown] = []
        self._at = 0
        self._bundles: dict[str, list[Path]] = {}
        self._answered: tuple[int, dict[str, Any]] = (0, {})
        self._frames: tuple[int, int, float | None] = (0, 0, None)
        self._hidden: list[dict[str, Any]] = []
        self._flips: list[Flip] = []
        self._next_stage()

    def shows(self) -> dict[str, Any]:
        """Return the present plan as plain data."""
        return {
            "run": self.run,
            "turn": self._turn,
            "stage": self._number,
            "screens": self._screens,
            "images": self._images,
            "next_images": self._next_images,
            "over": self.is_over,
        }

    def images(self, token: str) -> list[Path] | None:
        """Return the files of a bundle of images, None if the page was not told of it."""
        return self._bundles.get(token)

    def take(self, report: Report) -> dict[str, Any]:
        """Take what happened; returns the next plan, or ``go_on`` where the present one holds.

        A report that was taken already is answered as it was then.

        Raises
        ------
        BadReport
            If a report is out of order.
        """
        number, answer = self._answered
        if report.run != self.run:
            return {"elsewhere": True}
        if report.number == number:
            return answer
        if report.number != number + 1:
            raise BadReport("out of order")
        self._frames = report.frames, report.late, report.largest_s
        answer = self.shows() if self.is_over or self._changed(report) else {"go_on": True}
        self._answered = report.number, answer
        return answer

    def leave(self, reason: str = INTERRUPTED) -> None:
        """End the run, unless the session is over.

        Who has answered a trial may have seen whether it was correct, so that it is recorded.
        """
        stage, self._stage = self._stage, None
        self._stages = iter(())
        try:
            if isinstance(stage, Trial) and stage.is_answered:
                stage.cut_short(self._now_s)
                self._record(stage)
            elif isinstance(stage, Trial):
                self.session.note_left(stage)
        finally:
            self.session.finish(reason)

    def _changed(self, report: Report) -> bool:
        """Tell the stage what happened; returns whether the page shall show something else."""
        stage = self._stage
        assert stage is not None
        phase = self._drive(stage, report)
        if phase in ENDED:
            self._stage = None  # Whatever becomes of its record, it is not ended once more.
            if phase == LEFT:
                if isinstance(stage, Trial):
                    self.session.note_left(stage)
                self._end(None)
                return True
            if isinstance(stage, Trial):
                self._record(stage)
            self._next_stage()
            return True
        coming = self._planner.coming(stage, phase, self._now_s)
        if coming == self._screens[self._at :] and report.turn == self._turn:
            return False
        self._plan(coming)
        return True

    def _drive(self, stage: Stage, report: Report) -> str:
        """Give flips and presses to the stage in the order of their times; returns its phase."""
        waiting: list[Press] = []
        phase = ""
        for event in report.events:
            self._now_s = max(self._now_s, event.time_s)
            if event.kind == "press" and event.key == self.session.design.keys.note:
                continue  # No experimenter is there who could write one.
            if event.kind == "press":
                waiting.append(Press(event.time_s, event.key, event.place))
            elif event.kind == "text" and isinstance(stage, Comment):
                waiting += _typed(event)
            elif event.kind in ("hidden", "visible"):
                self._note_visibility(event)
            elif report.turn == self._turn and event.screen < len(self._screens):
                # What was shown of an earlier plan than the present one came too late.
                if event.kind != "late":
                    # Where the page goes by its own rounding, it is half a frame off at most.
                    then_s = event.time_s + self._frame_s / 2
                    phase, waiting = stage.step(then_s, waiting), []
                if phase in ENDED:
                    return phase
                self._flip(stage, phase, event)
        if waiting or not phase:
            phase = stage.step(self._now_s, waiting)
        return phase

    def _flip(self, stage: Stage, phase: str, event: Event) -> None:
        if event.kind == "over":
            return
        shown = str(self._screens[event.screen]["phase"])
        if event.kind == "flip" and shown == phase:
            self._at = event.screen
            stage.flipped(event.time_s)
        self._flips.append(
            {
                "frame": event.frame,
                "flip_s": event.time_s,
                "interval_s": event.interval_s,
                "phase": shown,
            }
        )

    def _record(self, trial: Trial) -> None:
        frames, late, largest_s = self._frames
        measured: DisplayMeasures = {
            "response_source": SOURCE,
            "frames": frames,
            "dropped_frames": late,
            "largest_frame_interval_s": largest_s,
            "photodiode": "off",
            "trigger": None,
        }
        self.session.record(trial, measured, self._flips)

    def _next_stage(self) -> None:
        stage = next(self._stages, None)
        if stage is None or (isinstance(stage, Page) and stage.name in LAST_PAGES):
            self._end(stage)
            return
        if isinstance(stage, Page) and (stage.name == PRACTICE_LIMIT or self._broken_rules()):
            # No experimenter is there who could let somebody go on.
            self.is_screened_out = True
            self._end(None)
            return
        self._stage, self._flips = stage, []
        self._number += 1
        self._images = self._offer(self._planner.load(stage))
        self._next_images = self._offer(self._of_next_trial(stage))
        self._plan(self._planner.coming(stage, stage.step(self._now_s, []), self._now_s))

    def _broken_rules(self) -> list[Verdict]:
        session = self.session
        return broken_rules(
            session.design, session.rows, session.facts, session.log.folder, is_over=False
        )

    def _plan(self, screens: list[Shown]) -> None:
        self._screens, self._at = screens, 0
        self._turn += 1

    def _end(self, page: Page | None) -> None:
        """Finish the session and say goodbye."""
        self.session.finish()
        self.is_over = True
        self._stage, self._images, self._next_images = None, "", ""
        content = page.content if page else None
        self._plan(
            [
                {
                    "phase": "page",
                    "kind": "page",
                    "name": content.name if content else "left",
                    "heading": content.heading if content else "",
                    "body": content.body if content else "",
                    "hint": "",
                    "buttons": [],
                    "panels": [],
                    "lasts_s": None,
                }
            ]
        )

    def _offer(self, files: list[Path]) -> str:
        """Return the token under which the page gets a bundle of images; empty for none."""
        if not files:
            return ""
        for token, offered in self._bundles.items():
            if offered == files:
                return token
        token = secrets.token_urlsafe(12)
        self._bundles[token] = files
        while len(self._bundles) > KEPT_BUNDLES:
            del self._bundles[next(iter(self._bundles))]
        return token

    def _of_next_trial(self, stage: Stage) -> list[Path]:
        """Return the images of the trial that comes next, as far as it is known before."""
        session = self.session
        present = stage.row["trial_number"] if isinstance(stage, Trial) else 0
        for row in session.rows:
            number = row["trial_number"]
            if number > present and number not in session.settled:
                return [] if row["repeat_of"] else self._planner.images_of(row)
        return []

    def _note_visibility(self, event: Event) -> None:
        """Record when the page was hidden, as behind another tab, and when it was seen again."""
        if event.kind == "hidden" and len(self._hidden) < MOST_HIDDEN:
            stage = self._stage
            number = stage.row["trial_number"] if isinstance(stage, Trial) else None
            self._hidden.append({"trial_number": number, "from_s": event.time_s, "to_s": None})
        elif event.kind == "visible" and self._hidden:
            self._hidden[-1]["to_s"] = event.time_s
        self.session.note({"page_hidden": self._hidden})


def _typed(event: Event) -> list[Press]:
    """Return the presses that type a text."""
    return [
        Press(event.time_s, NEW_LINE if character == "\n" else character) for character in event.key
    ]
