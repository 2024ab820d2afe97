"""A second process that watches the screen and presses keys (X11 only), and its other end.

One line of JSON is one order: ``trial``; ``watch``, a pixel to wait for, or null; ``key``, or null,
pressed ``delay_s`` after sight (without watching: after the order) and held for ``hold_s``. What it
saw and did is told when there are no more orders, on the clock that processes share.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import Any

from experiments.display.robot import Fingers
from experiments.lab.timing.errors import Observed
from unitscope.errors import BadInput

LIMIT_S = 5.0
"""What is not seen within so long is not seen."""

SPIN_S = 0.005

GREY_RANGE = 16
"""Largest difference between the colours of a pixel that is still background."""


def why_not() -> str | None:
    """Return why this machine has no second process that sees and presses; None if it has."""
    if not sys.platform.startswith("linux"):
        return "the screen is watched and keys are pressed through X11, which this system lacks"
    try:
        from Xlib.display import Display

        display = Display()
        has_test = display.has_extension("XTEST")
        display.close()
    except Exception as error:  # python-xlib's own and the system's, by no common name
        said = " ".join(str(error).split()) or type(error).__name__
        return f"the screen is watched and keys are pressed through X11, which failed ({said})"
    return None if has_test else "this X server has no XTEST extension to press keys with"


class Outside:
    """The second process as the session's process sees it.

    Raises
    ------
    BadInput
        If it does not start.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        if self._process.stdout.readline().strip() != "ready":
            raise BadInput("the process that watches the screen did not start")

    def order(self, **order: Any) -> None:
        """Give an order."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def finish(self) -> dict[int, Observed]:
        """End the process; returns what it saw and did in each trial."""
        told, _ = self._process.communicate(timeout=30)
        found = {}
        for line in told.splitlines():
            done = json.loads(line)
            found[done["trial"]] = Observed(done["seen_s"], done["pressed_s"])
        return found


class Eye:
    """Looks at one pixel, some ten thousand times a second."""

    def __init__(self) -> None:
        from Xlib.display import Display

        self._root = Display().screen().root

    def wait(self, place: tuple[int, int]) -> float | None:
        """Wait until a pixel that is grey is so no more; returns when, None if that never comes."""
        until_s = time.perf_counter() + LIMIT_S
        was_grey = False
        while time.perf_counter() < until_s:
            asked_s = time.perf_counter()
            is_grey = self._is_grey(place)
            if was_grey and not is_grey:
                return (asked_s + time.perf_counter()) / 2
            was_grey = was_grey or is_grey
        return None

    def _is_grey(self, place: tuple[int, int]) -> bool:
        from Xlib import X

        data = self._root.get_image(*place, 1, 1, X.ZPixmap, 0xFFFFFFFF).data
        pixel = (data.encode("latin-1") if isinstance(data, str) else data)[:3]
        return max(pixel) - min(pixel) <= GREY_RANGE


def _wait_until(due_s: float) -> None:
    # The last part is spent awake: on a busy machine a sleep ends when others have done their work,
    # which the session's frames are a part of.
    time.sleep(max(0.0, due_s - time.perf_counter() - SPIN_S))
    while time.perf_counter() < due_s:
        pass


def obey(lines: Iterable[str], eye: Eye, fingers: Fingers) -> list[dict[str, Any]]:
    """Do what each line orders; returns what was seen and done."""
    done = []
    for line in lines:
        came_s = time.perf_counter()
        order = json.loads(line)
        seen_s = eye.wait(tuple(order["watch"])) if order["watch"] else None
        pressed_s = None
        if order["key"] and (seen_s is not None or not order["watch"]):
            began_s = came_s if seen_s is None else seen_s
            _wait_until(began_s + order["delay_s"])
            pressed_s = fingers.press(order["key"], hold_s=order["hold_s"])
        done.append({"trial": order["trial"], "seen_s": seen_s, "pressed_s": pressed_s})
    return done


if __name__ == "__main__":
    eye, fingers = Eye(), Fingers()
    print("ready", flush=True)
    for one in obey(sys.stdin, eye, fingers):
        print(json.dumps(one))
