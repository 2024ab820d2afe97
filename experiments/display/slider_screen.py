"""The screen of a rating: the images, the question, and a scale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conditions.design.design import Design
from experiments.display.drawing import WindowCanvas
from experiments.display.page_screen import panel_parts
from experiments.runner.layout import Box
from experiments.runner.page_layout import page_boxes, place_panels
from experiments.runner.slider import HIGHEST, JUMPS, UNRATED, Slider
from experiments.screens.canvas import FAINT, INK, PAPER, Parts, draw
from unitscope.texts import Texts


class SliderScreen:
    """Draws a rating.

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
        width, height = (int(n) for n in win.size)
        self._half_px = min(round(0.34 * width), 20 * text_px)
        self._scale_y = scale_y = round(-0.3 * height)
        canvas = self._canvas = WindowCanvas(win)
        self._texts, self._text_px, self._file = texts, text_px, file
        # From below the question to above the ends of the scale.
        top, bottom = round(0.37 * height), scale_y + 4 * text_px
        self._room = Box(0, (top + bottom) // 2, round(0.9 * width), top - bottom)
        self._images: Parts = []
        question = Box(0, round(0.41 * height), round(0.9 * width), 3 * text_px)
        both = design.ratings is not None and design.ratings.kind == "both"
        asked = texts.rating_question_both if both else texts.rating_question
        ends = (texts.rating_lowest, texts.rating_highest)
        self._fixed = [
            canvas.text(asked, question, text_px, bold=True),
            canvas.bar(Box(0, scale_y, 2 * self._half_px, max(2, text_px // 5)), INK),
        ]
        for digit, value in JUMPS.items():
            x, reach = self._x_of(value), text_px if value % HIGHEST == 0 else text_px // 2
            self._fixed += [
                canvas.line([(x, scale_y - reach // 2), (x, scale_y + reach // 2)], 3, INK),
                canvas.text(digit, Box(x, scale_y - round(1.5 * text_px), 60, 30), 0.8 * text_px),
            ]
        for words, sign in zip(ends, (-1, 1), strict=True):
            box = Box(sign * self._half_px, scale_y + 2 * text_px, 14 * text_px, 2 * text_px)
            self._fixed.append(canvas.text(words, box, text_px))
        hint = page_boxes(width, height, text_px).hint
        key = texts.key(design.keys.forward)
        self._hints = {
            True: canvas.text(texts.rating_unrated, hint, text_px),
            False: canvas.text(texts.rating_rated.format(key=key), hint, text_px),
        }
        marker = Box(0, scale_y, max(10, text_px // 2), 2 * text_px)
        self._marker = canvas.bar(marker, PAPER, FAINT)

    def load(self, slider: Slider) -> None:
        """Load the images to rate."""
        self._images = [
            part
            for placed in place_panels(slider.panels(self._texts), self._room, self._text_px)
            for part in panel_parts(self._canvas, placed, self._text_px, self._file)
        ]

    def draw(self, phase: str, slider: Slider) -> None:
        """Draw the images, the scale, and the marker once it is placed."""
        draw([*self._images, *self._fixed])
        if slider.value is not None:
            self._marker.pos = (self._x_of(slider.value), self._scale_y)
            self._marker.draw()
        self._hints[phase == UNRATED].draw()

    def _x_of(self, value: int) -> int:
        return round(value / HIGHEST * self._half_px)
