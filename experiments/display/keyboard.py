"""The keyboard as a response source: keys with their hardware time stamps, and typed text."""

from __future__ import annotations

import sys
import warnings
from collections import deque
from collections.abc import Sequence
from typing import Any

from psychopy import logging
from psychopy.hardware import keyboard

from conditions.design.keys import LAYOUTS, key_name, typed_by
from experiments.runner.comment import BACKSPACE, CONFIRM, DELETE, MOTIONS, NEW_LINE
from experiments.runner.responses import Press
from unitscope.errors import BadInput, nearest


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


WITHOUT_NUMLOCK = {
    **{"num_insert": "0", "num_end": "1", "num_down": "2", "num_next": "3", "num_page_down": "3"},
    **{"num_left": "4", "num_begin": "5", "num_right": "6", "num_home": "7", "num_up": "8"},
    **{"num_prior": "9", "num_page_up": "9", "num_delete": "period"},
}
"""The keypad's keys as events name them without NumLock."""


class EventKeyboard:
    """Presses reported by the window's events, timed by the frame.

    Events name what a key types, so that the keyboard's layout is needed to tell its position.

    Parameters
    ----------
    layout
        One of ``LAYOUTS``.
    """

    name = "keyboard-event"

    def __init__(self, layout: str) -> None:
        self._position = {typed: key for key, typed in typed_by(layout).items()}

    def presses(self) -> list[Press]:
        """Return the presses since the last call, earliest first."""
        from psychopy import event  # cannot be imported without a display

        events = event.getKeys(timeStamped=True)
        return sorted(Press(float(time_s), self._key(name)) for name, time_s in events)

    def _key(self, name: str) -> str:
        from pyglet.window import key

        # Pyglet's numbers of these keys are those of the characters.
        number = getattr(key, name.upper(), 0)
        typed = chr(number) if 32 < number < 256 else name
        known = WITHOUT_NUMLOCK.get(name) or self._position.get(typed)
        return known or key_name(name)


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
        on_keypad = key.symbol_string(symbol).startswith("NUM_")
        if len(name) > 1 and (on_keypad or name not in (*MOTIONS, BACKSPACE, DELETE)):
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


def find_keyboards(name: str = "") -> dict[int, str]:
    """Return number and name of the keyboards that this machine can tell apart.

    Parameters
    ----------
    name
        Part of the name of those that are wanted, in any case; empty for all.

    Raises
    ------
    BadInput
        If there is none of that name, naming those that there are.
    """
    there: dict[int, str] = {}
    if keyboard.havePTB and sys.platform != "win32":
        numbers, names, _ = keyboard.hid.get_keyboard_indices()
        there = dict(zip(map(int, numbers), map(str, names), strict=True))
    found = {number: own for number, own in there.items() if name.lower() in own.lower()}
    if name and not found:
        known = ", ".join(there.values()) or "none that can be told apart here"
        raise BadInput(
            f"no keyboard is named {name!r}{nearest(name, there.values())}; found {known}"
        )
    return found


def system_layout() -> str | None:
    """Return the layout that the system gives to the keyboard; None where it does not tell."""
    if sys.platform != "linux":
        return None
    from Xlib.display import Display
    from Xlib.error import DisplayError

    try:
        display = Display()
    except (DisplayError, OSError):
        return None
    codes = {"q": 24, "y": 29}
    types = {key: chr(display.keycode_to_keysym(code, 0)) for key, code in codes.items()}
    display.close()
    return next((one for one in LAYOUTS if types.items() <= typed_by(one).items()), None)


def open_keyboard(
    devices: Sequence[int] = (), layout: str = LAYOUTS[0]
) -> HardwareKeyboard | EventKeyboard:
    """Open the best keyboard that this machine has; call it once a process.

    Without psychtoolbox PsychoPy still names it as its backend but never reports a key. Its buffers
    tell; where there are none, the window's events are used, with a warning.

    Parameters
    ----------
    devices
        Numbers of the keyboards that count; none for all.
    layout
        Of the keys, for the window's events.
    """
    # PsychoPy has one device per process and resets it with every new Keyboard.
    device = keyboard.Keyboard(backend="ptb", device=list(devices) or -1)
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
    return EventKeyboard(layout)
