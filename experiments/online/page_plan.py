"""What the page is told to show: a stage's screens until the participant has to answer."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from experiments.online.drawn import DrawnCanvas
from experiments.runner.comment import CONFIRM, Comment
from experiments.runner.layout import Screen
from experiments.runner.pages import GAP, Page, Panel
from experiments.runner.phases import ENDED, LEAVING, OVERLAYS, Stage
from experiments.runner.session import Session
from experiments.runner.slider import JUMPS, UNRATED, Slider
from experiments.runner.trial import Trial
from experiments.screens.trials import TrialScreens
from unitscope.row_types import TrialRow

Shown = dict[str, Any]
"""One screen as plain data: its phase, kind and content, and how long it lasts (None: until the
participant does something)."""


class Planner:
    """Plans the stages of a session.

    Parameters
    ----------
    session
        An open session.
    screen
        What the participant's page measures.
    frame_s
        Nominal duration of a frame there, in seconds.

    Raises
    ------
    BadInput
        If the layout is too large for the screen.
    """

    def __init__(self, session: Session, screen: Screen, frame_s: float) -> None:
        self._session = session
        self._frame_s = frame_s
        self._canvas = DrawnCanvas()
        self._trials = TrialScreens(
            self._canvas,
            session.design,
            session.texts,
            screen,
            session.rows,
            session.stimuli.file,
        )

    @property
    def scale(self) -> float:
        """Size of the layout, as a share of the designed one."""
        return self._trials.scale

    def load(self, stage: Stage) -> list[Path]:
        """Prepare a stage before its first plan; returns the files of its images."""
        file = self._session.stimuli.file
        if isinstance(stage, Trial):
            self._trials.load(stage)
            return self.images_of(stage.row)
        return [file(image) for panel in self._panels(stage) for image in panel.images]

    def images_of(self, row: TrialRow) -> list[Path]:
        """Return the files of a trial's images, in the order of their numbers on the page."""
        cells = cast(dict[str, str], row)
        return [self._session.stimuli.file(cells[name]) for name in self._trials.names(row)]

    def coming(self, stage: Stage, phase: str, now_s: float) -> list[Shown]:
        """Return the screens that follow if nothing is pressed, to the first that waits.

        They are those of a copy of the stage on a clock of its own, so that only the stage knows
        what follows what. What an answer reveals comes after the answer.

        Parameters
        ----------
        stage
            As it stands.
        phase
            What it shows at the next flip.
        now_s
            The time of that flip.
        """
        if not isinstance(stage, Trial) or phase in OVERLAYS:
            return [self._standing(stage, phase)]
        # The design is the same for all trials; a copy of it would take longer than all the rest.
        ahead = copy.deepcopy(stage, {id(self._session.design): self._session.design})
        screens: list[Shown] = []
        while phase not in ENDED:
            lasts_s = ahead.lasts_s
            screens.append(self._drawn(phase, ahead, lasts_s))
            if phase in ahead.answering or lasts_s is None:
                break
            ahead.flipped(now_s)
            now_s += lasts_s
            phase = ahead.step(now_s, [])
        return screens

    def _drawn(self, phase: str, trial: Trial, lasts_s: float | None) -> Shown:
        self._trials.draw(phase, trial)
        return {
            "phase": phase,
            "kind": "drawn",
            "lasts_s": lasts_s,
            "elements": self._canvas.taken(),
        }

    def _standing(self, stage: Stage, phase: str) -> Shown:
        content: dict[str, Any]
        if phase in OVERLAYS:
            kind, content = "page", self._overlay(phase)
        elif isinstance(stage, Page):
            kind, content = "page", self._page(stage)
        elif isinstance(stage, Slider):
            kind, content = "slider", self._slider(stage)
        else:
            assert isinstance(stage, Comment)
            kind, content = "comment", self._comment(stage)
        return {"phase": phase, "kind": kind, "lasts_s": None, **content}

    def _overlay(self, phase: str) -> dict[str, Any]:
        texts, keys = self._session.texts, self._session.design.keys
        forward = texts.key(keys.forward)
        if phase == LEAVING:
            words = texts.leave.format(confirm=texts.key(keys.confirm_leave), stay=forward)
            buttons = [[keys.confirm_leave, texts.key(keys.confirm_leave)], [keys.forward, forward]]
        else:
            words, buttons = texts.paused.format(key=forward), [[keys.forward, forward]]
        return {"heading": "", "body": words, "buttons": buttons, "panels": []}

    def _page(self, page: Page) -> dict[str, Any]:
        content, texts = page.content, self._session.texts
        # The hint says which key does what, which is what a button of that key says too.
        buttons = [
            [key, words]
            for words in content.hint.split(GAP)
            for key in page.turns
            if words.startswith(f"{texts.key(key)}:")
        ]
        return {
            "name": content.name,
            "heading": content.heading,
            "body": content.body,
            "hint": "" if buttons else content.hint,
            "buttons": buttons,
            "panels": _plain(content.panels),
        }

    def _slider(self, slider: Slider) -> dict[str, Any]:
        texts, design = self._session.texts, self._session.design
        both = design.ratings is not None and design.ratings.kind == "both"
        forward = design.keys.forward
        *hints, confirm = texts.rating_rated.format(key=texts.key(forward)).split(GAP)
        is_rated = slider.phase != UNRATED
        return {
            "question": texts.rating_question_both if both else texts.rating_question,
            "ends": [texts.rating_lowest, texts.rating_highest],
            "jumps": list(JUMPS.items()),
            "value": slider.value,
            "hint": GAP.join(hints) if is_rated else texts.rating_unrated,
            "buttons": [[forward, confirm]] if is_rated else [],
            "panels": _plain(self._panels(slider)),
        }

    def _comment(self, comment: Comment) -> dict[str, Any]:
        texts = self._session.texts
        asks = comment.name != "comment"
        confirm, *hints = texts.comment_hint.split(GAP)
        return {
            "question": texts.page(comment.name) if asks else texts.comment_question,
            "hint": GAP.join(hints),
            "buttons": [[CONFIRM, confirm]],
        }

    def _panels(self, stage: Stage) -> Sequence[Panel]:
        if isinstance(stage, Page):
            return stage.content.panels
        return stage.panels(self._session.texts) if isinstance(stage, Slider) else ()


def _plain(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Return panels with their images as numbers, counted through all of them."""
    found, first = [], 0
    for panel in panels:
        found.append(
            {
                "title": panel.title,
                "columns": panel.columns,
                "images": list(range(first, first + len(panel.images))),
                "correct": panel.correct,
            }
        )
        first += len(panel.images)
    return found
