"""A page of text, with or without images, that stays until a key is pressed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from conditions.design.keys import Keys
from experiments.runner.responses import Press
from experiments.runner.standing import Standing

PAGE = "page"

FORWARD, BACK, AGREE, DECLINE = "forward", "back", "agree", "decline"
READ_AGAIN = "read_again"
"""What a key can do on a page."""


def consent_keys(keys: Keys) -> dict[str, str]:
    """Return what the keys do on the page that asks for consent."""
    return {keys.agree: AGREE, keys.decline: DECLINE}


BACK_KEY, ON_KEY = "left", "right"
"""Keys that turn between pages, and between the screens of a page."""

GAP = " " * 10
"""Between the keys of a hint."""

TURNED_BACK = 0.15
"""How often a simulated participant looks at the page before once more."""


@dataclass(frozen=True)
class Panel:
    """Images in rows, with a title.

    Parameters
    ----------
    title
        Stands above them.
    images
        Names relative to the stimulus set, row by row.
    columns
        Images in a row.
    correct
        Place of the correct answer, which is marked.
    """

    title: str
    images: tuple[str, ...]
    columns: int
    correct: int | None = None


@dataclass(frozen=True)
class PageText:
    """What a page says.

    Parameters
    ----------
    name
        Which page it is, such as welcome, part or break.
    text
        Paragraphs in the participant's language; a first line after ``#`` is a heading.
    hint
        Which key does what.
    panels
        Images below the text, from left to right.
    """

    name: str
    text: str
    hint: str
    panels: tuple[Panel, ...] = ()

    @property
    def words(self) -> str:
        """Everything that can be read."""
        return f"{self.text}\n\n{self.hint}"

    @property
    def heading(self) -> str:
        """The heading; empty where there is none."""
        first, _, _ = self.text.partition("\n")
        return first.removeprefix("# ") if first.startswith("# ") else ""

    @property
    def body(self) -> str:
        """The text without its heading."""
        return self.text.partition("\n")[2].strip() if self.heading else self.text


class Page(Standing):
    """Show a page until one of its keys.

    A text that is too long for a screen goes on to further ones, between which the participant
    turns; the keys of the page count on its last screen.

    Parameters
    ----------
    content
        What it says.
    keys
        The design's keys.
    turns
        Key to what it does, the usual one first; the forward key alone if None.
    """

    kind = "page"

    def __init__(
        self, content: PageText, keys: Keys, turns: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(content.name, keys)
        self.content = content
        self.turned: str | None = None
        self.screen, self.screens = 0, 1
        self._screen_s: float | None = None
        self.turns = dict(turns or {keys.forward: FORWARD})

    @property
    def phase(self) -> str:
        """``page``, and with its number every further screen."""
        return f"{PAGE}_{self.screen + 1}" if self.screen else PAGE

    @property
    def is_last(self) -> bool:
        """Whether nothing follows on a further screen."""
        return self.screen == self.screens - 1

    def flipped(self, flip_s: float) -> None:
        """Record the first flip of the page, and of the screen."""
        super().flipped(flip_s)
        if self._screen_s is None:
            self._screen_s = flip_s

    def _take(self, press: Press) -> bool:
        if self._screen_s is None or press.time_s < self._screen_s:
            return False
        if not self.is_last and press.key in (self._keys.forward, ON_KEY):
            self._turn(1)
        elif self.screen and press.key == BACK_KEY:
            self._turn(-1)
        elif self.is_last or press.key == BACK_KEY:
            self.turned = self.turns.get(press.key)
        return self.turned is not None

    def _turn(self, screens: int) -> None:
        self.screen += screens
        self._screen_s = None

    def simulate(self, phase: str, rng: np.random.Generator) -> list[Press]:
        """Return the press of somebody who reads on, or now and then back."""
        if phase != self.phase:
            return []
        if not self.is_last:
            return [Press(0.5, self._keys.forward)]
        by_turn = {turn: key for key, turn in reversed(self.turns.items())}
        usual = next(iter(self.turns))
        back = BACK in by_turn and rng.random() < TURNED_BACK
        return [Press(0.5, by_turn[BACK] if back else usual)]
