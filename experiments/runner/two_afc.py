"""The two-alternative forced choice: its trial as a state machine, and where everything stands."""

from __future__ import annotations

import math
from dataclasses import dataclass

from conditions.design.design import Design
from conditions.design.presentation import Layout
from experiments.runner.answers import Answer, Choice
from experiments.runner.layout import Box, Measures, Placement, grid
from experiments.runner.responses import Press
from experiments.runner.trial import CONTINUE, Trial
from unitscope.row_types import AnswerCells, TrialRow
from unitscope.vocabulary import CHOICES, CONFIDENCES

QUERIES = "queries"
CONFIDENCE = "confidence"

CONFIDENCE_S = 0.4
"""Time that a simulated or machine observer takes from the choice to the confidence."""


class TwoAFCTrial(Trial):
    """One trial: which of two queries activates the unit more, and how confident is the answer?

    Borowski et al., ICLR 2021 (arXiv 2010.12606). One press of a key, or one click on a number
    beside a query, gives choice and confidence. In the two-step mode a first press, or a click on a
    query, gives the choice and a second one the confidence. The response limit is for the choice.
    """

    task = "two_afc"

    def __init__(
        self, row: TrialRow, design: Design, frame_s: float, wanted: str | None = None
    ) -> None:
        super().__init__(row, design, frame_s, wanted)
        self.two_step = design.confidence == "two_step"
        self.meanings = key_meanings(design)
        self._forget()

    def _forget(self) -> None:
        self.choice: str | None = None
        self.confidence: int | None = None
        self._key: str | None = None
        self._confidence_s: float | None = None

    @property
    def answering(self) -> tuple[str, ...]:
        """The phases that the participant answers."""
        return (QUERIES, CONFIDENCE) if self.two_step else (QUERIES,)

    @property
    def correct(self) -> bool | None:
        """Whether the choice was correct; None without one."""
        return None if self.choice is None else self.choice == self.row["correct_choice"]

    @property
    def given(self) -> tuple[str, ...]:
        """What was asked for so far, as in :func:`key_meanings`."""
        if self.choice is None:
            return ()
        if not self.two_step:
            return (f"{self.choice}_{self.confidence}",)
        level = () if self.confidence is None else (f"{CONFIDENCE}_{self.confidence}",)
        return (self.choice, *level)

    def presses_for(self, answer: Answer) -> list[Press]:
        """Return the presses that give a choice and its confidence."""
        assert isinstance(answer, Choice)
        if not self.two_step:
            return [self.press_for(f"{answer.choice}_{answer.confidence}", answer.rt_s)]
        sure = f"{CONFIDENCE}_{answer.confidence}"
        return [
            self.press_for(answer.choice, answer.rt_s),
            self.press_for(sure, answer.rt_s + CONFIDENCE_S),
        ]

    def _take(self, action: str, press: Press, onset_s: float) -> None:
        what, _, level = action.partition("_")
        if self.choice is None and what in CHOICES:
            self.choice, self.confidence = what, int(level) if level else None
            self.response_s, self._key = press.time_s, press.key
        # Keys and clicks come from two sources, so that what came first may be told last.
        elif what == CONFIDENCE and self.response_s is not None and press.time_s >= self.response_s:
            self.confidence, self._confidence_s = int(level), press.time_s

    def _is_given(self, phase: str) -> bool:
        return (self.choice if phase == QUERIES else self.confidence) is not None

    def _answer(self, onset_s: float) -> AnswerCells:
        second_s = self._confidence_s
        return {
            "response_key": self._key,
            "choice": self.choice,
            "confidence": self.confidence,
            "confidence_s": second_s,
            "confidence_rt_s": None if second_s is None else second_s - onset_s,
        }


def key_meanings(design: Design) -> dict[str, str]:
    """Return what each key of a design asks for.

    Returns
    -------
    dict
        Key to ``a_1`` for query a with confidence 1; in two steps to ``a``, and ``confidence_1``.
    """
    keys = design.keys
    if design.confidence == "two_step":
        levels = zip(keys.confidence, CONFIDENCES, strict=True)
        choices = {keys.a[0]: "a", keys.b[0]: "b"}
        return choices | {key: f"{CONFIDENCE}_{level}" for key, level in levels}
    return {key: f"{choice}_{level}" for key, (choice, level) in keys.response.items()}


