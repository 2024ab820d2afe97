"""Press keys by their position under several layouts, and write what is reported.

Run as a script: ``ptb`` or ``event``, and part of the keyboard's name, which may be empty.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

if sys.argv[1] == "event":
    sys.modules["psychtoolbox"] = None

from psychopy import logging, visual
from Xlib import X
from Xlib.display import Display
from Xlib.ext import xtest

from experiments.display.keyboard import find_keyboards, open_keyboard, system_layout

POSITIONS = {
    **{"1": 10, "2": 11, "3": 12, "6": 15, "9": 18, "0": 19, "minus": 20},
    **{"q": 24, "w": 25, "y": 29, "a": 38, "f": 41, "semicolon": 47, "z": 52, "m": 58},
    **{"comma": 59, "space": 65, "return": 36, "left": 113},
}
KEYPAD = {"7": 79, "4": 83, "5": 84, "2": 88, "3": 89, "0": 90, "return": 104}
"""US name of a key to its number under X11."""


def press(display, code):
    for event in (X.KeyPress, X.KeyRelease):
        xtest.fake_input(display, event, code)
        display.sync()
        time.sleep(0.05)


if __name__ == "__main__":
    logging.console.setLevel(logging.ERROR)
    win = visual.Window((300, 200), allowGUI=False)
    display = Display()
    keyboard = None
    reported = {}
    for language in ("us", "fr", "de"):
        subprocess.run(["setxkbmap", language], check=True)
        time.sleep(0.3)
        layout = system_layout()
        if keyboard is None or sys.argv[1] == "event":
            numbers = list(find_keyboards(sys.argv[2])) if sys.argv[2] else []
            keyboard = open_keyboard(numbers, layout)
        keys = []
        for name, code in [*POSITIONS.items(), *KEYPAD.items()]:
            win.flip()
            keyboard.presses()
            press(display, code)
            win.flip()
            keys.append([name, [one.key for one in keyboard.presses()]])
        reported[layout] = keys
    subprocess.run(["setxkbmap", "us"], check=True)
    print(json.dumps({"source": keyboard.name, "reported": reported}))
