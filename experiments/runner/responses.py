"""What a participant presses, whatever device it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, order=True)
class Press:
    """One press of a key or button.

    Parameters
    ----------
    time_s
        When it began, on the clock that the flips are on, in seconds.
    key
        Name of the key, as in a design's ``keys``.
    """

    time_s: float
    key: str


class ResponseSource(Protocol):
    """A device that participants respond with."""

    name: str
    """What the log says of it, such as ``keyboard-ptb``."""

    def presses(self) -> list[Press]:
        """Return the presses since the last call, earliest first."""
        ...