@dataclass(frozen=True)
class ChoicePlacement(Placement):
    """Where everything stands when one of two queries is to be chosen.

    Parameters
    ----------
    queries
        Choice to its image's box.
    references
        Column name, such as ``reference_min_0``, to its image's box.
    titles
        Pole to the box of its references' title; ``base`` to that of the base image's.
    legends
        Choice to the box of its keys or numbers, and of the words that explain them.
    caps
        What a key or number asks for, such as ``a_1`` (see :func:`key_meanings`), to its box.
    question, progress
        Boxes of the question, and of the block's progress bar.
    base
        Box of the base image; None in a task that has none.
    """

    queries: dict[str, Box]
    references: dict[str, Box]
    titles: dict[str, Box]
    legends: dict[str, Box]
    caps: dict[str, Box]
    question: Box
    progress: Box
    base: Box | None = None

    def boxes(self) -> dict[str, Box]:
        """Return every box by a name."""
        named = self.images()
        named.update({f"title_{pole}": box for pole, box in self.titles.items()})
        named.update({f"legend_{choice}": box for choice, box in self.legends.items()})
        return named | {"question": self.question, "progress": self.progress}

    def images(self) -> dict[str, Box]:
        """Return the box of each image."""
        queries = {f"query_{choice}": box for choice, box in self.queries.items()}
        return ({"base": self.base} if self.base else {}) | queries | self.references

    @property
    def targets(self) -> dict[str, Box]:
        """Numbers beside the queries; in two steps the queries themselves, then the numbers.

        The button stands in the question's place, as numbers of the second step did before.
        """
        targets = {action: self.queries.get(action, box) for action, box in self.caps.items()}
        return targets | {CONTINUE: self.button}

    @property
    def button(self) -> Box:
        """Box of the button to continue."""
        box, text_px = self.question, self.text_px
        return Box(box.x, box.y - round(0.9 * text_px), 14 * text_px, 2 * text_px)

    @property
    def above(self) -> Box:
        """Box above the button, or above the numbers of the second step."""
        box, text_px = self.question, self.text_px
        return Box(box.x, box.y + round(1.3 * text_px), box.width, 2 * text_px)


def place_two_afc(
    m: Measures,
    layout: Layout,
    poles: tuple[str, ...],
    per_side: int,
    *,
    two_step: bool = False,
    numbered: bool = False,
    self_paced: bool = False,
) -> ChoicePlacement:
    """Place queries at the centre, least activating references at the left, most at the right.

    Parameters
    ----------
    m
        The layout's lengths.
    layout
        The design's layout.
    poles, per_side
        The references; none where ``per_side`` is 0.
    two_step
        Whether the confidence is asked for where the question stands.
    numbered
        Whether numbers to click stand in place of keys: they rise alike beside both queries where
        keys run outwards from the middle of the keyboard.
    self_paced
        Whether the button to continue stands where the question stood.
    """
    references: dict[str, Box] = {}
    titles: dict[str, Box] = {}
    columns = math.ceil(math.sqrt(per_side))
    for pole in poles if per_side else ():
        x = round(layout.reference_offset * m.px) * (-1 if pole == "min" else 1)
        references |= grid(f"reference_{pole}", x, 0, per_side, columns, m)
        height = m.span(math.ceil(per_side / columns))
        width = max(m.span(columns), 12 * m.text)
        titles[pole] = Box(x, height // 2 + 2 * m.text, width, 2 * m.text)

    offset, width, legend_height = round(layout.query_offset * m.px), *legend_size(m)
    if layout.queries == "vertical":
        queries = {"a": Box(0, offset, m.side, m.side), "b": Box(0, -offset, m.side, m.side)}
        away = offset + m.side // 2 + legend_height // 2 + m.text // 2
        legends = {c: Box(0, y, width, legend_height) for c, y in (("a", away), ("b", -away))}
        least = round((4.5 if two_step or self_paced else 2) * m.text)
        question = Box(0, 0, 18 * m.text, max(2 * offset - m.side - m.text, least))
    else:
        queries = {"a": Box(-offset, 0, m.side, m.side), "b": Box(offset, 0, m.side, m.side)}
        below = m.side // 2 + legend_height // 2 + m.text // 2
        legends = {c: Box(box.x, -below, width, legend_height) for c, box in queries.items()}
        height = round((4.5 if two_step or self_paced else 3) * m.text)
        question = Box(0, (m.side + m.text + height + 1) // 2, 18 * m.text, height)
    top = max(
        box.top for group in (titles, legends, queries, {"": question}) for box in group.values()
    )
    progress = Box(0, math.ceil(top) + m.text, m.side, max(6, m.text // 3))
    mirrored = not (numbered and layout.queries == "vertical")
    caps = place_caps(queries, legends, question, m, two_step=two_step, mirrored=mirrored)
    return ChoicePlacement(
        m.text, m.scale, queries, references, titles, legends, caps, question, progress
    )


def legend_size(m: Measures) -> tuple[int, int]:
    """Return width and height of a query's legend: three caps with gaps, above or below words."""
    return max(m.side, 7 * m.text), 4 * m.text


def place_caps(
    queries: dict[str, Box],
    legends: dict[str, Box],
    question: Box,
    m: Measures,
    *,
    two_step: bool,
    mirrored: bool = True,
) -> dict[str, Box]:
    """Place the keys or numbers that give an answer.

    Parameters
    ----------
    queries, legends, question
        Where these stand; caps are in the half of a legend that is nearer to its query.
    m
        The layout's lengths.
    two_step
        Whether each legend has one cap, and the question those of the confidence.
    mirrored
        Whether those of query a run from the highest confidence to the lowest.
    """
    side, caps = 2 * m.text, {}
    for choice, box in legends.items():
        y = box.y + (m.text if box.y < queries[choice].y else -m.text)
        if two_step:
            caps[choice] = Box(box.x, y, side, side)
            continue
        levels = CONFIDENCES[::-1] if mirrored and choice == "a" else CONFIDENCES
        for i, level in enumerate(levels):
            x = round(box.x + (i - 1) * box.width / 3)
            caps[f"{choice}_{level}"] = Box(x, y, side, side)
    if two_step:
        y = question.y - round(0.9 * m.text)
        for i, level in enumerate(CONFIDENCES):
            caps[f"{CONFIDENCE}_{level}"] = Box(question.x + (i - 1) * 3 * m.text, y, side, side)
    return caps
