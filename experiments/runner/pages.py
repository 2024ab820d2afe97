"""A page of text that stays until a key is pressed."""

from __future__ import annotations

from dataclasses import dataclass

from conditions.design import Keys
from experiments.runner.phases import DONE, LEAVING, Interruption
from experiments.runner.responses import Press

PAGE = "page"


@dataclass(frozen=True)
class PageText:
    """What a page says.

    Parameters
    ----------
    name
        Which page it is: welcome, part, break, resumed or end.
    text
        Paragraphs in the participant's language.
    hint
        Which key goes on.
    """

    name: str
    text: str
    hint: str


class Page:
    """Show a page until the forward key; the leave key asks whether to end the session.

    Parameters
    ----------
    content
        What it says.
    keys
        The design's keys.
    """

    def __init__(self, content: PageText, keys: Keys) -> None:
        self.content = content
        self.wanted: str | None = None
        self.onset_s: float | None = None
        self._keys = keys
        self._interruption = Interruption(keys)

    def step(self, now_s: float, presses: list[Press]) -> str:
        """Return ``page``, ``leaving``, ``left`` or ``done``."""
        if self._interruption.phase:
            phase = self._interruption.step(now_s, presses)
            return phase or PAGE
        for press in presses:
            if self.onset_s is None or press.time_s < self.onset_s:
                continue
            if press.key == self._keys.leave:
                return self._interruption.begin(LEAVING, now_s)
            if press.key == self._keys.forward:
                return DONE
        return PAGE

    def flipped(self, flip_s: float) -> None:
        """Take note of the first flip; presses before it do not count."""
        if self.onset_s is None:
            self.onset_s = flip_s
