"""Lay out every page, rating and comment in real windows and write how large their letters are.

Run as a script: the sizes of windows, such as 1280x800, then languages after a comma.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

from psychopy import visual

from conditions.design.reading import read_design
from experiments.display.comment_screen import CommentScreen
from experiments.display.page_screen import PageScreen
from experiments.display.slider_screen import SliderScreen
from experiments.display.window import open_window
from experiments.runner.pages import Page, PageText
from unitscope.texts import read_texts

DESIGN = read_design("demo_two_afc")
REFERENCES = [f"references_two_afc_{c}" for c in ("natural", "synthetic", "none")]


def pages_of(texts):
    """Return every text of a page, filled in with long values, and those that are joined."""
    values = defaultdict(lambda: "125", leave="Esc", pause="P", trials=texts.rounds)
    keys = [p.format_map(values) for n, p in texts.pages.items() if n.startswith("keys_")]
    values["answer"] = max(keys, key=len)
    pages = {name: text.format_map(values) for name, text in texts.pages.items()}
    longest = max((t for n, t in pages.items() if n.startswith("references_")), key=len)
    joined = [pages["references_several"], *(pages[name] for name in REFERENCES)]
    pages["all_references"] = "\n\n".join(joined)
    pages["part"] = "\n\n".join([pages["part"], pages["practice_until_right"], longest])
    pages["break"] = "\n\n".join([pages["block_score"], pages["rest"]])
    return pages


def texts_in(parts):
    """Return the letters' height and the bounds of every text among some parts."""
    found = []
    for part in parts:
        if isinstance(part, visual.TextStim):
            width, height = (float(n) for n in part.boundingBox)
            x, y = (float(n) for n in part.pos)
            found.append(
                {
                    "text": part.text,
                    "height_px": float(part.height),
                    "box": [x - width / 2, y - height / 2, x + width / 2, y + height / 2],
                }
            )
    return found


def measure(win, texts, text_px):
    """Return the texts of every screen."""
    hint = texts.agree.format(agree="1", decline="2")
    screen = PageScreen(win, DESIGN, texts, text_px, Path)
    measured = {}
    for name, text in pages_of(texts).items():
        page = Page(PageText(name, text, hint), DESIGN.keys)
        screen.load(page)
        parts = [part for own in screen._screens for part in own]
        if name.startswith("example"):
            content = page.content
            parts = screen._stacked(content.heading, content.body, screen._boxes.upper, at_top=True)
        measured[name] = texts_in(parts)
    for phase, parts in screen._overlays.items():
        measured[phase] = texts_in(parts)
    slider = SliderScreen(win, DESIGN, texts, text_px, Path)
    for unplaced, words in slider._hints.items():
        measured[f"rating_{unplaced}"] = texts_in([*slider._fixed, words])
    measured["comment"] = texts_in(CommentScreen(win, texts, text_px)._fixed)
    return measured


if __name__ == "__main__":
    sizes, languages = (argument.split(",") for argument in sys.argv[1:3])
    everything = {}
    for size in sizes:
        width, height = map(int, size.split("x"))
        display = open_window(None, full_screen=False, size=(width, height))
        for language in languages:
            everything[f"{size}/{language}"] = measure(display.win, read_texts(language), 26)
        display.close()
    Path(sys.argv[3]).write_text(json.dumps(everything), encoding="utf-8")
