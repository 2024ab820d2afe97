"""The two-alternative forced choice as a pure state machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conditions.design import Design
from experiments.runner.answers import Answer, Choice
from experiments.runner.responses import Press
from experiments.runner.trial import Trial

QUERIES = "queries"
CONFIDENCE = "confidence"

CONFIDENCE_S = 0.4
"""Time that an observer who is no person takes from the choice to the confidence."""


class TwoAFCTrial(Trial):
    """One trial: which of two queries excites the unit more, and how sure is that?

    Borowski et al., ICLR 2021 (arXiv 2010.12606). One press gives choice and confidence; in the
    two-step mode a first press gives the choice and a second one the confidence. The response limit
    is for the choice.
    """

    task = "two_afc"

    def __init__(
        self, row: Mapping[str, Any], design: Design, frame_s: float, wanted: str | None = None
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
        """Whether the choice was right; None without one."""
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

    def _answer(self, onset_s: float) -> dict[str, Any]:
        second_s = self._confidence_s
        return {
            "response_key": self._key,
            "choice": self.choice,
            "confidence": self.confidence,
            "confidence_s": second_s,
            "confidence_rt_s": None if second_s is None else second_s - onset_s,
        }
