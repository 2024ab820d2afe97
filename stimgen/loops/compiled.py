"""How the loops of this package are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from numba import njit

Loop = TypeVar("Loop", bound=Callable[..., object])


def compiled(loop: Loop) -> Loop:
    """Compile a function of arrays and numbers when it is first called, and keep it on disk.

    Other threads go on while it runs. Rounding is that of the code as it is written, on every
    processor: nothing is reordered or contracted. What is on disk is made anew when the loop's own
    file changes, but not when another does whose functions it calls.
    """
    made: Loop
    try:
        made = njit(nogil=True, cache=True)(loop)
    except RuntimeError:  # nowhere to keep it
        made = njit(nogil=True)(loop)
    return made


def inlined(loop: Loop) -> Loop:
    """Compile a function that compiled loops call."""
    made: Loop = njit(nogil=True, inline="always")(loop)
    return made
