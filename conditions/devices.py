"""Settings of what happens in time with the screen besides pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from conditions.bounds import between


@dataclass(frozen=True)
class Triggers:
    """Signals to other devices, sent by the flip that shows a phase.

    Parameters
    ----------
    kind
        ``none``, or what they are sent through.
    port
        Name of the serial port, address of the parallel port, or name of the LSL stream.
    baud
        Speed of a serial port, in bits per second.
    pulse_s
        Length of a pulse at a parallel port, in seconds.
    codes
        Phase of a trial, such as ``queries``, to its code from 1 to 255; others send nothing.
    """

    kind: Literal["none", "serial", "parallel", "lsl"] = "none"
    port: str = ""
    baud: int = 115200
    pulse_s: float = 0.01
    codes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        between("pulse_s", self.pulse_s, 0, 1)
        between("baud", self.baud, 1, 10**7)
        for phase, code in self.codes.items():
            between(f"codes.{phase}", code, 1, 255)
        if self.kind != "none" and not (self.port and self.codes):
            raise ValueError(f"kind is {self.kind}, so port and codes are needed too")


@dataclass(frozen=True)
class Photodiode:
    """A patch that is white while the images are on, for a photodiode.

    Parameters
    ----------
    on
        Whether there is one.
    corner
        Corner of the screen.
    size_px
        Its side, in pixels.
    """

    on: bool = False
    corner: Literal["upper_left", "upper_right", "lower_left", "lower_right"] = "lower_right"
    size_px: int = 60

    def __post_init__(self) -> None:
        between("size_px", self.size_px, 1, 1000)
