"""Settings of the lab's devices: keyboard, response box, triggers, photodiode."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from conditions.design.keys import KeyboardLayout, check_key
from unitscope.bounds import between

EVENTS = (
    *("fixation", "queries", "confidence", "matching", "response", "answered", "chosen"),
    *("feedback", "continue", "blank", "paused", "leaving", "block_start", "block_end", "end"),
)
"""Events that can have a trigger: phases of a trial, its response, interruptions, pages."""

OWN_ARGUMENTS = (
    *("size", "fullscr", "screen", "monitor", "units", "color", "colorSpace", "useFBO"),
    *("checkTiming", "autoLog", "winType", "win", "name"),
)
"""Arguments of PsychoPy's window that the session sets itself."""


@dataclass(frozen=True)
class Keyboard:
    """The keyboard that answers.

    Parameters
    ----------
    name
        Part of its name, where there are several and only one counts; empty for any of them.
    layout
        What is printed on its keys, and so on the screen; keys are named by their position on a US
        keyboard all the same. ``system``: as the system has it, where it tells.
    """

    name: str = ""
    layout: Literal["system"] | KeyboardLayout = "system"


@dataclass(frozen=True)
class ResponseBox:
    """Buttons on a serial port that stand for keys; the keyboard can be used as well.

    Parameters
    ----------
    port
        Name of the serial port, such as ``COM3`` or ``/dev/ttyUSB0``.
    baud
        Speed, in bits per second.
    keys
        Key of the design, such as ``f``, to the byte from 0 to 255 that the box sends for it; any
        other byte is ignored.
    """

    port: str = ""
    baud: int = 115200
    keys: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        between(1, 10**7, baud=self.baud)
        keys = {check_key(key): byte for key, byte in self.keys.items()}
        if len(keys) < len(self.keys):
            raise ValueError("keys names one key twice")
        object.__setattr__(self, "keys", keys)
        between(0, 255, **{f"keys.{key}": byte for key, byte in self.keys.items()})
        if len(set(self.keys.values())) < len(self.keys):
            raise ValueError("keys has a byte twice, expected a different one for each key")
        if bool(self.port) != bool(self.keys):
            raise ValueError("port and keys need each other, found only one of them")


@dataclass(frozen=True)
class Triggers:
    """Signals to other devices, sent at the flip that shows a phase.

    Parameters
    ----------
    kind
        How they are sent; ``none`` for not at all.
    port
        Name of the serial port, address of the parallel port, or name of the LSL stream.
    baud
        Speed of a serial port, in bits per second.
    pulse_s
        Seconds until a serial or parallel port goes back to 0; with 0 it never does.
    codes
        Event to its code from 1 to 255; others send nothing. ``queries.natural`` is for trials with
        that reference condition only and takes precedence over ``queries``.
    """

    kind: Literal["none", "serial", "parallel", "lsl"] = "none"
    port: str = ""
    baud: int = 115200
    pulse_s: float = 0.01
    codes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        between(0, 1, pulse_s=self.pulse_s)
        between(1, 10**7, baud=self.baud)
        between(1, 255, **{f"codes.{event}": code for event, code in self.codes.items()})
        if self.kind != "none" and not (self.port and self.codes):
            raise ValueError(f"kind is {self.kind}, so port and codes are needed too")


@dataclass(frozen=True)
class Photodiode:
    """A patch that is white while the images are on, for a photodiode.

    Parameters
    ----------
    on
        Whether the patch is shown.
    corner
        Corner of the screen.
    size_px
        Its side, in pixels.
    """

    on: bool = False
    corner: Literal["upper_left", "upper_right", "lower_left", "lower_right"] = "lower_right"
    size_px: int = 60

    def __post_init__(self) -> None:
        between(1, 1000, size_px=self.size_px)
