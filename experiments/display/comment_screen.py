"""The screen of a free text: the comment, or the answer to a question."""

from __future__ import annotations

from functools import cache
from typing import Any

from experiments.display.drawing import WindowCanvas
from experiments.runner.comment import LONGEST, Comment, wrap_lines
from experiments.runner.layout import Box
from experiments.runner.page_layout import page_boxes
from experiments.screens.canvas import FAINT, INK, PAPER, draw
from unitscope.texts import Texts


class CommentScreen:
    """Draws the question, the caret, and as many lines around it of what was typed as fit.

    Parameters
    ----------
    win
        The window.
    texts
        Words.
    text_px
        Height of letters.
    """

    def __init__(self, win: Any, texts: Texts, text_px: int) -> None:
        width, height = (int(n) for n in win.size)
        page = page_boxes(width, height, text_px)
        column = page.whole.width
        canvas = self._canvas = WindowCanvas(win)
        self._texts, self._text_px = texts, text_px
        self._question_box = Box(0, round(0.33 * height), column, round(0.22 * height))
        paper = Box(0, round(-0.07 * height), column, round(0.52 * height))
        self._inner = Box(paper.x, paper.y, paper.width - 2 * text_px, paper.height - text_px)
        below = Box(0, round(paper.bottom - 1.1 * text_px), column, round(1.5 * text_px))
        self._fixed = [
            canvas.bar(paper, PAPER, FAINT),
            canvas.text(texts.comment_hint, page.hint, text_px),
        ]
        self._full = canvas.text(texts.comment_full.format(most=LONGEST), below, text_px, bold=True)
        # Lines are broken here, and never once more by PsychoPy.
        wide = Box(paper.x, paper.y, 2 * width, paper.height)
        self._typed = canvas.text("", wide, text_px, side="left")
        one, two = (self._height_of(words) for words in ("x", "x\nx"))
        # There is a font once there was a text.
        font = self._typed._pygletTextObj.document.get_font(0)
        self._advance = cache(lambda c: float(font.get_glyphs(c)[0].advance))
        self._pitch, self._line_px = two - one, one
        self._rows = int((self._inner.height - one) // self._pitch) + 1
        self._caret = canvas.bar(Box(0, 0, max(2, text_px // 10), round(one)), INK)
        edge = round(self._inner.right + 0.6 * text_px)
        self._lane = Box(edge, paper.y, max(4, text_px // 4), self._inner.height)
        self._thumb = canvas.bar(self._lane, FAINT)
        self._question: Any = None
        self._first = 0
        self._shown: tuple[str, int] | None = None
        self._is_full = self._scrolls = False

    def load(self, comment: Comment) -> None:
        """Start with an empty text below the question."""
        asks = comment.name != "comment"
        words = self._texts.page(comment.name) if asks else self._texts.comment_question
        self._question = self._canvas.text(words, self._question_box, self._text_px, lines="left")
        self._first, self._shown = 0, None
        comment.wrap = lambda typed: wrap_lines(typed, self._inner.width, self._advance)

    def draw(self, phase: str, comment: Comment) -> None:
        """Draw the typed text."""
        if (comment.text, comment.caret) != self._shown:
            self._shown = comment.text, comment.caret
            self._show(comment)
        draw([self._question, *self._fixed, self._typed, self._caret])
        if self._scrolls:
            self._thumb.draw()
        if self._is_full:
            self._full.draw()

    def _show(self, comment: Comment) -> None:
        """Scroll until the caret's line is on the screen, and as little as that takes."""
        lines, (row, before) = comment.lines, comment.caret_place
        last_first = max(0, len(lines) - self._rows)
        self._first = min(self._first, row, last_first)
        self._first = max(self._first, row - self._rows + 1)
        seen = lines[self._first : self._first + self._rows]
        # An empty text, or one of empty lines alone, would have no height.
        self._typed.text = "\n".join(line.rstrip("\n") or " " for line in seen)
        top = self._inner.top
        self._typed.pos = (self._inner.left, top - self._height_of(self._typed.text) / 2)
        x = self._inner.left + sum(map(self._advance, lines[row][:before]))
        y = top - (row - self._first) * self._pitch - self._line_px / 2
        self._caret.pos = (min(x, self._inner.right), y)
        self._is_full, self._scrolls = comment.is_full, len(lines) > self._rows
        share = min(1.0, self._rows / len(lines))
        self._thumb.height = share * self._lane.height
        free = self._lane.height - self._thumb.height
        gone = self._first / last_first if last_first else 0
        y = self._lane.top - self._thumb.height / 2 - gone * free
        self._thumb.pos = (self._lane.x, y)

    def _height_of(self, words: str) -> float:
        self._typed.text = words
        return float(self._typed.boundingBox[1])
