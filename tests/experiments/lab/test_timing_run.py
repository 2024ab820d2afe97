"""The tools measure on a virtual screen, and see faults that are planted in a session's code."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from experiments.lab.timing.series import OURS, PLAIN
from tests.conftest import some

LATE = """
from experiments.display import stepper
flipped = stepper.Stepper._flipped
def early(self, phase, stage):
    self.flip_s -= 0.2
    flipped(self, phase, stage)
stepper.Stepper._flipped = early
"""
"""Logs flips 200 ms too early, as if the screen were late."""

LOSING = """
from experiments.display import keyboard
presses = keyboard.HardwareKeyboard.presses
keyboard.HardwareKeyboard.presses = lambda self: [
    press for press in presses(self) if press.key == "space"
]
"""
"""Loses every press but those that turn pages."""

NO_X11 = """
from experiments.lab.timing import outside_observer
outside_observer.unavailable_reason = lambda: "there is none"
"""


def timing(environment, folder, *options: str, fault: str = "", trials: int = 2):
    """Run the command in a small window; returns the process and what it wrote as JSON."""
    out = folder / "timing.json"
    code = (
        f"import sys\n{fault}\nfrom experiments.__main__ import main\nsys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "timing", "--size", "640x480", "--json", str(out)]
    done = subprocess.run(
        [*command, "--trials", str(trials), *options],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
    )
    found = json.loads(out.read_text(encoding="utf-8")) if out.exists() else None
    return done, found


def of(found, measure: str, way: str) -> list[dict]:
    return [one for one in found["series"] if (one["measure"], one["way"]) == (measure, way)]


@pytest.mark.slow
@pytest.mark.window
def test_everything_is_measured_in_both_ways(virtual_screen, tmp_path):
    done, found = timing(virtual_screen, tmp_path)
    assert done.returncode == 0, done.stderr
    measures = ("start", "onset", "keys", "reaction", "durations", "frames", "memory")
    for measure in measures:
        for way in (OURS, PLAIN):
            own = of(found, measure, way)
            assert own, (measure, way)
            assert all(len(one["values"]) == one["n"] for one in some(own))
    assert "| keys | logged minus true time of a press of 8 ms" in done.stdout
    assert found["display"]["emulated"] is True
    (work,) = [
        one for one in of(found, "frames", OURS) if "own work before a flip, 60" in one["what"]
    ]
    assert work["n"] > 4
    for one in of(found, "onset", OURS) + of(found, "onset", PLAIN):
        assert one["n"] + one["lost"] == 2


@pytest.mark.slow
@pytest.mark.window
def test_an_onset_that_is_logged_too_early_is_seen(virtual_screen, tmp_path):
    done, found = timing(virtual_screen, tmp_path, "--measure", "onset", fault=LATE, trials=6)
    assert done.returncode == 0, done.stderr
    (ours,), (plain,) = of(found, "onset", OURS), of(found, "onset", PLAIN)
    assert ours["median"] - plain["median"] > 100


@pytest.mark.slow
@pytest.mark.window
def test_presses_that_no_trial_logs_are_counted(virtual_screen, tmp_path):
    done, found = timing(virtual_screen, tmp_path, "--measure", "keys", fault=LOSING)
    assert done.returncode == 0, done.stderr
    assert [(one["n"], one["lost"]) for one in of(found, "keys", OURS)] == [(0, 2), (0, 2)]


@pytest.mark.window
def test_without_x11_what_presses_is_refused_and_the_rest_measured(virtual_screen, tmp_path):
    options = ["--measure", "keys", "--measure", "memory"]
    done, found = timing(virtual_screen, tmp_path, *options, fault=NO_X11)
    assert done.returncode == 0, done.stderr
    assert "not measured: keys: there is none" in done.stderr
    assert {one["measure"] for one in found["series"]} == {"memory"}


def test_without_x11_there_is_nothing_to_measure_with_alone(virtual_screen, tmp_path):
    done, found = timing(virtual_screen, tmp_path, "--measure", "reaction", fault=NO_X11)
    assert done.returncode == 2 and found is None
    assert "not measured: reaction: there is none" in done.stderr
