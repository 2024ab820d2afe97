"""What stands around the trials: a real window, real keys, and letters that can be read."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from PIL import Image

from conditions.design.reading import find_design
from conditions.trials.condition_tables import write_tables
from experiments.runner.page_layout import READABLE_PX
from tests.conftest import some
from tests.experiments.display.test_window import TIME_OUT_S, finish
from unitscope.columns import RATING_COLUMNS, table_columns
from unitscope.tables import read_csv
from unitscope.texts import languages

pytestmark = pytest.mark.window

SCRIPT = Path(__file__).with_name("measure_pages.py")
SIZES = ("1280x800", "1920x1080")


HAND = """
import json, sys, time
from Xlib import XK
from Xlib.display import Display
from experiments.display.robot import InputInjector

# The server forgets its layout once nobody is connected.
display = Display()
grave = display.keysym_to_keycode(XK.string_to_keysym("grave"))
display.change_keyboard_mapping(grave, [[XK.string_to_keysym("odiaeresis")] * 4])
display.sync()
injector = InputInjector()
print("ready", flush=True)
for line in sys.stdin:
    for key in json.loads(line):
        injector.press(key)
        time.sleep(0.15)
    print("pressed", flush=True)
"""


@pytest.fixture
def hand(virtual_screen):
    """Return a function that presses real keys; the key left of 1 types an umlaut, as in German."""
    command = [sys.executable, "-c", HAND]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=virtual_screen, text=True, stdin=pipe, stdout=pipe) as own:
        assert own.stdout.readline() == "ready\n"

        def press(*keys):
            own.stdin.write(json.dumps(keys) + "\n")
            own.stdin.flush()
            assert own.stdout.readline() == "pressed\n"

        yield press


@pytest.fixture
def start_around(start, stimulus_set, tmp_path):
    """Start a session of one trial with everything around it."""
    data = yaml.safe_load(find_design("demo_two_afc").read_text(encoding="utf-8")) | {
        "name": "around",
        "durations": {"fixation_s": 0.1, "chosen_s": 0.05, "feedback_s": 0.1, "blank_s": 0.05},
        "blocks": {"main": {"role": "main", "condition": "natural", "trials": 1}},
        "orders": [["main"]],
        "ratings": {"pool": "practice", "before": 1, "after": 1},
        "consent": True,
        "instructions": ["greeting", "example", "ready"],
        "comment": True,
    }
    path = tmp_path / "around.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    (table,) = write_tables(path, stimulus_set, [1], tmp_path / "tables")

    def begin(*options, **settings):
        around = ("--design", str(path), "--table", str(table))
        return start(*around, "--screenshots", str(tmp_path / "shots"), *options, **settings)

    return begin


def wait_for_screen(process, path):
    """Wait until the picture of a screen is whole, and the flip that follows it is over."""
    deadline = time.monotonic() + TIME_OUT_S
    while True:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, path
        try:
            with Image.open(path) as picture:
                picture.load()
            break
        except OSError:
            time.sleep(0.05)
    time.sleep(0.5)


def folder(tmp_path, session=1):
    return tmp_path / "data" / "around" / "sub-p001" / f"ses-{session:02d}"


def facts(tmp_path, session=1):
    return json.loads((folder(tmp_path, session) / "session.json").read_text(encoding="utf-8"))


def ratings(tmp_path):
    return read_csv(folder(tmp_path) / "ratings.csv", RATING_COLUMNS)


def test_a_person_rates_reads_answers_and_comments(start_around, hand, tmp_path):
    shots = tmp_path / "shots"
    process = start_around("--override", "test")

    def act(shown, *keys):
        wait_for_screen(process, shots / f"{shown}.png")
        hand(*keys)

    act("page_consent_01", "space", "1")
    act("page_greeting_01", "space")
    act("page_ratings_before_01", "space")
    # Neither may be confirmed before the marker was placed.
    act("unrated_rating_before_01", "space", "right")
    act("rated_rating_before_01", "right", "up", "left", "space")
    # Nobody can turn back to the pages before the ratings.
    act("page_example_natural_01", "left", "right")
    act("page_ready_01", "left")
    act("page_example_natural_02", "space")
    act("page_ready_02", "space")
    assert facts(tmp_path)["consent_utc"]
    assert len(ratings(tmp_path)) == 1
    act("page_part_01", "space")
    act("queries_natural_01", "j")
    act("page_ratings_after_01", "space")
    act("unrated_rating_after_01", "KP_5", "space")
    typed = ["x", "backspace", "space", "q", "return", "odiaeresis", "KP_1", "home", "delete"]
    moved = [
        "left",
        "left",
        "left",
        "left",
        "left",
        "p",
        "end",
        "down",
        "odiaeresis",
        "1",
        "KP_Enter",
    ]
    act("typing_comment_01", *typed, *moved, "F10")
    act("page_end_01", "space")
    code, out, err = finish(process)
    assert code == 0, err
    assert "completed" in out

    given = ratings(tmp_path)
    assert given["moment"].tolist() == ["before", "after"]
    assert given["rating"].tolist() == [1, 0]
    assert (given["rt_s"] > 0).all()
    assert set(given["response_source"]) == {"keyboard-ptb"}
    assert facts(tmp_path)["comment"] == "p q\nö1\n"
    assert facts(tmp_path)["instruction_s"] > 1


def test_practice_that_never_succeeds_ends_at_the_experimenter(study, hand):
    short = study("occlusion")
    design = yaml.safe_load(short.design.read_text(encoding="utf-8"))
    design |= {"consent": False, "practice": {"until_all_right": True, "max_rounds": 2}}
    design["blocks"]["practice"] = {
        "role": "practice",
        "condition": "natural",
        "trials": 1,
        "pool": "practice",
    }
    short.design.write_text(yaml.safe_dump(design), encoding="utf-8")
    (table,) = write_tables(short.design, short.stimuli, [1], short.folder / "practised")
    practised = read_csv(table, table_columns("occlusion"))
    wrong = ["fj"["ab".index(choice) - 1] for choice in practised["correct_choice"][:2]]
    shots = short.folder / "shots"
    process = short.start_coder(override="test", table=str(table), screenshots=str(shots))

    def act(shown, *keys):
        wait_for_screen(process, shots / f"{shown}.png")
        hand(*keys)

    act("page_greeting_01", "space")
    act("page_task_01", "space")
    act("page_part_01", "left")
    act("page_greeting_02", "space")
    act("page_task_02", "space")
    act("page_part_02", "space")
    act("queries_natural_01", wrong[0])
    act("page_again_01", "space")
    act("queries_natural_02", wrong[1])
    # The participant's own key does not continue.
    act("page_practice_limit_01", "space", "c")
    act("page_part_03", "escape", "q")
    code, out, err = finish(process)
    assert code == 0, err
    assert "aborted, 2 of" in out
    known = short.facts("coder")
    assert (known["practice_rounds"], len(known["practice_limits_utc"])) == (2, 1)


@pytest.mark.slow
def test_a_robot_does_all_of_it_by_itself(start_around, tmp_path):
    code, out, err = finish(start_around("--robot", "graded"))
    assert code == 0, err
    assert "completed, 1 of 1 trials" in out
    assert len(ratings(tmp_path)) == 2
    assert isinstance(facts(tmp_path)["comment"], str)


def test_whoever_declines_is_let_go(start_around, hand, tmp_path):
    shots = tmp_path / "shots"
    process = start_around("--override", "test")
    wait_for_screen(process, shots / "page_consent_01.png")
    hand("2")
    wait_for_screen(process, shots / "page_declined_01.png")
    hand("space")
    code, out, err = finish(process)
    assert code == 0, err
    assert "declined" in out
    assert facts(tmp_path)["end_reason"] == "declined"
    assert not (folder(tmp_path) / "trials.csv").exists()


def test_the_comment_scrolls_with_its_caret_and_says_when_it_is_full(virtual_screen, tmp_path):
    script = SCRIPT.with_name("draw_comments.py")
    command = [sys.executable, str(script), str(tmp_path), ",".join(languages())]
    done = subprocess.run(command, env=virtual_screen, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    states = json.loads((tmp_path / "states.json").read_text(encoding="utf-8"))
    for state in some(states):
        left, bottom, right, top = state["inner"]
        x, y = state["caret"]
        assert left <= x <= right, state
        assert bottom < y < top, state
        assert state["caret_line"] in state["drawn"], state
        # Nothing stands out, and PsychoPy broke no line of ours again.
        width, height = state["drawn_px"]
        assert width <= right - left, state
        assert height == pytest.approx(state["rows_px"], abs=2), state
        assert height <= top - bottom, state
        assert state["full"] == (state["length"] == 1000), state
    named = {state["name"]: state for state in states}
    assert not named["long_en"]["scrolls"]
    assert named["lower_en"]["scrolls"]
    assert named["top_en"]["thumb"] > named["lower_en"]["thumb"] > named["full_en"]["thumb"]


@pytest.fixture(scope="module")
def measured(virtual_screen, tmp_path_factory):
    """Every text of every screen, measured in real windows."""
    out = tmp_path_factory.mktemp("measured") / "texts.json"
    command = [sys.executable, str(SCRIPT), ",".join(SIZES), ",".join(languages()), str(out)]
    done = subprocess.run(command, env=virtual_screen, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.xdist_group("texts")  # one worker measures for all of them
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", languages())
def test_every_text_fits_and_can_be_read(measured, size, language):
    width, height = map(int, size.split("x"))
    for name, texts in some(measured[f"{size}/{language}"].items()):
        for text in some(texts):
            left, bottom, right, top = text["box"]
            assert -width / 2 <= left < right <= width / 2, (name, text)
            assert -height / 2 <= bottom < top <= height / 2, (name, text)
            assert text["height_px"] >= READABLE_PX, (name, text)
        pairs = itertools.combinations(texts, 2)
        assert [pair for pair in pairs if overlap(*(text["box"] for text in pair))] == [], name


def overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
