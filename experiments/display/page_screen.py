"""The screens of pages, of the pause, and of the question whether to end the session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conditions.design.design import Design
from experiments.display.drawing import WindowCanvas
from experiments.runner.layout import Box
from experiments.runner.page_layout import (
    LEAST,
    TITLE,
    PlacedPanel,
    page_boxes,
    place_panels,
    split,
)
from experiments.runner.pages import BACK_KEY, GAP, Page, Panel
from experiments.runner.phases import LEAVING, PAUSED
from experiments.screens.canvas import CORRECT, Canvas, Parts, check_mark, draw
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
        self._canvas = WindowCanvas(win)
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
        self._turning = texts.go_on.format(key=texts.key(keys.forward))
        self._back = texts.go_back.format(key=texts.key(BACK_KEY))
        self._screens: list[Parts] = [[]]

    def load(self, page: Page) -> None:
        """Prepare a page before its first frame."""
        content, boxes = page.content, self._boxes
        self._screens = []
        if not content.panels:
            bodies = split(content.body, lambda body: self._fits(content.heading, body))
            page.screens = len(bodies)
            for number, body in enumerate(bodies, start=1):
                words = self._stacked(content.heading, body, boxes.whole)
                self._screens.append([*words, *self._hint(content.hint, number, len(bodies))])
            return
        words = self._stacked(content.heading, content.body, boxes.upper, at_top=True)
        bottom = min(float(part.pos[1] - part.boundingBox[1] / 2) for part in words)
        parts = [*words, *self._hint(content.hint, 1, 1)]
        for placed in place_panels(content.panels, boxes.below(bottom), self._text_px):
            parts += panel_parts(self._canvas, placed, self._text_px, self._file)
        self._screens.append(parts)

    def draw(self, phase: str, page: Page | None = None) -> None:
        """Draw the loaded page, or an overlay."""
        draw(self._overlays.get(phase) or self._screens[page.screen if page else 0])

    def _fits(self, heading: str, body: str) -> bool:
        """Return whether the letters of a text stay large on one screen."""
        words = self._stacked(heading, body, self._boxes.whole)
        return all(part.height >= LEAST * self._text_px for part in words)

    def _hint(self, words: str, number: int, screens: int) -> Parts:
        """Return which keys count on a screen of a page, and which screen it is."""
        if number < screens:
            words = GAP.join([self._back] * (number > 1) + [self._turning])
        elif number > 1:
            words = GAP.join([self._back] * (self._back not in words) + [words])
        box, size = self._boxes.hint, self._text_px
        hint = self._canvas.text(words, box, size)
        if screens == 1:
            return [hint]
        count = Box(box.x, round(box.top + 0.6 * size), box.width, round(1.5 * size))
        return [hint, self._canvas.text(f"{number} / {screens}", count, TITLE * size)]

    def _stacked(self, title: str, body: str, box: Box, *, at_top: bool = False) -> list[Any]:
        """Return heading and text one below the other, centred in a box or at its top."""
        space = 1.2 * self._text_px
        heading = [self._words(title, box, bold=True)] if title else []
        taken = sum(part.boundingBox[1] + space for part in heading)
        room = Box(box.x, box.y, box.width, round(box.height - taken))
        parts = [*heading, *([self._words(body, room)] if body else [])]
        heights = [float(part.boundingBox[1]) for part in parts]
        whole = sum(heights) + space * (len(parts) - 1)
        top = box.top if at_top else box.y + whole / 2
        for part, height in zip(parts, heights, strict=True):
            part.pos = (box.x, top - height / 2)
            top -= height + space
        return parts

    def _words(self, words: str, box: Box, **settings: Any) -> Any:
        return self._canvas.text(words, box, self._text_px, lines="left", **settings)


def panel_parts(
    canvas: Canvas, placed: PlacedPanel, text_px: int, file: Callable[[str], Path]
) -> Parts:
    """Return what draws a panel: its images, its title, and the mark of the correct answer."""
    panel: Panel = placed.panel
    places = {str(i): box for i, box in enumerate(placed.images)}
    images = canvas.images(places, file)
    images.load({str(i): image for i, image in enumerate(panel.images)})
    parts: Parts = [images]
    if panel.title:
        parts.append(canvas.text(panel.title, placed.title, TITLE * text_px, bold=True))
    if panel.correct is not None:
        box, size = placed.images[panel.correct], 1.4 * text_px
        parts.append(canvas.frame(box, max(4, text_px // 4), CORRECT))
        parts += check_mark(canvas, box.right - 0.8 * size, box.top - 0.8 * size, size)
    return parts
