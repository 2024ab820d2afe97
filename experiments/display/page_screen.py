"""What pages, the pause and the question whether to end look like."""

from __future__ import annotations

from typing import Any

from conditions.design import Design
from conditions.texts import Texts
from experiments.display.drawing import text
from experiments.runner.layout import Box
from experiments.runner.pages import PAGE, PageText
from experiments.runner.phases import LEAVING, PAUSED


class PageScreen:
    """Draws pages, the pause and the question whether to end.

    Parameters
    ----------
    win
        The window.
    design, texts
        Keys and words.
    text_px
        Height of letters.
    """

    def __init__(self, win: Any, design: Design, texts: Texts, text_px: int) -> None:
        self._win = win
        self._text_px = text_px
        keys = design.keys
        self._overlays = {
            PAUSED: texts.paused.format(key=texts.key(keys.forward)),
            LEAVING: texts.leave.format(
                confirm=texts.key(keys.confirm_leave), stay=texts.key(keys.forward)
            ),
        }
        width, height = (int(n) for n in win.size)
        self._room = Box(0, 0, min(int(0.86 * width), 38 * text_px), int(0.74 * height))
        hint = Box(0, round(-0.43 * height), width, 2 * text_px)
        self._body = text(win, "", self._room, text_px, alignText="left", anchorHoriz="center")
        self._hint = text(win, "", hint, text_px)
        self._loaded: object = None

    def draw(self, phase: str, content: PageText | None = None) -> None:
        """Draw a page or an overlay."""
        loaded = (phase, content)
        if loaded != self._loaded:
            self._loaded = loaded
            over = phase != PAGE or content is None
            self._fit(self._overlays[phase] if over else content.text)  # type: ignore[union-attr]
            self._hint.text = "" if over else content.hint  # type: ignore[union-attr]
        self._body.draw()
        self._hint.draw()

    def _fit(self, words: str) -> None:
        """Set a page's text, smaller where it would not fit."""
        self._body.height = self._text_px
        self._body.text = words
        while self._body.boundingBox[1] > self._room.height and self._body.height > 10:
            self._body.height *= 0.92
