"""Type into a comment in a real window, save pictures, and write what the screen holds.

Run as a script: a folder, then languages after a comma.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from conditions.design.keys import Keys
from experiments.display.comment_screen import CommentScreen
from experiments.display.window import open_window
from experiments.runner.comment import LONGEST, Comment
from experiments.runner.responses import Press
from unitscope.texts import read_texts

WORDS = "I looked for stripes and fur first, then for whatever the photographs had in common. "
STEPS = {
    "empty": [],
    "short": ["return", *"Ich sah Größe: ñ", "left"],
    "long": list(WORDS * 9),
    "upper": ["up"] * 12,
    "corrected": ["home", *"X" * 60, "delete", "delete"],
    "lower": [*["down"] * 40, *["return"] * 12, *"and colours"],
    "full": [*["down"] * 40, "end", *"ab" * LONGEST],
    "middle": ["up"] * 14,
    "top": ["up"] * 60,
}
"""Keys that are pressed one after the other, and the name of what they lead to."""

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    display = open_window(None, full_screen=False, size=(1280, 800))
    states = []
    for language in sys.argv[2].split(","):
        screen = CommentScreen(display.win, read_texts(language), 22)
        comment = Comment(Keys())
        comment.flipped(0.0)
        screen.load(comment)
        for i, (name, keys) in enumerate(STEPS.items()):
            comment.step(i + 1.5, [Press(i + 1, key) for key in keys])
            screen.draw("typing", comment)
            display.win._getFrame(buffer="back").save(folder / f"{name}_{language}.png")
            display.win.clearBuffer()
            line, _ = comment.caret_place
            states.append(
                {
                    "name": f"{name}_{language}",
                    "caret_line": comment.lines[line].rstrip("\n") or " ",
                    "drawn": screen._typed.text.split("\n"),
                    "drawn_px": [float(n) for n in screen._typed.boundingBox],
                    "rows_px": screen._pitch * (len(screen._typed.text.split("\n")) - 1)
                    + screen._line_px,
                    "caret": [float(n) for n in screen._caret.pos],
                    "inner": [
                        getattr(screen._inner, s) for s in ("left", "bottom", "right", "top")
                    ],
                    "scrolls": screen._scrolls,
                    "thumb": float(screen._thumb.pos[1]),
                    "full": screen._is_full,
                    "length": len(comment.text),
                }
            )
    (folder / "states.json").write_text(json.dumps(states), encoding="utf-8")
