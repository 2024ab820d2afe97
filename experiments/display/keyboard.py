"""The keyboard as a response source: every press, with the hardware's time stamp."""

from __future__ import annotations

import sys
import warnings
from collections import deque
from typing import Any

from psychopy.hardware import keyboard

from experiments.runner.responses import Press


class HardwareKeyboard:
    """Presses by psychtoolbox, on the clock of the flips.

    One poll that waits for releases and one that does not miss different presses, so both are
    made; a press that both report is one object and counts once.
    """

    name = "keyboard-ptb"

    def __init__(self, device: Any) -> None:
        self._device = device
        self._reported: deque[Any] = deque(maxlen=256)

    def presses(self) -> list[Press]:
        """Return the presses since the last call, earliest first."""
        new = []
        for wait_release in (False, True):
            for key in self._device.getKeys(waitRelease=wait_release, clear=True):
                if not any(key is reported for reported in self._reported):
                    self._reported.append(key)
                    new.append(Press(float(key.tDown), str(key.name)))
        return sorted(new)


class EventKeyboard:
    """Presses by the window's events, whose times are those of the frame."""

    name = "keyboard-event"

    def presses(self) -> list[Press]:
        """Return the presses since the last call, earliest first."""
        from psychopy import event  # cannot be imported without a display

        return sorted(Press(float(time_s), key) for key, time_s in event.getKeys(timeStamped=True))


def open_keyboard() -> HardwareKeyboard | EventKeyboard:
    """Open the best keyboard that this machine has; call it once a process.

    Without psychtoolbox PsychoPy claims its backend all the same but never reports a key, so its
    buffers are looked at; where there are none, the window's events serve, with a warning.
    """
    # PsychoPy's device is one a process and begins anew with every Keyboard made.
    device = keyboard.Keyboard(backend="ptb")
    inner = getattr(device, "device", device)
    if keyboard.havePTB and inner.getBackend() == "ptb" and getattr(inner, "_buffers", None):
        device.clearEvents()
        return HardwareKeyboard(device)
    warnings.warn(
        "psychtoolbox cannot read the keyboard"
        + (
            " (are libjack-jackd2-0 and libportaudio2 installed?)"
            if sys.platform == "linux"
            else ""
        )
        + "; reaction times are those of the frame",
        RuntimeWarning,
        stacklevel=2,
    )
    return EventKeyboard()
