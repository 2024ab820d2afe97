"""Every judgement of the pre-flight, for a machine in order and for one that is not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.__main__ import parser
from experiments.lab import checks, machine
from experiments.lab.checks import FAILED, OK, WARNING
from unitscope.errors import BadInput

STEADY = [1 / 60] * 50
MONITOR = {"name": "lab", "gamma_measured": True, "size_px": [1920, 1080], "age_days": 3.0}
FULL = (1920, 1080)


@pytest.mark.parametrize(
    ("check", "status"),
    [
        (checks.judge_renderer({"renderer": "NVIDIA RTX A4000"}), OK),
        (checks.judge_renderer({"renderer": "llvmpipe (LLVM 15)"}), WARNING),
        (checks.judge_refresh(STEADY, waits=True), OK),
        (checks.judge_refresh(STEADY, waits=False), FAILED),
        (checks.judge_refresh([*STEADY, 0.05, 0.05], waits=True), WARNING),
        (checks.judge_load(STEADY, 1 / 60), OK),
        (checks.judge_load([*STEADY, *STEADY, 1 / 30], 1 / 60), WARNING),
        (checks.judge_load([*STEADY, 1 / 30, 1 / 30], 1 / 60), FAILED),
        (checks.judge_monitor(MONITOR, FULL), OK),
        (checks.judge_monitor(None, FULL), FAILED),
        (checks.judge_monitor(MONITOR | {"gamma_measured": False}, FULL), FAILED),
        (checks.judge_monitor(MONITOR, (1280, 800)), FAILED),
        (checks.judge_monitor(MONITOR | {"age_days": 91}, FULL), WARNING),
        (checks.judge_monitor(MONITOR | {"age_days": None}, FULL), WARNING),
        (checks.judge_keyboard("keyboard-ptb"), OK),
        (checks.judge_keyboard("keyboard-event"), FAILED),
        (checks.judge_press("f", 0.004), OK),
        (checks.judge_press(None, None), FAILED),
        (checks.judge_disk(50e9, 0.004), OK),
        (checks.judge_disk(1e9, 0.004), WARNING),
        (checks.judge_disk(50e9, 0.4), WARNING),
        (checks.judge_disk(1e6, 0.004), FAILED),
        (checks.judge_clock(0.00001, 3), OK),
        (checks.judge_clock(-0.2, 3), FAILED),
        (checks.judge_programs(["python", "bash"]), OK),
        (checks.judge_programs(["TiWorker.exe"]), WARNING),
        (checks.judge_programs(["gnome-shell"]), WARNING),
        (checks.judge_power(None), OK),
        (checks.judge_power(True), OK),
        (checks.judge_power(False), WARNING),
    ],
)
def test_a_judgement(check, status):
    assert check.status == status
    assert check.found
    assert (check.advice != "") == (status != OK), "advice for all that is not in order"


def test_the_table_shows_what_to_do():
    lines = checks.table([checks.judge_power(False), checks.judge_press("f", 0.001)]).split("\n")
    assert lines[0].startswith("WARNING  power      on battery")
    assert lines[1].strip() == "-> plug the power supply in"
    assert lines[2].startswith("ok       key press")


def test_a_machine_that_lists_no_power_supplies_counts_as_plugged_in(monkeypatch):
    def missing():
        raise FileNotFoundError("/sys/class/power_supply")

    monkeypatch.setattr(machine.psutil, "sensors_battery", missing, raising=False)
    assert machine.is_plugged() is None


def test_this_machine_can_be_looked_at(tmp_path):
    assert any("python" in name for name in machine.running_programs())
    free, sync_s = machine.disk(tmp_path / "new")
    assert free > 0
    assert sync_s >= 0
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot be written"):
        machine.disk(tmp_path / "file" / "below")


@pytest.mark.window
@pytest.mark.slow
def test_the_command_looks_at_a_window(virtual_screen, quick_design_file, stimulus_set, tmp_path):
    report = tmp_path / "check.json"
    where = ["--stimuli", str(stimulus_set), "--data", str(tmp_path / "data")]
    how = ["--no-press", "--json", str(report), "--size", "1920x1080"]
    done = subprocess.run(
        [sys.executable, "-m", "experiments", "check", str(quick_design_file), *where, *how],
        capture_output=True,
        text=True,
        env=virtual_screen,
        cwd=Path(__file__).parents[3],
        timeout=240,
    )
    assert done.returncode == 1, done.stderr
    found = {check["name"]: check for check in json.loads(report.read_text(encoding="utf-8"))}
    assert set(found) == {
        *("graphics", "refresh", "frames", "monitor", "keyboard", "disk", "programs", "power"),
        *("stimuli", "clock"),
    }
    assert found["monitor"]["status"] == FAILED
    assert "Hz" in found["refresh"]["found"]
    assert found["keyboard"]["status"] == OK
    assert "FAILED   monitor" in done.stdout
    guide = (Path(__file__).parents[3] / "docs" / "lab.md").read_text(encoding="utf-8")
    assert all(f"\n| {name} | " in guide for name in [*found, "key press"])
    assert list((tmp_path / "data").iterdir()) == [], "nobody's record is begun"


def test_the_guide_names_options_that_there_are():
    guide = (Path(__file__).parents[3] / "docs" / "lab.md").read_text(encoding="utf-8")
    (commands,) = (
        action for action in parser()._actions if hasattr(action, "choices") and action.choices
    )
    known = {"--monitor", "--override"}  # of the scripts that run sessions
    for command in ("calibrate", "check", "monitor"):
        known |= set(commands.choices[command]._option_string_actions)
    named = set(re.findall(r"--[a-z][a-z-]+", guide))
    assert named <= known
    assert len(named) > 15
