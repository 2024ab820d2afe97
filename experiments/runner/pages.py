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

CONSENT_KEYS = {"1": AGREE, "2": DECLINE}

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
    phase = PAGE

    def __init__(
        self, content: PageText, keys: Keys, turns: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(content.name, keys)
        self.content = content
        self.turned: str | None = None
        self._turns = dict(turns or {keys.forward: FORWARD})

    def _take(self, press: Press) -> bool:
        self.turned = self._turns.get(press.key)
        return self.turned is not None

    def simulate(self, phase: str, rng: np.random.Generator) -> list[Press]:
        """Return the press of somebody who reads on, or now and then back."""
        if phase != PAGE:
            return []
        by_turn = {turn: key for key, turn in reversed(self._turns.items())}
        usual = next(iter(self._turns))
        back = BACK in by_turn and rng.random() < TURNED_BACK
        return [Press(0.5, by_turn[BACK] if back else usual)]
