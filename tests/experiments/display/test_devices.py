"""Response box, triggers and patch in real windowed sessions, over pseudo-terminals."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time

import pytest
import yaml
from PIL import Image

from conditions.trials.condition_tables import write_tables
from tests.conftest import first_quick
from tests.experiments.display.test_window import finish
from unitscope.columns import log_columns
from unitscope.tables import read_csv

pytestmark = pytest.mark.window

CODES = {
    **{"fixation": 1, "queries": 2, "queries.natural": 3, "confidence": 4, "response": 5},
    **{"feedback": 6, "blank": 7, "block_start": 8, "end": 9},
}
BUTTONS = {"f": 70, "3": 51, "space": 32}


class Line:
    """A serial line: the session has one end, the test the other."""

    def __init__(self) -> None:
        self.end, self._own = os.openpty()
        self.port = os.ttyname(self._own)
        self._ended = threading.Event()
        self.received = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        # A read that waits would keep the line plugged in.
        while not self._ended.is_set():
            if select.select([self.end], [], [], 0.02)[0]:
                self.received += os.read(self.end, 64)

    def unplug(self) -> None:
        if not self._ended.is_set():
            self._ended.set()
            self._thread.join()
            os.close(self._own)
            os.close(self.end)


@pytest.fixture
def lines():
    """Two serial lines: of the box and of the triggers."""
    found = Line(), Line()
    yield found
    for line in found:
        line.unplug()


@pytest.fixture
def begin(start, quick_design_file, stimulus_set, tmp_path):
    """Begin a session of a short design with changes."""

    def make(*options, before="", **changes):
        data = yaml.safe_load(quick_design_file.read_text(encoding="utf-8"))
        data |= {
            "name": "devices",
            "blocks": {"main": {"role": "main", "condition": "natural", "trials": 3}},
            "orders": [["main"]],
            "confidence": "two_step",
            "consent": False,  # the box has no button for it
        }
        path = tmp_path / "devices.yaml"
        path.write_text(yaml.safe_dump(data | changes), encoding="utf-8")
        (table,) = write_tables(path, stimulus_set, [1], tmp_path / "own")
        return start("--design", str(path), "--table", str(table), *options, before=before)

    return make


def session(tmp_path, *parts):
    return tmp_path / "data" / "devices" / "sub-p001" / "ses-01" / "/".join(parts)


def log_of(tmp_path):
    return read_csv(session(tmp_path, "trials.csv"), log_columns("two_afc"))


def facts_of(tmp_path):
    return json.loads(session(tmp_path, "session.json").read_text(encoding="utf-8"))


def push(line, process, until=lambda: False):
    """Push buttons one after the other until the session is over."""
    while process.poll() is None and not until():
        for byte in BUTTONS.values():
            os.write(line.end, bytes([0, byte]))  # 0 is no button: it is ignored
            time.sleep(0.15)


def test_a_session_is_answered_by_a_box_and_its_triggers_are_those_of_the_log(
    begin, lines, tmp_path
):
    box, triggers = lines
    process = begin(
        *("--override", "test", "--box-port", box.port, "--trigger-port", triggers.port),
        response_box={"port": "COM3", "keys": BUTTONS},
        triggers={"kind": "serial", "port": "COM4", "codes": CODES},
    )
    push(box, process)
    code, out, err = finish(process)
    assert code == 0, err
    assert "completed, 3 of 3 trials" in out
    log = log_of(tmp_path)
    assert set(log["response_source"]) == {"keyboard-ptb+serial-arrival"}
    assert set(log["choice"]) == {"a"}
    assert set(log["response_key"]) == {"f"}
    assert set(log["confidence"]) == {3}
    assert (log["rt_s"] > 0).all()
    assert (log["confidence_s"] > log["response_s"]).all()

    (run,) = facts_of(tmp_path)["runs"]
    assert run["override"] == "test"
    statuses = {check["name"]: check["status"] for check in run["preflight"]}
    assert statuses["monitor"] == statuses["refresh"] == "failed"
    assert statuses["keyboard"] == statuses["stimuli"] == "ok"
    assert "FAILED   monitor" in err, "whoever overrides is told what is wrong"

    # One pulse a code: it goes back to 0 before the next, and the log has every one in order.
    logged = [int(sent.split("=")[1]) for row in log["trigger"] for sent in row.split()]
    received = [byte for byte in triggers.received if byte]
    assert received == [*logged, CODES["end"]]
    assert triggers.received.count(0) >= len(received) - 3
    for row in log["trigger"]:
        events = [sent.split("=")[0] for sent in row.split()]
        assert [e for e in events if e != "block_start"] == [
            *("fixation", "queries.natural", "response", "confidence", "feedback", "blank")
        ]
    assert log["trigger"][0].startswith("block_start=8 fixation=1")


def test_a_box_that_is_unplugged_is_one_sentence_and_no_trial_is_lost(begin, lines, tmp_path):
    box, _ = lines
    process = begin("--override", "test", response_box={"port": box.port, "keys": BUTTONS})
    trials = session(tmp_path, "trials.csv")
    push(
        box,
        process,
        until=lambda: trials.exists() and trials.read_bytes().count(b"\n") > 1,
    )
    box.unplug()
    code, _, err = finish(process)
    assert code == 2
    assert "the box at" in err
    assert "Traceback" not in err
    assert len(log_of(tmp_path)) >= 1
    assert facts_of(tmp_path)["end_reason"] == "interrupted"


@pytest.mark.parametrize(
    ("changes", "options", "sentence"),
    first_quick(
        [
            ({"response_box": {"port": "/dev/none", "keys": {"f": 1}}}, [], "response_box: serial"),
            (
                {"triggers": {"kind": "serial", "port": "/dev/none", "codes": {"queries": 1}}},
                [],
                "triggers: serial port '/dev/none' cannot be opened",
            ),
            (
                {"triggers": {"kind": "parallel", "port": "/dev/none", "codes": {"queries": 1}}},
                [],
                "triggers: parallel port '/dev/none' cannot be opened",
            ),
            ({}, ["--hook", "no_such_lab:begin"], "No module named 'no_such_lab'"),
            ({"window": {"multisample": True}}, [], "did you mean 'multiSample'"),
            ({}, ["--window", "size=[10, 10]"], "window argument 'size' cannot be set"),
        ]
    ),
)
def test_a_device_that_is_missing_is_one_sentence(begin, changes, options, sentence):
    code, _, err = finish(begin("--override", "test", *options, **changes))
    assert code == 2
    assert sentence in err
    assert "Traceback" not in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("corner", "place"), [("lower_right", (1920 - 60, 1080 - 60)), ("upper_left", (0, 0))]
)
def test_the_patch_is_white_with_the_queries_and_black_else(begin, tmp_path, corner, place):
    shots = tmp_path / "shots"
    code, _, err = finish(
        begin(
            *("--robot", "graded", "--screenshots", str(shots)),
            photodiode={"on": True, "corner": corner, "size_px": 60},
        )
    )
    assert code == 0, err
    assert set(log_of(tmp_path)["photodiode"]) == {"on"}
    pictures = sorted(shots.glob("*.png"))
    assert len(pictures) > 5
    for picture in pictures:
        with Image.open(picture) as shot:
            patch = shot.convert("RGB").crop((*place, place[0] + 60, place[1] + 60))
            beside = shot.convert("RGB").getpixel((abs(place[0] - 61), abs(place[1] - 61)))
        level = 255 if picture.name.startswith("queries") else 0
        assert patch.getextrema() == ((level, level),) * 3, picture.name
        assert beside == (128, 128, 128), picture.name


LAB = """
from experiments.display.hook import FlipHook

