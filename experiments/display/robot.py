"""A simulated observer that presses real keys from a process of its own (X11 only).

It answers what appears on the screen; its presses go through the X server and reach the session as
those of a person do.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from experiments.display.hook import FlipHook
from experiments.display.window import Display
from experiments.runner.observers import make_observer
from experiments.runner.phases import OVERLAYS, Stage
from experiments.runner.responses import CLICK, Press
from experiments.runner.session import Session
from experiments.runner.standing import Standing
from experiments.runner.trial import CONTINUE, CONTINUE_S, Trial
from unitscope.errors import BadInput

HOLD_S = 0.08
LONGEST_S = 1.0
"""Longest time to a response, in seconds; slower observers are sped up."""

KEYSYMS = {
    "backspace": "BackSpace",
    "delete": "Delete",
    "down": "Down",
    "end": "End",
    "escape": "Escape",
    "f10": "F10",
    "home": "Home",
    "left": "Left",
    "return": "Return",
    "right": "Right",
    "up": "Up",
}
"""Names of keys that X11 spells differently."""


class Robot(FlipHook):
    """Answers every stage through a process that presses keys.

    Parameters
    ----------
    session
        The session to answer.
    display
        Its window.
    observer
        Name of the simulated observer.
    seed
        Fixes the observer's draws.

    Raises
    ------
    BadInput
        On a system without X11.
    """

    def __init__(self, session: Session, display: Display, observer: str, seed: int) -> None:
        if sys.platform != "linux":
            raise BadInput("the robot presses keys through X11, which this system does not have")
        self._observer = make_observer(observer, seed, session.stimuli.file)
        self._rng = np.random.default_rng(seed)
        self._middle = (display.screen.width_px // 2, display.screen.height_px // 2)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "experiments.display.robot"], stdin=subprocess.PIPE, text=True
        )

    def on_flip(self, phase: str, stage: Stage) -> None:
        """Answer a phase that has just appeared."""
        presses: list[Press] = []
        if isinstance(stage, Trial) and phase == stage.answering[0]:
            presses = stage.presses_for(self._observer.respond(stage.row))
        elif isinstance(stage, Trial) and phase == CONTINUE:
            presses = [stage.press_for(CONTINUE, CONTINUE_S)]
        elif isinstance(stage, Standing) and phase not in OVERLAYS:
            presses = stage.simulate(phase, self._rng)
        if presses:
            haste = min(0.5, LONGEST_S / max(press.time_s for press in presses))
            self._send([(press.time_s * haste, press.key, self._place(press)) for press in presses])

    def close(self) -> None:
        """End the robot's process."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(timeout=10)

    def _place(self, press: Press) -> tuple[int, int] | None:
        """Return where to click: pixels from the screen's upper left corner."""
        if press.place is None:
            return None
        return self._middle[0] + press.place[0], self._middle[1] - press.place[1]

    def _send(self, message: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()


class InputInjector:
    """Presses keys and clicks through the X server's test extension.

    While a window manager runs, keys are pressed only if the session's window has the focus, so
    that no other program receives them.
    """

    def __init__(self) -> None:
        from Xlib.display import Display

        self._display = Display()
        root = self._display.screen().root
        check = self._display.intern_atom("_NET_SUPPORTING_WM_CHECK")
        self._managed = root.get_full_property(check, 0) is not None

    def press(
        self, key: str, place: tuple[int, int] | None = None, hold_s: float = HOLD_S
    ) -> float:
        """Press a key, or click at a place, once the session's window has the focus.

        Returns
        -------
        float
            When it was pressed, by ``time.perf_counter``.
        """
        from Xlib import XK, X
        from Xlib.ext import xtest

        while self._managed and not self._session_has_focus():
            time.sleep(0.1)
        if key == CLICK and place:
            xtest.fake_input(self._display, X.MotionNotify, x=place[0], y=place[1])
            down, up, code = X.ButtonPress, X.ButtonRelease, 1
        else:
            keysym = XK.string_to_keysym(KEYSYMS.get(key, key))
            down, up, code = X.KeyPress, X.KeyRelease, self._display.keysym_to_keycode(keysym)
        pressed_s = time.perf_counter()
        xtest.fake_input(self._display, down, code)
        self._display.sync()
        time.sleep(hold_s)
        xtest.fake_input(self._display, up, code)
        self._display.sync()
        return pressed_s

    def _session_has_focus(self) -> bool:
        window: Any = self._display.get_input_focus().focus
        while not isinstance(window, int):
            if window.get_wm_name() in ("Unitscope", "PsychoPy"):
                return True
            window = window.query_tree().parent
            if not window:
                return False
        return False


def take_part(lines: Iterable[str], injector: InputInjector) -> None:
    """Make the presses of each message, timed from its arrival, until the input ends."""
    for line in lines:
        told_s = time.monotonic()
        for at_s, key, place in json.loads(line):
            time.sleep(max(0.0, told_s + at_s - time.monotonic()))
            injector.press(key, place)


if __name__ == "__main__":
    take_part(sys.stdin, InputInjector())
