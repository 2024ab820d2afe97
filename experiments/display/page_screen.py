"""The screens of pages, of the pause, and of the question whether to end the session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conditions.design.design import Design
from experiments.display.drawing import CORRECT, ImageGroup, Parts, check_mark, draw, frame, text
from experiments.runner.layout import Box
from experiments.runner.page_layout import TITLE, PlacedPanel, page_boxes, place_panels
from experiments.runner.pages import Page, PageText, Panel
from experiments.runner.phases import LEAVING, PAUSED
from unitscope.texts import Texts


class PageScreen:
    """Draws pages, the pause, and the question whether to end the session.

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
        hint = text(self._win, content.hint, boxes.hint, self._text_px)
        if not content.panels:
            self._parts = [*self._stacked(content, boxes.whole), hint]
            return
        words = self._stacked(content, boxes.upper, at_top=True)
        bottom = min(float(part.pos[1] - part.boundingBox[1] / 2) for part in words)
        self._parts = [*words, hint]
        for placed in place_panels(content.panels, boxes.below(bottom), self._text_px):
            self._parts += panel_parts(self._win, placed, self._text_px, self._file)

    def draw(self, phase: str, page: Page | None = None) -> None:
        """Draw the loaded page, or an overlay."""
        draw(self._overlays.get(phase, self._parts))

    def _stacked(self, content: PageText, box: Box, *, at_top: bool = False) -> Parts:
        """Return heading and text one below the other, centred in a box or at its top."""
        space = 1.2 * self._text_px
        heading = [self._words(content.heading, box, bold=True)] if content.heading else []
        taken = sum(part.boundingBox[1] + space for part in heading)
        room = Box(box.x, box.y, box.width, round(box.height - taken))
        parts = [*heading, *([self._words(content.body, room)] if content.body else [])]
        heights = [float(part.boundingBox[1]) for part in parts]
        whole = sum(heights) + space * (len(parts) - 1)
        top = box.top if at_top else box.y + whole / 2
        for part, height in zip(parts, heights, strict=True):
            part.pos = (box.x, top - height / 2)
            top -= height + space
        return parts

    def _words(self, words: str, box: Box, **settings: Any) -> Any:
        return text(self._win, words, box, self._text_px, alignText="left", **settings)


def panel_parts(win: Any, placed: PlacedPanel, text_px: int, file: Callable[[str], Path]) -> Parts:
    """Return what draws a panel: its images, its title, and the mark of the correct answer."""
    panel: Panel = placed.panel
    places = {str(i): box for i, box in enumerate(placed.images)}
    images = ImageGroup(win, places, file)
    images.load({str(i): image for i, image in enumerate(panel.images)})
    parts: Parts = [images]
    if panel.title:
        parts.append(text(win, panel.title, placed.title, TITLE * text_px, bold=True))
    if panel.correct is not None:
        box, size = placed.images[panel.correct], 1.4 * text_px
        parts.append(frame(win, box, max(4, text_px // 4), CORRECT))
        parts += check_mark(win, box.right - 0.8 * size, box.top - 0.8 * size, size)
    return parts
