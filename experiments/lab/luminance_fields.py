"""The screens of a calibration: fields of known levels, and one to compare with a bank card."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

from experiments.display.keyboard import open_keyboard
from experiments.display.window import open_window
from experiments.lab.calibration import CARD_HEIGHT_CM, CARD_WIDTH_CM, Reading
from experiments.lab.photometer import Photometer
from experiments.runner.responses import Press
from unitscope.errors import BadInput

SETTLE_S = 0.5
"""Time from the onset of a field to its measurement."""

_COLOURS = {"grey": (1, 1, 1), "red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}


class _KeyDriven(Protocol):
    is_left: bool

    def take(self, press: Press) -> None: ...


def levels(number: int) -> list[float]:
    """Return evenly spaced levels from 0 to 1."""
    if not 4 <= number <= 64:
        raise BadInput(f"--levels {number}: expected 4 to 64")
    return [round(i / (number - 1), 6) for i in range(number)]


STEPS_PX = {"right": 1, "left": -1, "up": 10, "down": -10}


class CardCheck:
    """A rectangle that keys adjust to the size of a bank card; a pure state machine.

    Parameters
    ----------
    width_px
        Initial width.
    limit_px
        Largest width that fits the screen.
    """

    def __init__(self, width_px: float, limit_px: int) -> None:
        self._limit_px = limit_px
        self.width_px = round(min(max(width_px, 50), limit_px))
        self.is_done = self.is_left = False

    @property
    def height_px(self) -> int:
        """Height of the rectangle, in the card's proportion."""
        return round(self.width_px * CARD_HEIGHT_CM / CARD_WIDTH_CM)

    @property
    def px_per_cm(self) -> float:
        """Pixels per centimetre, if the rectangle is as large as a card."""
        return self.width_px / CARD_WIDTH_CM

    def take(self, press: Press) -> None:
        """Change the size by an arrow key; space confirms, escape cancels."""
        if press.key in STEPS_PX:
            self.width_px = min(max(self.width_px + STEPS_PX[press.key], 50), self._limit_px)
        elif press.key in ("space", "return"):
            self.is_done = True
        elif press.key == "escape":
            self.is_left = True


MARKS = {str(digit): str(digit) for digit in range(10)} | {"period": ".", "comma": "."}


class NumberEntry:
    """A number of 0 or more, typed key by key; return confirms, backspace deletes."""

    def __init__(self) -> None:
        self.text = ""
        self.value: float | None = None
        self.is_left = False

    def take(self, press: Press) -> None:
        """Take one key."""
        mark = MARKS.get(press.key)
        if mark and len(self.text) < 10 and not (mark == "." and "." in self.text):
            self.text += mark
        elif press.key == "backspace":
            self.text = self.text[:-1]
        elif press.key == "return" and self.text.strip("."):
            self.value = float(self.text)
        elif press.key == "escape":
            self.is_left = True


class LuminanceFields:
    """A window without gamma correction that shows one field at a time.

    Parameters
    ----------
    index
        Which screen.
    size
        Window of this size instead of the whole screen.
    """

    def __init__(self, index: int = 0, size: tuple[int, int] | None = None) -> None:
        from psychopy import logging, visual

        logging.console.setLevel(logging.ERROR)
        self._display = open_window(None, full_screen=size is None, size=size, index=index)
        win = self._display.win
        width, height = (int(n) for n in win.size)
        self.size_px = (width, height)
        self._field = visual.Rect(
            win, units="pix", width=width, height=height, lineColor=None, autoLog=False
        )
        self._card = visual.Rect(win, units="pix", lineColor=(1, 1, 1), fillColor=(-0.2, 0.1, 0.5))
        self._text = visual.TextStim(
            win, units="pix", height=24, font="Noto Sans", wrapWidth=0.9 * width, autoLog=False
        )
        self._keys: Any = None

    def __enter__(self) -> LuminanceFields:
        return self

    def __exit__(self, *_: object) -> None:
        self._display.close()

    def measure(
        self,
        guns: Sequence[str],
        at_levels: Sequence[float],
        photometer: Photometer | None,
        settle_s: float = SETTLE_S,
    ) -> list[Reading]:
        """Show every field and read its luminance, typed in where there is no photometer."""
        readings = []
        for gun in guns:
            for level in at_levels:
                if photometer is None:
                    value = self._typed(gun, level)
                else:
                    self._show_field(gun, level)
                    time.sleep(settle_s)
                    value = photometer.read_cd_m2(gun, level)
                readings.append(Reading(gun, level, value))
        return readings

    def compare_card(self, px_per_cm: float) -> float:
        """Let the experimenter fit a rectangle to a bank card; returns pixels per centimetre."""
        width_px, height_px = self.size_px
        check = CardCheck(
            px_per_cm * CARD_WIDTH_CM,
            min(width_px, round(height_px * CARD_WIDTH_CM / CARD_HEIGHT_CM)),
        )

        def draw() -> None:
            self._card.width, self._card.height = check.width_px, check.height_px
            self._card.draw()
            self._say(
                "Hold a bank card against the screen and adjust the blue field to its size.\n"
                "left, right: 1 px    up, down: 10 px    space: it fits    escape: cancel",
                -0.42,
            )

        self._until(check, draw, lambda: check.is_done)
        return check.px_per_cm

    def _typed(self, gun: str, level: float) -> float:
        entry = NumberEntry()

        def draw() -> None:
            self._draw_field(gun, level)
            self._say(
                f"{gun} {level:.2f}: type the luminance in cd/m2, then return: {entry.text}_", -0.46
            )

        self._until(entry, draw, lambda: entry.value is not None)
        assert entry.value is not None
        return entry.value

    def _until(self, state: _KeyDriven, draw: Any, is_over: Any) -> None:
        if self._keys is None:
            self._keys = open_keyboard()
        while not is_over():
            draw()
            self._flip()
            for press in self._keys.presses():
                state.take(press)
            if state.is_left:
                raise BadInput("the calibration was cancelled; nothing was saved")

    def _show_field(self, gun: str, level: float) -> None:
        self._draw_field(gun, level)
        self._flip()

    def _flip(self) -> None:
        self._display.pace()
        self._display.win.flip()

    def _draw_field(self, gun: str, level: float) -> None:
        self._field.fillColor = [2 * level * share - 1 for share in _COLOURS[gun]]
        self._field.draw()
        is_bright = gun in ("grey", "green") and level > 0.5
        self._text.color = (-1, -1, -1) if is_bright else (1, 1, 1)

    def _say(self, text: str, height: float) -> None:
        self._text.pos = (0, round(height * self.size_px[1]))
        self._text.text = text
        self._text.draw()
