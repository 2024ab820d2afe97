"""A free text, a comment or an answer, typed with whatever keyboard layout the participant has."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

import numpy as np

from conditions.design.keys import Keys
from experiments.runner.responses import Press
from experiments.runner.standing import Standing

TYPING = "typing"

BACKSPACE, DELETE, NEW_LINE, CONFIRM = "backspace", "delete", "return", "f10"
LEFT, RIGHT, UP, DOWN, HOME, END = "left", "right", "up", "down", "home", "end"
MOTIONS = (LEFT, RIGHT, UP, DOWN, HOME, END)
"""Keys that move the caret."""

LONGEST = 1000
"""Characters that a comment may have."""


class Comment(Standing):
    """Take what is typed until it is confirmed; it may stay empty.

    Its presses come from text events, so that every layout works: the ``key`` of a press is the
    character that was typed, one of ``MOTIONS``, or ``backspace``, ``delete``, ``return``, ``f10``
    or the leave key; while it is asked whether to end, they are keys as elsewhere.

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
        self.caret = 0
        self.wrap: Callable[[str], list[str]] = lambda text: wrap_lines(text, float("inf"))
        """Breaks the text into the lines of the screen, which knows how wide letters are."""

    @property
    def is_full(self) -> bool:
        """Whether no further character fits."""
        return len(self.text) >= LONGEST

    @property
    def lines(self) -> list[str]:
        """The lines on the screen; joined, they are the text."""
        return self.wrap(self.text)

    @property
    def caret_place(self) -> tuple[int, int]:
        """The line of the caret and the number of characters before it there, both from 0."""
        starts = self._starts()
        line = max(i for i, start in enumerate(starts) if start <= self.caret)
        return line, self.caret - starts[line]

    def _take(self, press: Press) -> bool:
        key = press.key
        if key == BACKSPACE:
            self._cut(self.caret - 1)
        elif key == DELETE:
            self._cut(self.caret)
        elif key in MOTIONS:
            self.caret = self._moved(key)
        elif key == NEW_LINE:
            self._add("\n")
        elif len(key) == 1 and key.isprintable():
            self._add(key)
        return key == CONFIRM

    def _add(self, character: str) -> None:
        if not self.is_full:
            self.text = self.text[: self.caret] + character + self.text[self.caret :]
            self.caret += 1

    def _cut(self, at: int) -> None:
        if 0 <= at < len(self.text):
            self.text = self.text[:at] + self.text[at + 1 :]
            self.caret = at

    def _moved(self, key: str) -> int:
        """Return where a key moves the caret; up and down keep the number of characters before."""
        if key in (LEFT, RIGHT):
            return min(len(self.text), max(0, self.caret + (1 if key == RIGHT else -1)))
        line, before = self.caret_place
        if key in (UP, DOWN):
            line += 1 if key == DOWN else -1
        else:
            before = 0 if key == HOME else len(self.text)
        lines, starts = self.lines, self._starts()
        if not 0 <= line < len(lines):
            return 0 if line < 0 else len(self.text)
        # The end of a line is before its line break, or before the space at which it was broken.
        last = len(lines[line]) - (line < len(lines) - 1)
        return starts[line] + min(before, last)

    def _starts(self) -> list[int]:
        """Return the number of the first character of each line."""
        return [0, *accumulate(map(len, self.lines[:-1]))]

    def simulate(self, phase: str, rng: np.random.Generator) -> list[Press]:
        """Return the presses of somebody who types a short word, or nothing, and confirms."""
        if phase != TYPING:
            return []
        keys = [*rng.choice(["", "fun", "hard"]), CONFIRM]
        return [Press(0.5 + 0.1 * i, key) for i, key in enumerate(keys)]


def wrap_lines(text: str, width: float, advance: Callable[[str], float] = len) -> list[str]:
    """Break a text into lines, after spaces where there are any.

    Parameters
    ----------
    text
        What is broken.
    width
        Of a line.
    advance
        Width of a character.

    Returns
    -------
    list of str
        At least one; joined, they are the text. A space at the end of a line may stand out.

    Examples
    --------
    >>> wrap_lines("see the fur", 8)
    ['see the ', 'fur']
    """
    lines, line, used, after_space = [], "", 0.0, 0
    for character in text:
        if character == "\n":
            lines.append(line + character)
            line, used, after_space = "", 0.0, 0
            continue
        if character != " " and line and used + advance(character) > width:
            cut = after_space or len(line)
            lines.append(line[:cut])
            line, after_space = line[cut:], 0
            used = sum(map(advance, line))
        line += character
        used += advance(character)
        if character == " ":
            after_space = len(line)
    return [*lines, line]
