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
                {"kind": "button", "key": screen["confirm"]},
            ]
        if phase == UNRATED:
            return [_press(str(self._rng.integers(1, 10)))]
        if phase in (RATED, CONTINUE):
            return [_press(keys.forward)]
        if phase in ("queries", "confidence") and self._design.input == "mouse":
            return [self._click(screen["elements"])]
        if phase == "queries":
            return [_press((keys.a, keys.b)[self._rng.integers(2)][0])]
        if phase == "confidence":
            return [_press(keys.confidence[self._rng.integers(3)])]
        if phase == "matching":
            slots = [keys.numbers[i] for i in self._rng.permutation(len(keys.numbers))]
            return [_press(key) for key in (*slots, keys.confirm)]
        return []

    def _click(self, elements: list[list[Any]]) -> dict[str, Any]:
        """Return a click on a number, or where there is none on an image, be it a query or not."""
        spots = clickable(elements)
        x, y = spots[self._rng.integers(len(spots))]
        return {"kind": "press", "code": CLICK, "x": x, "y": y}


def clickable(elements: list[list[Any]]) -> list[tuple[int, int]]:
    """Return the places of the numbers on a trial's screen, or of its images if it has none.

    Examples
    --------
    >>> clickable([["image", 0, 0, 90, 50, 50], ["text", "2", -40, 8, 9, 9]])
    [(-40, 8)]
    """
    numbers = [(e[2], e[3]) for e in elements if e[0] == "text" and e[1].isdigit()]
    return numbers or [(e[2], e[3]) for e in elements if e[0] == "image"]


def _press(key: str) -> dict[str, Any]:
    code = CODES.get(key) or (f"Digit{key}" if key.isdigit() else f"Key{key.upper()}")
    return {"kind": "press", "code": code}
