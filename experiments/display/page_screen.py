"""What pages, the pause and the question whether to end look like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conditions.design import Design
from conditions.texts import Texts
from experiments.display.drawing import RIGHT, Parts, check_mark, draw, frame, text
from experiments.display.pictures import Pictures
from experiments.runner.layout import Box
from experiments.runner.page_layout import PlacedPanel, page_boxes, place_panels
from experiments.runner.pages import Page, Panel
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
    file
        Turns an image name into its file.
    """

    def __init__(
        self, win: Any, design: Design, texts: Texts, text_px: int, file: Callable[[str], Path]
    ) -> None:
        self._win = win
        self._text_px = text_px
        self._file = file
        keys = design.keys
        overlays = {
            PAUSED: texts.paused.format(key=texts.key(keys.forward)),
            LEAVING: texts.leave.format(
                confirm=texts.key(keys.confirm_leave), stay=texts.key(keys.forward)
            ),
        }
        self._boxes = page_boxes(int(win.size[0]), int(win.size[1]), text_px)
        self._overlays = {
            phase: [self._words(words, self._boxes.whole)] for phase, words in overlays.items()
        }
        self._parts: Parts = []

    def load(self, page: Page) -> None:
        """Prepare a page before its first frame."""
        content, boxes = page.content, self._boxes
        body = self._words(content.text, boxes.upper if content.panels else boxes.whole)
        self._parts = [body, text(self._win, content.hint, boxes.hint, self._text_px)]
        if content.panels:
            height = float(body.boundingBox[1])
            body.pos = (boxes.upper.x, boxes.upper.top - height / 2)
            lower = boxes.below(height)
            for placed in place_panels(content.panels, lower, self._text_px):
                self._parts += self._panel(placed)

    def draw(self, phase: str, page: Page | None = None) -> None:
        """Draw the page that was loaded, or an overlay."""
        draw(self._overlays.get(phase, self._parts))

    def _words(self, words: str, box: Box) -> Any:
        return text(self._win, words, box, self._text_px, alignText="left", anchorHoriz="center")

    def _panel(self, placed: PlacedPanel) -> Parts:
        panel: Panel = placed.panel
        places = {str(i): box for i, box in enumerate(placed.images)}
        pictures = Pictures(self._win, places, self._file)
        pictures.load({str(i): image for i, image in enumerate(panel.images)})
        parts: Parts = [pictures]
        if panel.title:
            parts.append(text(self._win, panel.title, placed.title, self._text_px, bold=True))
        if panel.right is not None:
            box, size = placed.images[panel.right], 1.4 * self._text_px
            parts.append(frame(self._win, box, max(4, self._text_px // 4), RIGHT))
            parts += check_mark(self._win, box.right - 0.8 * size, box.top - 0.8 * size, size)
        return parts