class Count(FlipHook):
    flips = 0

    def on_flip(self, phase, stage):
        self.flips += 1

    def measured(self):
        return {"trigger": f"own {self.flips}"}

def begin(win):
    assert win.multiSample
    return Count()
"""


@pytest.mark.slow
def test_a_function_of_the_lab_is_called_with_the_window_and_may_give_a_hook(begin, tmp_path):
    (tmp_path / "my_lab.py").write_text(LAB, encoding="utf-8")
    options = ("--robot", "graded", "--hook", "my_lab:begin", "--window", "multiSample=true")
    process = begin(*options, before=f"sys.path.insert(0, {str(tmp_path)!r})")
    code, _, err = finish(process)
    assert code == 0, err
    assert log_of(tmp_path)["trigger"].str.startswith("own ").all()
    assert facts_of(tmp_path)["runs"][0]["hooks"] == ["my_lab:begin"]


MESSAGES = """
import sys, tables
with tables.open_file(sys.argv[1]) as file:
    events = file.root.data_collection.events
    for row in events.experiment.MessageEvent:
        print(row["text"].decode())
"""


@pytest.mark.slow
@pytest.mark.xdist_group("eye tracker")  # ioHub's server listens at a fixed port
def test_an_eye_tracker_records_the_session_and_gets_a_message_a_phase(begin, tmp_path):
    config = tmp_path / "mouse.yaml"
    config.write_text(
        "eyetracker.hw.mouse.EyeTracker: {runtime_settings: {sampling_rate: 50}}\n",
        encoding="utf-8",
    )
    code, _, err = finish(begin("--robot", "graded", "--eye-tracker", str(config)))
    assert code == 0, err
    assert facts_of(tmp_path)["runs"][0]["eye_tracker"] == "eyetracker.hw.mouse.EyeTracker"
    file = str(session(tmp_path, "eye_tracker_run-01.hdf5"))
    read = subprocess.run([sys.executable, "-c", MESSAGES, file], capture_output=True, text=True)
    said = read.stdout.splitlines()
    phases = ("fixation", "queries", "confidence", "chosen", "feedback", "blank")
    assert [m for m in said if m.startswith("trial ")] == [
        f"trial {number} {phase}" for number in (1, 2, 3) for phase in phases
    ], read.stderr
    assert said[-1] == "end"


@pytest.mark.slow
@pytest.mark.xdist_group("eye tracker")
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Keyboard: {}", "expected one key such as eyetracker.hw.mouse.EyeTracker"),
        ("eyetracker.hw.mouse.EyeTracker: {odd: 1}", "ioHub does not accept its settings"),
    ],
)
def test_an_eye_tracker_that_cannot_be_is_one_sentence(begin, tmp_path, text, sentence):
    config = tmp_path / "odd.yaml"
    config.write_text(text, encoding="utf-8")
    code, _, err = finish(begin("--robot", "graded", "--eye-tracker", str(config)))
    assert code == 2
    assert sentence in err
    assert "Traceback" not in err


ANY_MONITOR = "from experiments.display import coder; coder.find_monitor = lambda arguments: None"


def test_a_real_session_is_refused_where_the_preflight_fails(begin, tmp_path):
    code, _, err = finish(begin(before=ANY_MONITOR))
    assert code == 2
    assert "checks failed: refresh: " in err
    assert "monitor: no monitor was named (measure it with" in err
    assert 'or give --override "reason"' in err
    assert "Traceback" not in err
    assert list((tmp_path / "data").rglob("*")) == []


@pytest.mark.slow
def test_a_pilot_is_only_warned(begin, tmp_path):
    code, out, err = finish(begin("--pilot", "--size", "1280x800", "--robot", "graded"))
    assert code == 0, err
    assert "completed, 3 of 3 trials" in out
    assert "FAILED   refresh" in err
    assert "checks failed" not in err
