"""The screen of a free text: the comment, or the answer to a question."""

from __future__ import annotations

from typing import Any

from experiments.display.drawing import FAINT, PAPER, bar, draw, text
from experiments.runner.comment import Comment
from experiments.runner.layout import Box
from experiments.runner.page_layout import page_boxes
from unitscope.texts import Texts

CARET = "|"


class CommentScreen:
    """Draws the question and the typed text; of a text that is too long, its end.

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
        self._win, self._texts, self._text_px = win, texts, text_px
        self._question_box = Box(0, round(0.33 * height), column, round(0.22 * height))
        paper = Box(0, round(-0.09 * height), column, round(0.56 * height))
        self._inner = Box(paper.x, paper.y, paper.width - 2 * text_px, paper.height - text_px)
        self._fixed = [
            bar(win, paper, PAPER, FAINT),
            text(win, texts.comment_hint, page.hint, text_px),
        ]
        self._typed = text(win, CARET, self._inner, text_px, alignText="left", anchorHoriz="left")
        self._question: Any = None
        self._shown: str | None = None

    def load(self, comment: Comment) -> None:
        """Start with an empty text below the question."""
        asks = comment.name != "comment"
        words = self._texts.page(comment.name) if asks else self._texts.comment_question
        self._question = text(self._win, words, self._question_box, self._text_px, alignText="left")
        self._shown = None

    def draw(self, phase: str, comment: Comment) -> None:
        """Draw the typed text."""
        if comment.text != self._shown:
            self._shown = comment.text
            self._show(comment.text + CARET)
        draw([self._question, *self._fixed, self._typed])

    def _show(self, words: str) -> None:
        self._typed.text = words
        while self._typed.boundingBox[1] > self._inner.height:
            words = words[max(1, len(words) // 20) :]
            self._typed.text = words
        height = self._typed.boundingBox[1]
        self._typed.pos = (self._inner.left, self._inner.top - height / 2)
