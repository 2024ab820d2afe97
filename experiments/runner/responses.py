"""Presses of keys and buttons, whatever device they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

CLICK = "click"
"""Name of a press of the left mouse button."""


@dataclass(frozen=True, order=True)
class Press:
    """One press of a key or button.

    Parameters
    ----------
    time_s
        When it began, in seconds on the clock of the flips.
    key
        Name of the key (see :mod:`conditions.design.keys`), or ``click``.
    place
        Where a click was: pixels to the right of the screen's centre and up from it.
    """

    time_s: float
    key: str
    place: tuple[int, int] | None = field(default=None, compare=False)


class ResponseSource(Protocol):
    """A device that participants respond with."""

    name: str
    """What the log says of it, such as ``keyboard-ptb``."""

    def presses(self) -> list[Press]:
        """Return the presses since the last call, earliest first."""
        ...
