"""What a participant presses, whatever device it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

CLICK = "click"
"""Name of the mouse's button, as if it were a key."""


@dataclass(frozen=True, order=True)
class Press:
    """One press of a key or button.

    Parameters
    ----------
    time_s
        When it began, on the clock that the flips are on, in seconds.
    key
        Name of the key, as in a design's ``keys``, or ``click``.
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
