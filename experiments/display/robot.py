"""A participant in a process of its own that presses real keys (X11 only).

It is told which phase has come on the screen, asks an observer for the answer, and presses through
the X server, so that the keys reach the session as a person's would.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from conditions.errors import BadInput
from experiments.runner.observers import Observer, make_observer
from experiments.runner.pages import PAGE, Page
from experiments.runner.session import Session
from experiments.runner.two_afc import QUERIES, TwoAFCTrial

HOLD_S = 0.08
PAGE_S = 0.35


class Robot:
    """Starts the robot's process and tells it what is on the screen.

    Parameters
    ----------
    session
        The session that it takes part in.
    observer
        Name of the observer that answers.
    seed
        Fixes the observer's draws.

    Raises
    ------
    BadInput
        On a system without X11.
    """

    def __init__(self, session: Session, observer: str, seed: int) -> None:
        if sys.platform != "linux":
            raise BadInput("the robot presses keys through X11, which this system lacks")
        setup = {
            "observer": observer,
            "seed": seed,
            "stimuli": str(session.stimuli.folder.resolve()),
            "keys": {f"{c}{i}": key for key, (c, i) in session.design.keys.response.items()},
            "forward": session.design.keys.forward,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "experiments.display.robot"], stdin=subprocess.PIPE, text=True
        )
        self._send(setup)

    def __call__(self, phase: str, stage: Page | TwoAFCTrial) -> None:
        """Tell the robot of a phase that has come on the screen."""
        if phase == PAGE:
            self._send({"phase": PAGE})
        elif phase == QUERIES and isinstance(stage, TwoAFCTrial):
            self._send({"phase": QUERIES, "row": dict(stage.row)})

    def close(self) -> None:
        """End the robot's process."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(timeout=10)

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()


class Fingers:
    """Presses keys through the X server's test extension.

    A desktop's other windows are safe: while a window manager runs, keys are pressed only when the
    session's window has the focus.
    """

    def __init__(self) -> None:
        from Xlib.display import Display

        self._display = Display()
        root = self._display.screen().root
        check = self._display.intern_atom("_NET_SUPPORTING_WM_CHECK")
        self._managed = root.get_full_property(check, 0) is not None

    def press(self, key: str, hold_s: float = HOLD_S) -> None:
        """Press a key for a while, as soon as the session's window may have it."""
        from Xlib import XK, X
        from Xlib.ext import xtest

        while self._managed and not self._session_has_focus():
            time.sleep(0.1)
        keysym = XK.string_to_keysym({"escape": "Escape"}.get(key, key))
        code = self._display.keysym_to_keycode(keysym)
        xtest.fake_input(self._display, X.KeyPress, code)
        self._display.sync()
        time.sleep(hold_s)
        xtest.fake_input(self._display, X.KeyRelease, code)
        self._display.sync()

    def _session_has_focus(self) -> bool:
        window: Any = self._display.get_input_focus().focus
        while not isinstance(window, int):
            if window.get_wm_name() == "Unitscope":
                return True
            window = window.query_tree().parent
            if not window:
                return False
        return False


def take_part(lines: Any, fingers: Fingers) -> None:
    """Answer the messages of a session until there are no more."""
    setup = json.loads(next(lines))
    folder = Path(setup["stimuli"])
    observer: Observer = make_observer(setup["observer"], setup["seed"], folder.joinpath)
    for line in lines:
        message, told_s = json.loads(line), time.monotonic()
        if message["phase"] == PAGE:
            time.sleep(PAGE_S)
            fingers.press(setup["forward"])
        else:
            answer = observer.respond(message["row"])
            # Half the time that a person would take: nobody waits for a robot's thoughts.
            time.sleep(max(0.0, told_s + min(answer.rt_s, 2.0) / 2 - time.monotonic()))
            fingers.press(setup["keys"][f"{answer.choice}{answer.confidence}"])


if __name__ == "__main__":
    take_part(sys.stdin, Fingers())
