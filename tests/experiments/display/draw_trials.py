"""Draw every phase of some trials in a real window and save the pictures.

Run as a script: a JSON file of cases, each with a design, condition table, stimulus set, folder for
the pictures, size of the window, and number of the trial.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from conditions.design.reading import read_design
from conditions.trials.condition_tables import read_table
from experiments.display.drawing import WindowCanvas
from experiments.display.window import open_window
from experiments.runner.answers import Choice, Pairing
from experiments.runner.phases import DONE
from experiments.runner.placements import placements, sort_of
from experiments.runner.record import plain_rows
from experiments.runner.responses import Press
from experiments.runner.tasks import make_trial
from experiments.runner.trial import CONTINUE
from experiments.screens.trials import TrialScreens
from unitscope.stimulus_set import StimulusSet
from unitscope.texts import read_texts

FRAME_S = 1 / 60


def answer_of(design):
    """Return an answer: query a, for sure, or the upper right half to the last row."""
    return Pairing((2, 1, 0), 1.0) if design.task == "exemplar_matching" else Choice("a", 3, 0.5)


def draw(win, screens, trial, answer, folder):
    """Step through a trial; save the first frame of each phase, and one of every pair made."""
    screens.load(trial)
    now_s, shown, coming = 1.0, None, []
    while True:
        due = [press for press in coming if press.time_s <= now_s]
        coming = [press for press in coming if press.time_s > now_s]
        phase = trial.step(now_s, due)
        if phase == DONE:
            return
        state = (phase, len(getattr(trial, "pairs", ())))
        if state != shown:
            screens.draw(phase, trial)
            win._getFrame(buffer="back").save(folder / f"{phase}_{state[1]}.png")
            win.clearBuffer()
        now_s += FRAME_S
        trial.flipped(now_s)
        if phase == trial.answering[0] and (shown is None or shown[0] != phase):
            coming = [
                Press(now_s + press.time_s, press.key, press.place)
                for press in trial.presses_for(answer)
            ]
        if phase == CONTINUE and shown[0] != phase:
            coming = [trial.press_for(CONTINUE, now_s + 0.1)]
        shown = state


def draw_case(displays, case):
    """Draw one trial and write where everything stands in it."""
    design, folder = read_design(case["design"]), Path(case["out"])
    rows = plain_rows(read_table(Path(case["table"])))
    size = tuple(case["size"])
    if size not in displays:
        displays[size] = open_window(None, full_screen=False, size=size)
        displays[size].win.mouseVisible = False
    win, screen = displays[size].win, displays[size].screen
    win.winHandle.switch_to()
    file = StimulusSet.open(Path(case["stimuli"])).file
    texts = read_texts(design.language)
    screens = TrialScreens(WindowCanvas(win), design, texts, screen, rows, file, shrink=True)
    (row,) = (row for row in rows if row["trial_number"] == case["trial"])
    folder.mkdir()
    draw(win, screens, make_trial(row, design, FRAME_S), answer_of(design), folder)
    placement = placements(rows, design, screen, shrink=True)[sort_of(row, design)]
    facts = {
        "row": row,
        "stimuli": case["stimuli"],
        "scale": placement.scale,
        "text_px": placement.text_px,
        "images": {name: vars(box) for name, box in placement.images().items()},
        "boxes": {name: vars(box) for name, box in placement.boxes().items()},
        "caps": {name: vars(box) for name, box in getattr(placement, "caps", {}).items()},
    }
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    opened: dict = {}
    for one in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        draw_case(opened, one)
