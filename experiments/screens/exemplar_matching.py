"""The trial screen of exemplar matching."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from conditions.design.design import Design
from experiments.runner.exemplar_matching import (
    CONFIRM,
    MATCHING,
    UNDO,
    ExemplarMatchingTrial,
    MatchingPlacement,
)
from experiments.runner.trial import CONTINUE, Trial
from experiments.screens.canvas import (
    CORRECT,
    FAINT,
    INK,
    PAPER,
    Canvas,
    Color,
    Part,
    Parts,
    button,
    check_mark,
    cross_mark,
    draw,
    key_cap,
)
from experiments.screens.trial_screen import TrialScreen
from unitscope.texts import Texts

PAIR_COLORS: tuple[Color, ...] = (
    (-1.0, -0.11, 0.4),
    (0.67, -0.26, -1.0),
    (-1.0, 0.1, -0.3),
    (0.6, -0.05, 0.31),
    (-0.6, -0.6, -0.6),
)
"""Colours of the slots, chosen for colour-blind participants; numbers tell the slots apart too."""


class ExemplarMatchingScreen(TrialScreen):
    """Draws both half rows, their numbers, the lines that pair them, and the correct pairs.

    Parameters
    ----------
    canvas, file, block_sizes
        See :class:`TrialScreen`.
    design, texts
        Keys and words.
    placement
        Where everything stands.
    """

    def __init__(
        self,
        canvas: Canvas,
        design: Design,
        texts: Texts,
        placement: MatchingPlacement,
        file: Callable[[str], Path],
        block_sizes: Mapping[int, int],
    ) -> None:
        super().__init__(canvas, design, texts, placement, placement.progress, file, block_sizes)
        self._canvas = canvas
        self._texts = texts
        self._placement = placement
        text_px = placement.text_px
        self._line_px = max(3, round(text_px / 4))
        slots = range(len(placement.slots))
        self._question = canvas.text(texts.question_matching, placement.question, text_px)
        self._slot_badges = [
            key_cap(canvas, placement.slot_badges[s], design.keys.numbers[s], text_px)
            for s in slots
        ]
        self._empty_badges = [canvas.bar(box, (0, 0, 0), FAINT) for box in placement.row_badges]
        self._selected = [canvas.frame(box, self._line_px, INK) for box in placement.rows]
        self._pairs = {(r, s): self._pair(r, s, PAIR_COLORS[s]) for r in slots for s in slots}
        self._wrong_lines = {
            (r, s): self._line(r, s, self._line_px / 3, INK) for r in slots for s in slots
        }
        self._correct_pairs = {(r, s): self._pair(r, s, CORRECT) for r in slots for s in slots}
        self._marks = [
            {
                correct: mark(canvas, box.x, box.top + 0.7 * text_px, 1.2 * text_px)
                for correct, mark in ((True, check_mark), (False, cross_mark))
            }
            for box in placement.row_badges
        ]
        self._outcomes: dict[str, Part] = {
            str(hits): self._result(texts.hits.format(hits=hits, rows=len(slots)))
            for hits in range(len(slots) + 1)
        } | {"timed_out": self._result(texts.timed_out)}
        keys = {UNDO: design.keys.undo, CONFIRM: design.keys.confirm}
        self._buttons = {
            (name, active): self._button(
                name, keys[name] if design.input != "mouse" else "", active
            )
            for name in keys
            for active in (True, False)
        }

    def _draw_around(self, phase: str, trial: Trial) -> None:
        assert isinstance(trial, ExemplarMatchingTrial)
        draw(self._empty_badges)
        for badge in self._slot_badges:
            draw(badge)
        if trial.reveals(phase):
            self._draw_feedback(trial)
            return
        if phase != CONTINUE:
            self._question.draw()
        for row, slot in trial.pairs.items():
            draw(self._pairs[row, slot])
        if phase == MATCHING:
            if trial.selected is not None:
                self._selected[trial.selected].draw()
            draw(self._buttons[UNDO, bool(trial.pairs)])
            draw(self._buttons[CONFIRM, trial.is_whole])

    def _draw_feedback(self, trial: ExemplarMatchingTrial) -> None:
        correct = trial.correct_pairs
        for row, slot in trial.pairs.items():
            if correct[row] != slot:
                self._wrong_lines[row, slot].draw()
        for row, slot in correct.items():
            draw(self._correct_pairs[row, slot])
            draw(self._marks[row][trial.pairs.get(row) == slot])
        self._outcomes["timed_out" if trial.timed_out else str(trial.hits)].draw()

    def _result(self, words: str) -> Part:
        return self._canvas.text(
            words, self._placement.question, self._placement.text_px, bold=True
        )

    def _pair(self, row: int, slot: int, color: Color) -> Parts:
        """Return the line from a row to a slot, and the slot's number at both ends."""
        text_px = self._placement.text_px
        parts: Parts = [self._line(row, slot, self._line_px, color)]
        for box in (self._placement.row_badges[row], self._placement.slot_badges[slot]):
            parts += [
                self._canvas.bar(box, color, PAPER),
                self._canvas.text(str(slot + 1), box, text_px, color=PAPER, bold=True),
            ]
        return parts

    def _line(self, row: int, slot: int, width_px: float, color: Color) -> Part:
        start, end = self._placement.row_badges[row], self._placement.slot_badges[slot]
        return self._canvas.line([(start.right, start.y), (end.left, end.y)], width_px, color)

    def _button(self, name: str, key: str, active: bool) -> Parts:
        words = getattr(self._texts, name)
        if key:
            words = f"{self._texts.key(key)}: {words}"
        box, text_px = self._placement.buttons[name], self._placement.text_px
        return button(self._canvas, box, words, text_px, active=active)
