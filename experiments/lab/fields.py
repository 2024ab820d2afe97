"""Fields of light on the screen: measured one after the other, or compared with a card."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

from experiments.display.keyboard import open_keyboard
from experiments.display.window import open_window
from experiments.lab.calibration import Reading
from experiments.lab.card import CardCheck
from experiments.lab.entry import Entry
from experiments.lab.photometer import Photometer
from experiments.runner.responses import Press
from unitscope.errors import BadInput

SETTLE_S = 0.5
"""Time that a field stands before it is measured."""

_COLOURS = {"grey": (1, 1, 1), "red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}


class _Takes(Protocol):
    is_left: bool

    def take(self, press: Press) -> None: ...


def levels(number: int) -> list[float]:
    """Return evenly spaced levels from 0 to 1."""
    if not 4 <= number <= 64:
        raise BadInput(f"--levels {number}: expected 4 to 64")
    return [round(i / (number - 1), 6) for i in range(number)]


class Fields:
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

    def __enter__(self) -> Fields:
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
        """Show every field and have it measured, or typed in where there is no photometer."""
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
        """Let a rectangle be brought to the size of a bank card; returns pixels a centimetre."""
        check = CardCheck(px_per_cm * 8.56, min(self.size_px[0], round(self.size_px[1] * 1.58)))

        def draw() -> None:
            self._card.width, self._card.height = check.width_px, check.height_px
            self._card.draw()
            self._say(
                "Hold a bank card to the screen and make the blue field as large as it.\n"
                "left, right: 1 px    up, down: 10 px    space: it fits    escape: leave",
                -0.42,
            )

        self._until(check, draw, lambda: check.is_done)
        return check.px_per_cm

    def _typed(self, gun: str, level: float) -> float:
        entry = Entry()

        def draw() -> None:
            self._draw_field(gun, level)
            self._say(f"{gun} {level:.2f}: luminance {entry.text}_ cd/m2, then return", -0.46)

        self._until(entry, draw, lambda: entry.value is not None)
        assert entry.value is not None
        return entry.value

    def _until(self, state: _Takes, draw: Any, is_over: Any) -> None:
        if self._keys is None:
            self._keys = open_keyboard()
        while not is_over():
            draw()
            self._flip()
            for press in self._keys.presses():
                state.take(press)
            if state.is_left:
                raise BadInput("the calibration was left; nothing was saved")

    def _show_field(self, gun: str, level: float) -> None:
        self._draw_field(gun, level)
        self._flip()

    def _flip(self) -> None:
        self._display.pace()
        self._display.win.flip()

    def _draw_field(self, gun: str, level: float) -> None:
        self._field.fillColor = [2 * level * share - 1 for share in _COLOURS[gun]]
        self._field.draw()

    def _say(self, text: str, height: float) -> None:
        self._text.pos = (0, round(height * self.size_px[1]))
        self._text.text = text
        self._text.draw()
