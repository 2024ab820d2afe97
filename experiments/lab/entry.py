"""A number typed digit by digit while a field stands on the screen."""

from __future__ import annotations

from experiments.runner.responses import Press

_KEYS = {
    **{str(digit): str(digit) for digit in range(10)},
    **{f"num_{digit}": str(digit) for digit in range(10)},
    "period": ".",
    "comma": ".",
    "num_decimal": ".",
}


class Entry:
    """Collects a number of 0 or more; return confirms, backspace takes the last digit away."""

    def __init__(self) -> None:
        self.text = ""
        self.value: float | None = None
        self.is_left = False

    def take(self, press: Press) -> None:
        """Take one key."""
        if press.key in _KEYS:
            mark = _KEYS[press.key]
            if len(self.text) < 10 and not (mark == "." and "." in self.text):
                self.text += mark
        elif press.key == "backspace":
            self.text = self.text[:-1]
        elif press.key in ("return", "num_enter") and self.text.strip("."):
            self.value = float(self.text)
        elif press.key == "escape":
            self.is_left = True
