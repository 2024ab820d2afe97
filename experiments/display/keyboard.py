"""The keyboard as a response source: keys with their hardware time stamps, and typed text."""

from __future__ import annotations

import sys
import warnings
from collections import deque
from typing import Any

from psychopy import logging
from psychopy.hardware import keyboard

from conditions.design.keys import key_name
from experiments.runner.comment import CONFIRM, DELETE, MOTIONS, NEW_LINE
from experiments.runner.responses import Press


class HardwareKeyboard:
    """Presses by psychtoolbox, on the clock of the flips.

    PsychoPy reports a press either with ``waitRelease`` or without it, depending on whether the key
    was released before the poll, so both are asked; a press reported by both is the same object.
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
                    new.append(Press(float(key.tDown), key_name(str(key.name))))
        return sorted(new)


class EventKeyboard:
    """Presses reported by the window's events, timed by the frame."""

    name = "keyboard-event"

    def presses(self) -> list[Press]:
        """Return the presses since the last call, earliest first."""
        from psychopy import event  # cannot be imported without a display

        events = event.getKeys(timeStamped=True)
        return sorted(Press(float(time_s), key_name(key)) for key, time_s in events)


class TextInput:
    """Characters and editing keys by the window's text events, timed by the frame.

    The ``key`` of a press is one character, or the name of a key that edits; Ctrl and Enter count
    as F10.

    Parameters
    ----------
    win
        The window.
    """

    name = "keyboard-text"

    def __init__(self, win: Any) -> None:
        self._typed: list[Press] = []
        win.winHandle.push_handlers(
            on_key_press=self._key,
            on_text=self._text,
            on_text_motion=self._motion,
            on_text_motion_select=self._motion,
        )

    def presses(self) -> list[Press]:
        """Return what was typed since the last call, in order."""
        typed, self._typed = self._typed, []
        return typed

    def _add(self, key: str) -> None:
        self._typed.append(Press(float(logging.defaultClock.getTime()), key))

    def _key(self, symbol: int, modifiers: int) -> None:
        from pyglet.window import key  # cannot be imported without a display

        name = key_name(key.symbol_string(symbol))
        if name == NEW_LINE and modifiers & key.MOD_CTRL:
            name = CONFIRM
        # Without NumLock the keypad's keys edit too, but pyglet has no motion for them.
        on_keypad = key.symbol_string(symbol).startswith("NUM_") and name in (*MOTIONS, DELETE)
        if on_keypad or name in (NEW_LINE, CONFIRM, "escape"):
            self._add(name)

    def _text(self, characters: str) -> None:
        for character in characters:
            if character.isprintable():
                self._add(character)

    def _motion(self, motion: int) -> None:
        from pyglet.window import key

        name = {
            key.MOTION_BEGINNING_OF_LINE: "home",
            key.MOTION_END_OF_LINE: "end",
        }.get(motion) or key_name(key.symbol_string(motion))
        self._add(name)


def open_keyboard() -> HardwareKeyboard | EventKeyboard:
    """Open the best keyboard that this machine has; call it once a process.

    Without psychtoolbox PsychoPy still names it as its backend but never reports a key. Its buffers
    tell; where there are none, the window's events are used, with a warning.
    """
    # PsychoPy has one device per process and resets it with every new Keyboard.
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
        + "; reaction times are only as exact as frames",
        RuntimeWarning,
        stacklevel=2,
    )
    return EventKeyboard()
