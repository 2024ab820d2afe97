"""What each phase looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from psychopy import visual

from conditions.design import Design
from conditions.texts import Texts
from experiments.display.pictures import Pictures
from experiments.runner import two_afc
from experiments.runner.layout import Box, Placement
from experiments.runner.pages import PAGE, PageText
from experiments.runner.phases import LEAVING, PAUSED
from experiments.runner.two_afc import TwoAFCTrial

INK = (-0.92, -0.92, -0.92)
PAPER = (0.9, 0.9, 0.9)
FAINT = (-0.35, -0.35, -0.35)
RIGHT = (-1.0, 0.35, -0.25)
FONT = "Noto Sans"


def _text(win: Any, text: str, box: Box, height_px: float, **settings: Any) -> Any:
    return visual.TextStim(
        win,
        text=text,
        font=FONT,
        units="pix",
        pos=(box.x, box.y),
        height=height_px,
        wrapWidth=box.width,
        color=settings.pop("color", INK),
        autoLog=False,
        **settings,
    )


def _frame(win: Any, box: Box, width_px: float, color: tuple[float, float, float]) -> Any:
    """Return a frame whose inner edge is the box's edge."""
    return visual.Rect(
        win,
        units="pix",
        pos=(box.x, box.y),
        width=box.width + width_px,
        height=box.height + width_px,
        lineColor=color,
        fillColor=None,
        lineWidth=width_px,
        autoLog=False,
    )


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
        hint = Box(0, round(-0.43 * height), width, text_px)
        self._body = _text(win, "", self._room, text_px, alignText="left", anchorHoriz="center")
        self._hint = _text(win, "", hint, text_px)
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

    def _fit(self, text: str) -> None:
        """Set a page's text, smaller where it would not fit."""
        self._body.height = self._text_px
        self._body.text = text
        while self._body.boundingBox[1] > self._room.height and self._body.height > 10:
            self._body.height *= 0.92


class TwoAFCScreen:
    """Draws the phases of a 2AFC trial.

    Parameters
    ----------
    win
        The window.
    design, texts
        Keys and words.
    placement
        Where everything stands.
    file
        Turns an image name of the table into its file.
    block_sizes
        Trials of each block, for the progress bar.
    """

    def __init__(
        self,
        win: Any,
        design: Design,
        texts: Texts,
        placement: Placement,
        file: Callable[[str], Path],
        block_sizes: Mapping[int, int],
    ) -> None:
        self._win = win
        self._placement = placement
        self._block_sizes = block_sizes
        places = {f"query_{c}": box for c, box in placement.queries.items()} | placement.references
        self.pictures = Pictures(win, places, file)
        text_px = placement.text_px
        self._line_px = max(3, round(text_px / 4))
        arm = round(0.8 * text_px)
        self._cross = [
            visual.Rect(win, units="pix", width=w, height=h, fillColor=INK, lineColor=None)
            for w, h in ((arm, arm // 6 + 1), (arm // 6 + 1, arm))
        ]
        self._titles = [
            _text(win, getattr(texts, f"title_{pole}"), box, text_px, bold=True)
            for pole, box in placement.titles.items()
        ]
        self._middle = {
            name: _text(
                win, getattr(texts, name), placement.question, text_px, bold=name != "question"
            )
            for name in ("question", "right", "wrong", "timed_out")
        }
        self._legends = {
            choice: list(self._legend(design, texts, choice)) for choice in placement.queries
        }
        self._frames = {
            (choice, color): _frame(win, box, self._line_px, color)
            for choice, box in placement.queries.items()
            for color in (INK, RIGHT)
        }
        self._marks = {c: self._check_mark(box) for c, box in placement.queries.items()}
        bar = placement.progress
        self._bar = [
            visual.Rect(
                win,
                units="pix",
                pos=(bar.left, bar.y),
                anchor="center-left",
                width=bar.width,
                height=bar.height,
                fillColor=color,
                lineColor=None,
            )
            for color in (FAINT, PAPER)
        ]

    def load(self, trial: TwoAFCTrial) -> None:
        """Load the trial's images."""
        self.pictures.load(trial.row)
        done = int(trial.row["trial_in_block"]) - 1
        share = done / self._block_sizes[int(trial.row["block_number"])]
        self._bar[1].width = round(share * self._placement.progress.width)

    def draw(self, phase: str, trial: TwoAFCTrial) -> None:
        """Draw one phase."""
        if phase == two_afc.FIXATION:
            for bar in self._cross:
                bar.draw()
        elif phase != two_afc.BLANK:
            self._draw_queries(phase, trial)

    def _draw_queries(self, phase: str, trial: TwoAFCTrial) -> None:
        self.pictures.draw()
        if any(name.startswith("reference") for name in self.pictures.shown):
            for title in self._titles:
                title.draw()
        for bar in self._bar:
            if bar.width:
                bar.draw()
        for legend in self._legends.values():
            for part in legend:
                part.draw()
        if phase == two_afc.FEEDBACK:
            outcome = "timed_out" if trial.timed_out else "right" if trial.correct else "wrong"
            self._middle[outcome].draw()
            correct = str(trial.row["correct_choice"])
            if trial.choice and trial.choice != correct:
                self._frames[trial.choice, INK].draw()
            self._frames[correct, RIGHT].draw()
            for part in self._marks[correct]:
                part.draw()
        else:
            self._middle["question"].draw()
            if trial.choice:
                self._frames[trial.choice, INK].draw()

    def _legend(self, design: Design, texts: Texts, choice: str) -> Any:
        """Yield the three keys of a query, the surest at the outer end, with their meaning."""
        box, text_px = self._placement.legends[choice], self._placement.text_px
        keys = list(getattr(design.keys, choice))
        words = [texts.unsure, texts.sure]
        if choice == "a":
            keys.reverse()
            words.reverse()
        pitch, cap = box.width / 3, 2 * text_px
        below = choice == "b" or design.layout.queries == "horizontal"
        cap_y, word_y = (text_px, -text_px * 0.9) if below else (-text_px, text_px * 0.9)
        for i, key in enumerate(keys):
            place = Box(round(box.x + (i - 1) * pitch), round(box.y + cap_y), cap, cap)
            yield visual.Rect(
                self._win,
                units="pix",
                pos=(place.x, place.y),
                width=cap,
                height=cap,
                fillColor=PAPER,
                lineColor=FAINT,
                lineWidth=2,
                autoLog=False,
            )
            yield _text(self._win, texts.key(key), place, text_px)
        for i, word in zip((-1, 1), words, strict=True):
            place = Box(
                round(box.x + i * pitch), round(box.y + word_y), round(1.5 * pitch), text_px
            )
            yield _text(self._win, word, place, 0.8 * text_px, color=INK)

    def _check_mark(self, box: Box) -> list[Any]:
        """Return a check mark on a disc, drawn, as the font has none."""
        size = 1.4 * self._placement.text_px
        x, y = box.right - 0.8 * size, box.top - 0.8 * size
        stroke = [(-0.26, -0.02), (-0.08, -0.2), (0.28, 0.2)]
        return [
            visual.Circle(
                self._win,
                units="pix",
                pos=(x, y),
                radius=size / 2,
                fillColor=RIGHT,
                lineColor=PAPER,
                lineWidth=2,
                autoLog=False,
            ),
            visual.ShapeStim(
                self._win,
                units="pix",
                pos=(x, y),
                vertices=[(size * a, size * b) for a, b in stroke],
                closeShape=False,
                fillColor=None,
                lineColor=PAPER,
                lineWidth=max(3, size / 10),
                autoLog=False,
            ),
        ]
