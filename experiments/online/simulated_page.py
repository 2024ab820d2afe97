"""A page without a browser: it goes through plans as a browser does, on a clock that costs no time.

It sees what a page sees, and so knows no answers: it guesses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from conditions.design.design import Design
from experiments.runner.responses import CLICK
from experiments.runner.slider import RATED, UNRATED
from experiments.runner.trial import CONTINUE

Tell = Callable[[str, dict[str, Any]], dict[str, Any]]
"""Sends a message to an address of the server; returns the answer."""

FRAME_S = 1 / 60
CODES = {"space": "Space", "return": "Enter", "backspace": "Backspace", "escape": "Escape"}
ARRIVAL = {
    "width_px": 1920,
    "height_px": 1080,
    "px_per_cm": 36.0,
    "frame_s": FRAME_S,
    "ratio": 1.0,
    "browser": "simulated",
}


class SimulatedPage:
    """Takes part in an online study as a page does.

    Parameters
    ----------
    tell
        How it reaches the server.
    design
        Of the study, whose keys it presses.
    person
        Id in its link.
    seed
        Fixes what is guessed.
    """

    def __init__(self, tell: Tell, design: Design, person: str, seed: int = 0) -> None:
        self.plan: dict[str, Any] = {}
        self._tell = tell
        self._design = design
        self._person = person
        self._rng = np.random.default_rng(seed)
        self._now_s = 0.0
        self._number = self._frames = 0

    @property
    def is_over(self) -> bool:
        """Whether the last page is shown."""
        return bool(self.plan.get("over"))

    def begin(self) -> dict[str, Any]:
        """Open the link; returns the first plan."""
        self._number = 0
        self.plan = self._tell("begin", {"person": {"participant": self._person}} | ARRIVAL)
        return self.plan

    def go_on(self) -> dict[str, Any]:
        """Show the plan, answer where an answer is asked for, and report; returns the answer."""
        events: list[dict[str, Any]] = []
        for number, screen in enumerate(self.plan["screens"]):
            self._now_s += FRAME_S
            self._frames += 1
            events.append(self._event("flip", screen=number, frame=self._frames))
            if number < len(self.plan["screens"]) - 1:
                self._now_s += screen["lasts_s"] - FRAME_S
        presses = self._presses(screen)
        for press in presses:
            self._now_s += float(self._rng.uniform(0.3, 0.6))
            events.append(self._event(**press))
        if not presses:
            self._now_s += screen["lasts_s"] or 0.0
            events.append(self._event("over", screen=number, frame=self._frames))
        return self.report(events)

    def report(self, events: list[dict[str, Any]]) -> dict[str, Any]:
        """Report events, and take what is shown next."""
        self._number += 1
        message = {
            "run": self.plan["run"],
            "number": self._number,
            "turn": self.plan["turn"],
            "frames": self._frames,
            "late": 0,
            "largest_s": FRAME_S,
            "events": events,
        }
        answer = self._tell("report", message)
        if "screens" in answer:
            if answer["stage"] != self.plan["stage"]:
                self._frames = 0
            self.plan = answer
        return answer

    def _event(self, kind: str, **more: Any) -> dict[str, Any]:
        return {"kind": kind, "time_s": self._now_s, **more}

    def _presses(self, screen: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what answers a screen."""
        keys, phase = self._design.keys, screen["phase"]
        if screen["kind"] == "page":
            buttons = [key for key, _ in screen["buttons"]]
            return [{"kind": "button", "key": keys.agree if keys.agree in buttons else buttons[-1]}]
        if screen["kind"] == "comment":
            return [
                {"kind": "text", "text": "Fun,\nreally."},
                {"kind": "button", "key": screen["buttons"][0][0]},
            ]
        if phase == UNRATED:
            return [_press(str(self._rng.integers(1, 10)))]
        if phase in (RATED, CONTINUE):
            return [_press(keys.forward)]
        if phase in ("queries", "confidence") and self._design.input == "mouse":
            return [self._guess(screen["elements"])]
        if phase == "queries":
            return [_press((keys.a, keys.b)[self._rng.integers(2)][0])]
        if phase == "confidence":
            return [_press(keys.confidence[self._rng.integers(3)])]
        if phase == "matching" and self._design.input == "mouse":
            return self._pair(screen["elements"])
        if phase == "matching":
            slots = [keys.numbers[i] for i in self._rng.permutation(len(keys.numbers))]
            return [_press(key) for key in (*slots, keys.confirm)]
        return []

    def _guess(self, elements: list[list[Any]]) -> dict[str, Any]:
        """Return a click on a number, or where there is none on an image, be it a query or not."""
        spots = clickable(elements)
        return _click(spots[self._rng.integers(len(spots))])

    def _pair(self, elements: list[list[Any]]) -> list[dict[str, Any]]:
        """Return clicks that pair the halves of exemplar matching by chance, and confirm."""
        rows, slots, confirm = halves(elements)
        order = self._rng.permutation(len(slots))
        pairs = [spot for row, i in zip(rows, order, strict=True) for spot in (row, slots[i])]
        return [_click(spot) for spot in (*pairs, confirm)]


def clickable(elements: list[list[Any]]) -> list[tuple[int, int]]:
    """Return the places of the numbers on a trial's screen, or of its images if it has none.

    Examples
    --------
    >>> clickable([["image", 0, 0, 90, 50, 50], ["text", "2", -40, 8, 9, 9]])
    [(-40, 8)]
    """
    numbers = [(e[2], e[3]) for e in elements if e[0] == "text" and e[1].isdigit()]
    return numbers or [(e[2], e[3]) for e in elements if e[0] == "image"]


def halves(
    elements: list[list[Any]],
) -> tuple[list[tuple[int, int]], list[tuple[int, int]], tuple[int, int]]:
    """Return the places of the left and the right halves from the top, and of the last button.

    Examples
    --------
    >>> halves([["image", 0, -9, 5, 2, 2], ["image", 1, 9, 5, 2, 2], ["text", "OK", 4, -8, 3, 1]])
    ([(-9, 5)], [(9, 5)], (4, -8))
    """
    images = [(e[2], e[3]) for e in elements if e[0] == "image"]
    # Any image of a half stands for all of it.
    left = {y: (x, y) for x, y in images if x < 0}
    right = {y: (x, y) for x, y in images if x > 0}
    texts = [(e[2], e[3]) for e in elements if e[0] == "text"]
    confirm = min(texts, key=lambda place: (place[1], -place[0]))
    from_top = sorted(left, reverse=True)
    return [left[y] for y in from_top], [right[y] for y in from_top], confirm


def _click(place: tuple[int, int]) -> dict[str, Any]:
    return {"kind": "press", "code": CLICK, "x": place[0], "y": place[1]}


def _press(key: str) -> dict[str, Any]:
    code = CODES.get(key) or (f"Digit{key}" if key.isdigit() else f"Key{key.upper()}")
    return {"kind": "press", "code": code}
