"""A free text, a comment or an answer, typed with whatever keyboard layout the participant has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from conditions.design.keys import Keys, key_name
from experiments.runner.responses import Press
from experiments.runner.standing import Standing

TYPING = "typing"

BACKSPACE, NEW_LINE, CONFIRM = "backspace", "return", "f10"

LONGEST = 1000
"""Characters that a comment may have."""


class Comment(Standing):
    """Take what is typed until it is confirmed; it may stay empty.

    Its presses come from text events, so that every layout works: the ``key`` of a press is the
    character that was typed, or ``backspace``, ``return``, ``f10`` or the leave key.

    Parameters
    ----------
    keys
        The design's keys.
    name
        ``comment``, or the question's text such as ``question_strategy``.
    """

    kind = "comment"
    phase = TYPING

    def __init__(self, keys: Keys, name: str = "comment") -> None:
        super().__init__(name, keys)
        self.text = ""

    def step(self, now_s: float, presses: list[Press]) -> str:
        """Return ``typing``, ``leaving``, ``left`` or ``done``."""
        if self._interruption.phase:
            presses = [_as_key(press) for press in presses]
        return super().step(now_s, presses)

    def _take(self, press: Press) -> bool:
        if press.key == BACKSPACE:
            self.text = self.text[:-1]
        elif press.key == NEW_LINE:
            self._add("\n")
        elif len(press.key) == 1 and press.key.isprintable():
            self._add(press.key)
        return press.key == CONFIRM

    def _add(self, character: str) -> None:
        if len(self.text) < LONGEST:
            self.text += character

    def simulate(self, phase: str, rng: np.random.Generator) -> list[Press]:
        """Return the presses of somebody who types a short word, or nothing, and confirms."""
        if phase != TYPING:
            return []
        keys = [*rng.choice(["", "fun", "hard"]), CONFIRM]
        return [Press(0.5 + 0.1 * i, key) for i, key in enumerate(keys)]


def _as_key(press: Press) -> Press:
    """Return the press of the key that types a character, for the question whether to end."""
    return replace(press, key=key_name(press.key))
