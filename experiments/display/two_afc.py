"""The trial screen of the two-alternative forced choice, and the base of that of occlusion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from conditions.design.design import Design
from experiments.display.drawing import (
    CORRECT,
    INK,
    Parts,
    check_mark,
    draw,
    frame,
    key_cap,
    text,
)
from experiments.display.trial_screen import TrialScreen
from experiments.runner.layout import SMALL, Box
from experiments.runner.trial import ANSWERED, FEEDBACK, Trial
from experiments.runner.two_afc import CONFIDENCE, ChoicePlacement, TwoAFCTrial
from unitscope.texts import Texts


class TwoAFCScreen(TrialScreen):
    """Draws queries, references, keys, the choice and the correct answer.

    Parameters
    ----------
    win, file, block_sizes
        See :class:`TrialScreen`.
    design, texts
        Keys and words.
    placement
        Where everything stands.
    """

    def __init__(
        self,
        win: Any,
        design: Design,
        texts: Texts,
        placement: ChoicePlacement,
        file: Callable[[str], Path],
        block_sizes: Mapping[int, int],
    ) -> None:
        super().__init__(win, placement, placement.progress, file, block_sizes)
        text_px = placement.text_px
        self._titles = {
            name: text(win, getattr(texts, f"title_{name}"), box, text_px, bold=True)
            for name, box in placement.titles.items()
        }
        self._middle = {
            name: text(
                win, getattr(texts, name), placement.question, text_px, bold=name != "question"
            )
            for name in ("question", "right", "wrong", "timed_out")
        }
        two_step = design.confidence == "two_step"
        self._legends: Parts = []
        self._sure: Parts = []
        for choice, box in placement.legends.items():
            keys = list(getattr(design.keys, choice))
            above = choice == "a" and box.y > placement.queries[choice].y
            if two_step:
                self._legends += _key(win, texts, keys[0], box, text_px, above=above)
            else:
                # The outer keys mean the most confident answers.
                order = reversed(keys) if choice == "a" else keys
                words = (texts.unsure, texts.sure)
                ends = words[::-1] if choice == "a" else words
                self._legends += _scale(win, texts, list(order), ends, box, text_px, above=above)
        if two_step:
            self._sure = _confidence(win, design, texts, placement.question, text_px)
        line_px = max(3, round(text_px / 4))
        self._frames = {
            (choice, color): frame(win, box, line_px, color)
            for choice, box in placement.queries.items()
            for color in (INK, CORRECT)
        }
        size = 1.4 * text_px
        self._marks = {
            choice: check_mark(win, box.right - 0.8 * size, box.top - 0.8 * size, size)
            for choice, box in placement.queries.items()
        }

    def _draw_around(self, phase: str, trial: Trial) -> None:
        assert isinstance(trial, TwoAFCTrial)
        for name, title in self._titles.items():
            if self._has_title(name):
                title.draw()
        draw(self._legends)
        if phase == FEEDBACK:
            outcome = "timed_out" if trial.timed_out else "right" if trial.correct else "wrong"
            self._middle[outcome].draw()
        elif phase == CONFIDENCE:
            draw(self._sure)
        else:
            self._middle["question"].draw()
        correct = str(trial.row["correct_choice"])
        is_feedback = phase == FEEDBACK
        if trial.choice and phase != ANSWERED and not (is_feedback and trial.choice == correct):
            self._frames[trial.choice, INK].draw()
        if is_feedback:
            self._frames[correct, CORRECT].draw()
            draw(self._marks[correct])

    def _has_title(self, name: str) -> bool:
        """Return whether a title stands above something that this trial shows."""
        return any(shown.startswith("reference") for shown in self.images.shown)


def _key(win: Any, texts: Texts, key: str, box: Box, text_px: int, *, above: bool) -> Parts:
    """Return one key, at the end of the box that is nearer to the query."""
    y = box.y + (-text_px if above else text_px)
    return key_cap(win, Box(box.x, y, 2 * text_px, 2 * text_px), texts.key(key), text_px)


def _scale(
    win: Any,
    texts: Texts,
    keys: list[str],
    ends: tuple[str, ...],
    box: Box,
    text_px: int,
    *,
    above: bool,
) -> Parts:
    """Return three keys in a row, and labels of the outer ones."""
    pitch = box.width / 3
    cap_y, word_y = (-text_px, text_px * 0.9) if above else (text_px, -text_px * 0.9)
    parts: Parts = []
    for i, key in enumerate(keys):
        place = Box(round(box.x + (i - 1) * pitch), round(box.y + cap_y), 2 * text_px, 2 * text_px)
        parts += key_cap(win, place, texts.key(key), text_px)
    # Labels end at their query's edges, so that those of neighbouring queries do not touch.
    for sign, word, side in ((-1, ends[0], "left"), (1, ends[1], "right")):
        x, y = round(box.x + sign * box.width / 2), round(box.y + word_y)
        place = Box(x, y, box.width, 2 * text_px)
        parts.append(text(win, word, place, SMALL * text_px, anchorHoriz=side, alignText=side))
    return parts


def _confidence(win: Any, design: Design, texts: Texts, box: Box, text_px: int) -> Parts:
    """Return the question about confidence, and its keys in a line below."""
    question = Box(box.x, box.y + round(1.3 * text_px), box.width, 2 * text_px)
    parts: Parts = [text(win, texts.how_sure, question, text_px)]
    y = box.y - round(0.9 * text_px)
    for i, key in enumerate(design.keys.confidence):
        place = Box(box.x + (i - 1) * 3 * text_px, y, 2 * text_px, 2 * text_px)
        parts += key_cap(win, place, texts.key(key), text_px)
    for sign, word in ((-1, texts.unsure), (1, texts.sure)):
        place = Box(box.x + sign * round(6.5 * text_px), y, 5 * text_px, 2 * text_px)
        parts.append(text(win, word, place, SMALL * text_px))
    return parts
