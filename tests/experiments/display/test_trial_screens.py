"""Every task's trials, drawn in a real window: to the pixel, nothing beside its place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from conditions.design.reading import find_design
from conditions.trials.condition_tables import write_tables
from tests.conftest import some

# One worker draws for all of them.
pytestmark = [pytest.mark.slow, pytest.mark.window, pytest.mark.xdist_group("trial screens")]

SCRIPT = Path(__file__).with_name("draw_trials.py")
GREY, GREEN = (128, 128, 128), (0, 172, 96)
FRAMED_LATER = {"framed_after_s": 0.1, "chosen_s": 0.1, "feedback_s": 0.1, "fixation_s": 0.1}
HORIZONTAL = {"queries": "horizontal", "query_offset": 116}


class Drawn:
    """What was drawn of one trial."""

    def __init__(self, folder):
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        self.row, self.stimuli = facts["row"], Path(facts["stimuli"])
        self.scale = facts["scale"]
        self.text_px = facts["text_px"]
        self.images, self.boxes = facts["images"], facts["boxes"]
        self.caps = facts["caps"]
        self.pictures = {}
        for path in sorted(folder.glob("*.png")):
            with Image.open(path) as image:
                self.pictures[path.stem] = np.asarray(image.convert("RGB")).astype(int)

    def part(self, name, phase, margin_px=0):
        """Return the pixels of a box, with some around it."""
        box, picture = (self.images | self.boxes | self.caps)[name], self.pictures[phase]
        middle = (picture.shape[1] // 2 + box["x"], picture.shape[0] // 2 - box["y"])
        half = (box["width"] // 2 + margin_px, box["height"] // 2 + margin_px)
        return picture[
            middle[1] - half[1] : middle[1] + half[1], middle[0] - half[0] : middle[0] + half[0]
        ]

    def edge(self, name, phase):
        """Return the commonest colour just above a box: that of its frame, where it has one."""
        above = self.part(name, phase, margin_px=2)[0]
        colors, counts = np.unique(above, axis=0, return_counts=True)
        return tuple(int(value) for value in colors[counts.argmax()])

    def beside(self, phase, around_px):
        """Return how many pixels are not grey though they lie in no box."""
        picture = self.pictures[phase]
        free = np.ones(picture.shape[:2], bool)
        height, width = free.shape
        for box in self.boxes.values():
            x, y = width / 2 + box["x"], height / 2 - box["y"]
            half_x, half_y = box["width"] / 2 + around_px, box["height"] / 2 + around_px
            free[
                max(0, int(y - half_y)) : int(y + half_y) + 1,
                max(0, int(x - half_x)) : int(x + half_x) + 1,
            ] = False
        return int((abs(picture - 128).max(-1) > 2)[free].sum())


CASES = {
    "two_afc": {"task": "two_afc", "trial": 6},
    "two_afc without references": {"task": "two_afc"},
    "two_afc vertical one_press": {"task": "two_afc", "trial": 6},
    "two_afc vertical two_step": {"task": "two_afc", "trial": 6, "confidence": "two_step"},
    "two_afc horizontal one_press": {"task": "two_afc", "trial": 6, "layout": HORIZONTAL},
    "two_afc horizontal two_step": {
        "task": "two_afc",
        "trial": 6,
        "layout": HORIZONTAL,
        "confidence": "two_step",
    },
    "occlusion": {"task": "occlusion", "durations": FRAMED_LATER},
    "occlusion without references": {"task": "occlusion", "number": 5},
    "exemplar_matching": {"task": "exemplar_matching"},
} | {
    f"{task} {width}": {"task": task, "size": (width, height), "language": "de", "trial": 6}
    for task in ("two_afc", "occlusion", "exemplar_matching")
    for width, height in ((1280, 800), (2560, 1440))
}


@pytest.fixture(scope="module")
def drawn(set_of, virtual_screen, tmp_path_factory):
    """What was drawn in each case, all by one process."""
    folder = tmp_path_factory.mktemp("drawn")
    cases = []
    for place, case in enumerate(CASES.values()):
        settings = {"number": 1, "size": (1920, 1080), "trial": 1} | case
        own = folder / str(place)
        own.mkdir()
        design = own / "drawn.yaml"
        design.write_text(yaml.safe_dump(design_data(**settings)), encoding="utf-8")
        stimuli = set_of(settings["task"])
        (table,) = write_tables(design, stimuli, [settings["number"]], own)
        cases.append(
            {"design": str(design), "table": str(table), "stimuli": str(stimuli)}
            | {"out": str(own / "out"), "size": settings["size"], "trial": settings["trial"]}
        )
    (folder / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    command = [sys.executable, str(SCRIPT), str(folder / "cases.json")]
    done = subprocess.run(command, env=virtual_screen, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {name: Drawn(Path(case["out"])) for name, case in zip(CASES, cases, strict=True)}


def design_data(task, layout=None, **settings):
    """Return a task's demo design with quick phases and changes, as its file's data."""
    data = yaml.safe_load(find_design(f"demo_{task}").read_text(encoding="utf-8"))
    quick = dict.fromkeys(("fixation_s", "chosen_s", "feedback_s", "blank_s"), 0.1)
    data |= {"name": "drawn", "durations": quick}
    data["feedback"] |= {"main": True}
    data["layout"] |= layout or {}
    kept = ("confidence", "language", "durations")
    return data | {key: value for key, value in settings.items() if key in kept}


def check_images(drawn, phase):
    """Check that every image of the row stands in its place, to the pixel."""
    shown = [name for name in drawn.images if drawn.row.get(name)]
    for name in shown:
        side = drawn.images[name]["width"]
        with Image.open(drawn.stimuli / drawn.row[name]) as image:
            wanted = image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        inner = slice(4, -4) if "feedback" in phase or "chosen" in phase else slice(None)
        assert (drawn.part(name, phase)[inner, inner] == np.asarray(wanted)[inner, inner]).all()
    return shown


@pytest.mark.parametrize(
    ("name", "images"),
    [
        ("two_afc", 20),
        ("two_afc without references", 2),
        ("occlusion", 12),
        ("occlusion without references", 3),
        ("exemplar_matching", 6),
    ],
)
def test_images_are_shown_to_the_pixel_and_nothing_lies_beside_its_place(drawn, name, images):
    trial = drawn[name]
    first = "matching_0" if "matching" in name else "queries_0"
    assert trial.scale == 1
    assert len(check_images(trial, first)) == images
    for phase in trial.pictures:
        if not phase.startswith("fixation"):
            # Frames and marks stand around boxes, and words below keys reach a little to the sides.
            assert trial.beside(phase, 1.5 * trial.text_px) == 0, phase
    (cross,) = (p for name, p in trial.pictures.items() if name.startswith("fixation"))
    assert (cross[540, 960] < 20).all()
    blank = next(p for name, p in trial.pictures.items() if name.startswith("blank"))
    assert (blank == 128).all()


@pytest.mark.parametrize("width", [1280, 2560])
@pytest.mark.parametrize("task", ["two_afc", "occlusion", "exemplar_matching"])
def test_other_screens(drawn, task, width):
    trial = drawn[f"{task} {width}"]
    assert (trial.scale < 1) == (width == 1280 and task == "two_afc")
    check_images(trial, "matching_0" if task == "exemplar_matching" else "queries_0")


@pytest.mark.parametrize("queries", ["vertical", "horizontal"])
@pytest.mark.parametrize("confidence", ["one_press", "two_step"])
def test_the_choice_is_framed_black_and_the_right_one_green(drawn, queries, confidence):
    trial = drawn[f"two_afc {queries} {confidence}"]
    assert max(trial.edge("query_a", "queries_0")) > 20
    phases = ["chosen_0", *(["confidence_0"] if confidence == "two_step" else [])]
    for phase in phases:
        assert max(trial.edge("query_a", phase)) < 20
        assert trial.edge("query_b", phase) == trial.edge("query_b", "queries_0")
    right = trial.row["correct_choice"]
    assert np.abs(np.subtract(trial.edge(f"query_{right}", "feedback_0"), GREEN)).max() < 6
    if right == "b":
        assert max(trial.edge("query_a", "feedback_0")) < 20


def dark_caps(trial, phase):
    """Return the keys that are dark in a phase."""
    return {name for name in some(trial.caps) if np.median(trial.part(name, phase)) < 40}


@pytest.mark.parametrize("queries", ["vertical", "horizontal"])
def test_the_key_that_was_given_is_dark(drawn, queries):
    at_once = drawn[f"two_afc {queries} one_press"]
    assert dark_caps(at_once, "queries_0") == set()
    for phase in ("chosen_0", "feedback_0"):
        assert dark_caps(at_once, phase) == {"a_3"}
    trial = drawn[f"two_afc {queries} two_step"]
    assert dark_caps(trial, "queries_0") == set()
    assert dark_caps(trial, "confidence_0") == {"a"}
    assert dark_caps(trial, "chosen_0") == {"a", "confidence_3"}
    assert dark_caps(trial, "feedback_0") == {"a"}


def test_the_frame_comes_after_a_while(drawn):
    trial = drawn["occlusion"]
    assert dark_caps(trial, "answered_0") == set()
    assert dark_caps(trial, "chosen_0") == {"a_3"}
    assert (trial.pictures["answered_0"] == trial.pictures["queries_0"]).all()
    assert max(trial.edge("query_a", "chosen_0")) < 20


def test_pairs_are_lines_with_numbers_at_both_ends(drawn):
    trial = drawn["exemplar_matching"]
    for pairs, (row, slot) in enumerate(((0, 2), (1, 1), (2, 0)), start=1):
        phase = f"matching_{pairs}"
        badges = [trial.part(name, phase) for name in (f"row_badge_{row}", f"slot_badge_{slot}")]
        assert np.abs(badges[0] - badges[1]).mean() < 4
        assert (badges[0] != trial.part(f"row_badge_{row}", "matching_0")).any()
    # The row whose turn it is has a frame; once all are paired, none has.
    assert max(trial.edge("row_0", "matching_0")) < 20
    assert max(trial.edge("row_1", "matching_1")) < 20
    assert trial.edge("row_0", "matching_1") == GREY
    assert all(trial.edge(f"row_{i}", "matching_3") == GREY for i in range(3))
    assert (trial.part("lines", "matching_0")[:, 4:-4] == 128).all()
    assert (np.abs(trial.part("lines", "matching_1") - 128).max(-1) > 40).any()
    # It can be confirmed, and the button says so, once every row has its half.
    assert (trial.part("confirm", "matching_2") != trial.part("confirm", "matching_3")).any()


def test_feedback_tells_right_pairs_from_wrong_ones_by_shapes(drawn):
    trial = drawn["exemplar_matching"]
    right = [trial.row[f"correct_slot_{i}"] == slot for i, slot in enumerate((2, 1, 0))]
    margin = trial.text_px + 4
    marks = [
        trial.part(f"row_badge_{i}", "feedback_3", margin_px=margin)[:margin, margin:-margin]
        for i in range(3)
    ]
    assert all((mark != 128).any() for mark in some(marks))
    for i in range(3):
        for j in range(3):
            alike = np.abs(marks[i] - marks[j]).mean() < 2
            assert alike == (right[i] == right[j])
