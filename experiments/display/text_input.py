"""Typed text as a response source, for whatever keyboard layout there is."""

from __future__ import annotations

from typing import Any

from psychopy import logging

from experiments.runner.comment import BACKSPACE, CONFIRM, NEW_LINE
from experiments.runner.responses import Press


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
