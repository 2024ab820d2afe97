"""The keyboard as a response source: keys with their hardware time stamps, and typed text."""

from __future__ import annotations

import sys
import warnings
from collections import deque
from typing import Any

from psychopy import logging
from psychopy.hardware import keyboard

from experiments.runner.comment import BACKSPACE, CONFIRM, NEW_LINE
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


class TextInput:
    """Characters and editing keys by the window's text events, whose times are those of the frame.

    The ``key`` of a press is one character, or ``backspace``, ``return``, ``f10`` or ``escape``;
    Ctrl and Enter together count as F10.

    Parameters
    ----------
    win
        The window.
    """

    name = "keyboard-text"

    def __init__(self, win: Any) -> None:
        from pyglet.window import key  # cannot be imported without a display

        self._keys = {key.F10: CONFIRM, key.ESCAPE: "escape"}
        self._enter = (key.RETURN, key.ENTER, key.NUM_ENTER)
        self._ctrl, self._backspace = key.MOD_CTRL, key.MOTION_BACKSPACE
        self._handle = win.winHandle
        self._typed: list[Press] = []
        self._handle.push_handlers(
            on_key_press=self._key, on_text=self._text, on_text_motion=self._motion
        )

    def presses(self) -> list[Press]:
        """Return what was typed since the last call, in order."""
        typed, self._typed = self._typed, []
        return typed

    def _add(self, key: str) -> None:
        self._typed.append(Press(float(logging.defaultClock.getTime()), key))

    def _key(self, symbol: int, modifiers: int) -> None:
        if symbol in self._keys:
            self._add(self._keys[symbol])
        elif symbol in self._enter:
            self._add(CONFIRM if modifiers & self._ctrl else NEW_LINE)

    def _text(self, characters: str) -> None:
        for character in characters:
            if character.isprintable():
                self._add(character)

    def _motion(self, motion: int) -> None:
        if motion == self._backspace:
            self._add(BACKSPACE)


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
