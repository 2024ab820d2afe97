"""Codes, pulses and ports of triggers, and the response box, without a window."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conditions.design.device_settings import ResponseBox, Triggers
from experiments.display.triggers import Pulses, TriggerHook
from experiments.runner.responses import Press
from experiments.runner.tasks import make_trial
from unitscope.errors import BadInput

ROOT = Path(__file__).parents[3]
WAIT_S = 10


class Port:
    """Keeps what it is sent, and breaks when it is told to."""

    resets = True

    def __init__(self):
        self.sent, self.closed, self.broken = [], False, False

    def send(self, code):
        if self.broken:
            raise OSError(5, "Input/output error")
        self.sent.append(code)

    def close(self):
        self.closed = True


def wait_for(condition):
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_pulse_ends_by_itself():
    port = Port()
    pulses = Pulses(port, 0.02)
    assert pulses.send(7)
    assert port.sent[0] == 7, "nobody waits for the pulse to end"
    wait_for(lambda: port.sent == [7, 0])
    pulses.close()
    assert port.sent == [7, 0]
    assert port.closed


def test_a_code_within_a_pulse_is_not_cut_off_by_the_one_before():
    port = Port()
    pulses = Pulses(port, 30)
    pulses.send(7)
    pulses.send(8)
    pulses._reset(1)  # the first pulse's end, come too late to be called off
    assert port.sent == [7, 8]
    pulses.close()
    assert port.sent == [7, 8, 0], "the line is left at 0"


def test_no_pulse_where_none_is_wanted_or_the_port_holds_no_level():
    for pulse_s, resets in ((0.0, True), (0.01, False)):
        port = Port()
        port.resets = resets
        pulses = Pulses(port, pulse_s)
        pulses.send(7)
        assert pulses._timer is None
        pulses.close()
        assert port.sent == [7]


@pytest.fixture
def trial(quick_design, request_for):
    """A trial of the quick design that is not begun."""
    from experiments.runner.session import Session

    with Session.open(request_for()) as session:
        row = next(row for row in session.rows if row["reference_condition"] == "natural")
    return make_trial(row, quick_design, 1 / 60, None)


def go_through(trial, hook, press_at="queries"):
    """Step a trial to its end and have the hook told as the stepper tells it."""
    now_s, shown, pressed = 1.0, "", False
    while True:
        presses = []
        if shown == press_at and not pressed:
            presses, pressed = [Press(now_s, "f")], True
        phase = trial.step(now_s, presses)
        if phase == "done":
            return hook.measured()["trigger"]
        hook.draw(phase, trial)
        now_s += 1 / 60
        trial.flipped(now_s)
        if phase != shown:
            shown = phase
            hook.on_flip(phase, trial)


CODES = {"fixation": 1, "queries": 2, "queries.natural": 3, "response": 5, "chosen": 4}


def test_what_is_sent_is_what_the_log_says(trial):
    port = Port()
    hook = TriggerHook(Triggers("serial", "x", pulse_s=0, codes=CODES), port)
    said = go_through(trial, hook)
    assert said == "fixation=1 queries.natural=3 response=5 chosen=4"
    assert port.sent == [1, 3, 5, 4]
    assert hook.measured()["trigger"] is None, "nothing is said twice"


def test_a_port_that_is_lost_is_one_sentence(trial):
    port = Port()
    hook = TriggerHook(Triggers("serial", "COM7", pulse_s=0, codes=CODES), port)
    port.broken = True
    hook.on_flip("fixation", trial)
    with pytest.raises(BadInput, match="COM7 accepts no more codes"):
        hook.draw("fixation", trial)
    assert hook.measured()["trigger"] is None, "what was not sent is not said to be"


PYLSL = """
class StreamInfo:
    def __init__(self, *given):
        print("info", *given)

class StreamOutlet:
    def __init__(self, info):
        pass

    def push_sample(self, sample):
        print("sample", sample)
"""

PARALLEL = """
from psychopy import parallel

class Port:
    def __init__(self, address):
        print("address", address)

    def setData(self, code):
        print("pins", code)

parallel.ParallelPort = Port
"""

SEND = """
from conditions.design.device_settings import Triggers
from experiments.display.trigger_ports import open_trigger_port
port = open_trigger_port(Triggers({kind!r}, {port!r}, codes=dict(queries=1)))
port.send(9)
port.close()
"""


def run(code, folder):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def test_a_stream_of_lsl_gets_codes(tmp_path):
    (tmp_path / "pylsl.py").write_text(PYLSL, encoding="utf-8")
    done = run(SEND.format(kind="lsl", port="markers"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "info markers Markers 1 0 int32 unitscope\nsample [9]\n"


def test_without_pylsl_it_is_one_sentence(tmp_path):
    (tmp_path / "pylsl.py").write_text("raise RuntimeError('no liblsl')", encoding="utf-8")
    done = run(SEND.format(kind="lsl", port="markers"), tmp_path)
    assert "kind is lsl, but pylsl cannot be used (no liblsl)" in done.stderr


@pytest.mark.parametrize(("port", "address"), [("0x0378", "888"), ("/dev/parport0",) * 2])
def test_the_pins_of_a_parallel_port_get_codes(tmp_path, port, address):
    done = run(PARALLEL + SEND.format(kind="parallel", port=port), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"address {address}", "pins 0", "pins 9"]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_bytes_of_a_box_are_keys_in_the_order_of_their_arrival():
    from psychopy import logging

    from experiments.display.serial_box import SerialBox

    end, own = os.openpty()
    box = SerialBox(ResponseBox(os.ttyname(own), keys={"f": 1, "j": 2}))
    before_s = logging.defaultClock.getTime()
    os.write(end, bytes([1, 99, 2, 1]))
    found = []
    wait_for(lambda: found.extend(box.presses()) or len(found) >= 3)
    assert [press.key for press in found] == ["f", "j", "f"]
    times = [press.time_s for press in found]
    assert times == sorted(times)
    assert before_s <= times[0] <= times[-1] <= logging.defaultClock.getTime()

    os.close(own)
    os.close(end)

    def is_lost():
        try:
            return box.presses()
        except BadInput as error:
            return "was lost" in str(error)

    wait_for(is_lost)
    box.close()
