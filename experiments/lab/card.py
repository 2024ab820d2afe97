"""A bank card held to the screen tells how many pixels a centimetre has."""

from __future__ import annotations

from experiments.lab.calibration import CARD_HEIGHT_CM, CARD_WIDTH_CM
from experiments.runner.responses import Press

STEPS_PX = {"right": 1, "left": -1, "up": 10, "down": -10}


class CardCheck:
    """A rectangle that keys bring to the size of a bank card; a pure state machine.

    Parameters
    ----------
    width_px
        Width to begin with.
    limit_px
        Largest width that the screen has room for.
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
        """Pixels a centimetre, if the rectangle is as large as a card."""
        return self.width_px / CARD_WIDTH_CM

    def take(self, press: Press) -> None:
        """Change the size by an arrow key; space confirms, escape leaves."""
        if press.key in STEPS_PX:
            self.width_px = min(max(self.width_px + STEPS_PX[press.key], 50), self._limit_px)
        elif press.key in ("space", "return"):
            self.is_done = True
        elif press.key == "escape":
            self.is_left = True
