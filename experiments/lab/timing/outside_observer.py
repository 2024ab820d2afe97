"""A second process that watches the screen and presses keys (X11 only), and the class that runs it.

An order is one line of JSON: ``trial``; ``watch``, a pixel to wait for, or null; ``key``, or null,
pressed ``delay_s`` after sight (without watching: after the order) and held for ``hold_s``. After
the last order it reports what it saw and did, on the clock that all processes share.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import Any

from experiments.display.robot import InputInjector
from experiments.lab.timing.timing_errors import Observation
from unitscope.errors import BadInput

LIMIT_S = 5.0
"""Time after which the watcher stops waiting for an image."""

SPIN_S = 0.005

GREY_RANGE = 16
"""Largest difference between the colours of a pixel that is still background."""


def unavailable_reason() -> str | None:
    """Return why this machine cannot watch the screen and press keys; None if it can."""
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


class OutsideObserver:
    """Starts the second process and sends it orders.

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

    def finish(self) -> dict[int, Observation]:
        """End the process; returns what it saw and did in each trial."""
        output, _ = self._process.communicate(timeout=30)
        found = {}
        for line in output.splitlines():
            done = json.loads(line)
            found[done["trial"]] = Observation(done["seen_s"], done["pressed_s"])
        return found


class PixelWatcher:
    """Looks at one pixel, more than ten thousand times a second."""

    def __init__(self) -> None:
        from Xlib.display import Display

        self._root = Display().screen().root

    def wait(self, place: tuple[int, int]) -> float | None:
        """Wait until a pixel changes from grey to a colour; returns when, None if it never does."""
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
    # The last part is a busy wait: on a loaded machine a sleep ends only once other work is done,
    # and the session's frames are part of that work.
    time.sleep(max(0.0, due_s - time.perf_counter() - SPIN_S))
    while time.perf_counter() < due_s:
        pass


def follow_orders(
    lines: Iterable[str], watcher: PixelWatcher, injector: InputInjector
) -> list[dict[str, Any]]:
    """Carry out the order on each line; returns what was seen and done."""
    done = []
    for line in lines:
        received_s = time.perf_counter()
        order = json.loads(line)
        seen_s = watcher.wait(tuple(order["watch"])) if order["watch"] else None
        pressed_s = None
        if order["key"] and (seen_s is not None or not order["watch"]):
            began_s = received_s if seen_s is None else seen_s
            _wait_until(began_s + order["delay_s"])
            pressed_s = injector.press(order["key"], hold_s=order["hold_s"])
        done.append({"trial": order["trial"], "seen_s": seen_s, "pressed_s": pressed_s})
    return done


if __name__ == "__main__":
    watcher, injector = PixelWatcher(), InputInjector()
    print("ready", flush=True)
    for one in follow_orders(sys.stdin, watcher, injector):
        print(json.dumps(one))
