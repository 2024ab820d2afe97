"""The two-alternative forced choice: its trial as a state machine, and where everything stands."""

from __future__ import annotations

import math
from dataclasses import dataclass

from conditions.design.design import Design
from conditions.design.presentation import Layout
from experiments.runner.answers import Answer, Choice
from experiments.runner.layout import Box, Measures, Placement, grid
from experiments.runner.responses import Press
from experiments.runner.trial import Trial
from unitscope.row_types import AnswerCells, TrialRow

QUERIES = "queries"
CONFIDENCE = "confidence"

CONFIDENCE_S = 0.4
"""Time that a simulated or machine observer takes from the choice to the confidence."""


class TwoAFCTrial(Trial):
    """One trial: which of two queries activates the unit more, and how confident is the answer?

    Borowski et al., ICLR 2021 (arXiv 2010.12606). One press gives choice and confidence; in the
    two-step mode a first press gives the choice and a second one the confidence. The response limit
    is for the choice.
    """

    task = "two_afc"

    def __init__(
        self, row: TrialRow, design: Design, frame_s: float, wanted: str | None = None
    ) -> None:
        super().__init__(row, design, frame_s, wanted)
        self.two_step = design.confidence == "two_step"
        keys = design.keys
        self._choices: dict[str, tuple[str, int | None]] = dict(keys.response)
        self._confidences: dict[str, int] = {}
        if self.two_step:
            self._choices = {keys.a[0]: ("a", None), keys.b[0]: ("b", None)}
            self._confidences = {key: i for i, key in enumerate(keys.confidence, start=1)}
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

    def presses_for(self, answer: Answer) -> list[Press]:
        """Return the presses that give a choice and its confidence."""
        assert isinstance(answer, Choice)
        wanted = (answer.choice, None if self.two_step else answer.confidence)
        key = next(key for key, meaning in self._choices.items() if meaning == wanted)
        presses = [Press(answer.rt_s, key)]
        if self.two_step:
            sure = self._design.keys.confidence[answer.confidence - 1]
            presses.append(Press(answer.rt_s + CONFIDENCE_S, sure))
        return presses

    def _means(self, press: Press) -> bool:
        return press.key in self._choices or press.key in self._confidences

    def _take(self, press: Press, onset_s: float) -> None:
        if self.choice is None:
            if press.key in self._choices:
                self.choice, self.confidence = self._choices[press.key]
                self.response_s, self._key = press.time_s, press.key
        elif press.key in self._confidences:
            self.confidence, self._confidence_s = self._confidences[press.key], press.time_s

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
        Choice to the box of its keys.
    question, progress
        Boxes of the question, and of the block's progress bar.
    base
        Box of the base image; None in a task that has none.
    """

    queries: dict[str, Box]
    references: dict[str, Box]
    titles: dict[str, Box]
    legends: dict[str, Box]
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


def place_two_afc(
    m: Measures, layout: Layout, poles: tuple[str, ...], per_side: int, *, two_step: bool = False
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

    offset, legend_height = round(layout.query_offset * m.px), 4 * m.text
    if layout.queries == "vertical":
        queries = {"a": Box(0, offset, m.side, m.side), "b": Box(0, -offset, m.side, m.side)}
        away = offset + m.side // 2 + legend_height // 2 + m.text // 2
        legends = {c: Box(0, y, m.side, legend_height) for c, y in (("a", away), ("b", -away))}
        least = round((4.5 if two_step else 2) * m.text)
        question = Box(0, 0, 18 * m.text, max(2 * offset - m.side - m.text, least))
    else:
        queries = {"a": Box(-offset, 0, m.side, m.side), "b": Box(offset, 0, m.side, m.side)}
        below = m.side // 2 + legend_height // 2 + m.text // 2
        legends = {c: Box(box.x, -below, m.side, legend_height) for c, box in queries.items()}
        height = round((4.5 if two_step else 3) * m.text)
        question = Box(0, (m.side + m.text + height + 1) // 2, 18 * m.text, height)
    top = max(
        box.top for group in (titles, legends, queries, {"": question}) for box in group.values()
    )
    progress = Box(0, math.ceil(top) + m.text, m.side, max(6, m.text // 3))
    return ChoicePlacement(
        m.text, m.scale, queries, references, titles, legends, question, progress
    )
