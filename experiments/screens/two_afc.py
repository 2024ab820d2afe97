"""The trial screen of the two-alternative forced choice, and the base of that of occlusion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from conditions.design.design import Design
from experiments.runner.layout import SMALL, Box
from experiments.runner.trial import ANSWERED, CHOSEN, CONTINUE, Trial
from experiments.runner.two_afc import CONFIDENCE, ChoicePlacement, TwoAFCTrial, key_meanings
from experiments.screens.canvas import (
    CORRECT,
    INK,
    Canvas,
    Parts,
    check_mark,
    draw,
    key_cap,
)
from experiments.screens.trial_screen import TrialScreen
from unitscope.texts import Texts


class TwoAFCScreen(TrialScreen):
    """Draws queries, references, keys, the choice and the correct answer.

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
        placement: ChoicePlacement,
        file: Callable[[str], Path],
        block_sizes: Mapping[int, int],
    ) -> None:
        super().__init__(canvas, design, texts, placement, placement.progress, file, block_sizes)
        text_px = placement.text_px
        self._titles = {
            name: canvas.text(getattr(texts, f"title_{name}"), box, text_px, bold=True)
            for name, box in placement.titles.items()
        }
        self._question = canvas.text(texts.question, placement.question, text_px)
        room = placement.above if design.durations.self_paced else placement.question
        self._outcomes = {
            name: canvas.text(getattr(texts, name), room, text_px, bold=True)
            for name in ("right", "wrong", "timed_out")
        }
        labels = cap_labels(design, texts)
        caps = {
            action: key_cap(canvas, box, labels[action], text_px)
            for action, box in placement.caps.items()
            if action in labels
        }
        self._given = {
            action: key_cap(canvas, placement.caps[action], labels[action], text_px, given=True)
            for action in caps
        }
        self._sure: Parts = []
        self._legends: Parts = []
        for action, cap in caps.items():
            (self._sure if action.startswith(CONFIDENCE) else self._legends).extend(cap)
        if design.confidence == "two_step":
            self._sure += _confidence(canvas, texts, placement)
        else:
            self._legends += _ends(canvas, texts, placement)
        line_px = max(3, round(text_px / 4))
        self._frames = {
            (choice, color): canvas.frame(box, line_px, color)
            for choice, box in placement.queries.items()
            for color in (INK, CORRECT)
        }
        size = 1.4 * text_px
        self._marks = {
            choice: check_mark(canvas, box.right - 0.8 * size, box.top - 0.8 * size, size)
            for choice, box in placement.queries.items()
        }

    def _draw_around(self, phase: str, trial: Trial) -> None:
        assert isinstance(trial, TwoAFCTrial)
        for name, title in self._titles.items():
            if self._has_title(name):
                title.draw()
        draw(self._legends)
        asked_how_sure = phase == CONFIDENCE or (trial.two_step and phase == CHOSEN)
        is_feedback = trial.reveals(phase)
        if is_feedback:
            outcome = "timed_out" if trial.timed_out else "right" if trial.correct else "wrong"
            self._outcomes[outcome].draw()
        elif asked_how_sure:
            draw(self._sure)
        elif phase != CONTINUE:
            self._question.draw()
        for action in trial.given if phase != ANSWERED else ():
            if asked_how_sure or not action.startswith(CONFIDENCE):
                draw(self._given.get(action, []))
        correct = str(trial.row["correct_choice"])
        if trial.choice and phase != ANSWERED and not (is_feedback and trial.choice == correct):
            self._frames[trial.choice, INK].draw()
        if is_feedback:
            self._frames[correct, CORRECT].draw()
            draw(self._marks[correct])

    def _has_title(self, name: str) -> bool:
        """Return whether a title stands above something that this trial shows."""
        return any(shown.startswith("reference") for shown in self.images.shown)


def cap_labels(design: Design, texts: Texts) -> dict[str, str]:
    """Return what stands on each cap: its key, or its number where only clicks count.

    In two steps a click on the query itself is the choice, so that it has no cap.
    """
    actions = {action: key for key, action in key_meanings(design).items()}
    if design.input != "mouse":
        return {action: texts.key(key) for action, key in actions.items()}
    return {action: action.partition("_")[2] for action in actions if "_" in action}


def _ends(canvas: Canvas, texts: Texts, placement: ChoicePlacement) -> Parts:
    """Return the labels of the outer caps of each query."""
    text_px = placement.text_px
    parts: Parts = []
    for choice, box in placement.legends.items():
        least, most = placement.caps[f"{choice}_1"], placement.caps[f"{choice}_3"]
        y = round(box.y + (box.y - least.y) * 0.9)
        # Labels end at their legend's edges, so that those of neighbouring queries do not touch.
        for cap, word in ((least, texts.unsure), (most, texts.sure)):
            side, x = ("left", box.left) if cap.x < box.x else ("right", box.right)
            place = Box(round(x), y, box.width, 2 * text_px)
            label = canvas.text(word, place, SMALL * text_px, side=side)
            parts.append(label)
    return parts


def _confidence(canvas: Canvas, texts: Texts, placement: ChoicePlacement) -> Parts:
    """Return the question about confidence, and the labels beside its caps."""
    box, text_px = placement.question, placement.text_px
    parts: Parts = [canvas.text(texts.how_sure, placement.above, text_px)]
    y = placement.caps[f"{CONFIDENCE}_1"].y
    for sign, word in ((-1, texts.unsure), (1, texts.sure)):
        place = Box(box.x + sign * round(6.5 * text_px), y, 5 * text_px, 2 * text_px)
        parts.append(canvas.text(word, place, SMALL * text_px))
    return parts
