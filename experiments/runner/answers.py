"""What an observer does in a trial."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """One of two queries: choice, confidence 1 to 3, reaction time in seconds."""

    choice: str
    confidence: int
    rt_s: float


@dataclass(frozen=True)
class Pairing:
    """The slot that each row is paired with, and the time in seconds until it was confirmed."""

    slots: tuple[int, ...]
    rt_s: float


Answer = Choice | Pairing
