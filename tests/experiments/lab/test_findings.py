"""Every finding of the checks before a session, for a good machine and for a bad one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from conditions.design.device_settings import ResponseBox
from conditions.design.presentation import Layout
from conditions.design.reading import read_design
from experiments.__main__ import parser
from experiments.lab import findings, preflight
from experiments.lab.findings import FAILED, OK, WARNING
from experiments.runner.layout import Screen
from unitscope.errors import BadInput

STEADY = [1 / 60] * 50
MONITOR = {"name": "lab", "gamma_measured": True, "size_px": [1920, 1080], "age_days": 3.0}
MONITOR["distance_cm"] = 57.0
FULL = (1920, 1080)
OWN_KEYS = {"agree": "y", "decline": "n", "forward": "tab"}


@pytest.mark.parametrize(
    ("check", "status"),
    [
        (findings.judge_renderer({"renderer": "NVIDIA RTX A4000"}), OK),
        (findings.judge_renderer({"renderer": "llvmpipe (LLVM 15)"}), WARNING),
        (findings.judge_refresh(STEADY, waits=True), OK),
        (findings.judge_refresh(STEADY, waits=False), FAILED),
        (findings.judge_refresh([*STEADY, 0.05, 0.05], waits=True), WARNING),
        (findings.judge_load(STEADY, 1 / 60), OK),
        (findings.judge_load([*STEADY, *STEADY, 1 / 30], 1 / 60), WARNING),
        (findings.judge_load([*STEADY, 1 / 30, 1 / 30], 1 / 60), FAILED),
        (findings.judge_monitor(MONITOR, FULL), OK),
        (findings.judge_monitor(None, FULL), FAILED),
        (findings.judge_monitor(MONITOR | {"gamma_measured": False}, FULL), FAILED),
        (findings.judge_monitor(MONITOR, (1280, 800)), FAILED),
        (findings.judge_monitor(MONITOR | {"gamma_set": False}, FULL), FAILED),
        (findings.judge_layout("", Layout(), Screen(1920, 1080)), OK),
        (findings.judge_layout("", Layout(), Screen(2560, 1440)), WARNING),
        (findings.judge_layout("", Layout(), Screen(2560, 1440, 60, 57)), OK),
        (findings.judge_layout("", Layout(unit="deg"), Screen(2560, 1440)), OK),
        (findings.judge_layout("too large; change it", Layout(), Screen(1280, 800)), FAILED),
        (findings.judge_monitor(MONITOR | {"age_days": 91}, FULL), WARNING),
        (findings.judge_monitor(MONITOR | {"age_days": None}, FULL), WARNING),
        (findings.judge_keyboard("keyboard-ptb", {}), OK),
        (findings.judge_distance(None, None), OK),
        (findings.judge_distance(MONITOR, None), WARNING),
        (findings.judge_distance(MONITOR, 57 * 1.04), OK),
        (findings.judge_distance(MONITOR, 57 * 1.06), FAILED),
        (findings.judge_distance(MONITOR, 50.0), FAILED),
        (findings.judge_keyboard("keyboard-event", {}), FAILED),
        (findings.judge_press("f", 0.004), OK),
        (findings.judge_press(None, None), FAILED),
        (findings.judge_disk(50e9, 0.004), OK),
        (findings.judge_disk(1e9, 0.004), WARNING),
        (findings.judge_disk(50e9, 0.4), WARNING),
        (findings.judge_disk(1e6, 0.004), FAILED),
        (findings.judge_clock(0.00001, 3), OK),
        (findings.judge_clock(-0.2, 3), FAILED),
        (findings.judge_programs(["python", "bash"]), OK),
        (findings.judge_programs(["TiWorker.exe"]), WARNING),
        (findings.judge_programs(["gnome-shell"]), WARNING),
        (findings.judge_power(None), OK),
        (findings.judge_power(True), OK),
        (findings.judge_power(False), WARNING),
    ],
)
def test_a_judgement(check, status):
    assert check.status == status
    assert check.found
    assert (check.advice != "") == (status != OK), "advice for all that is not in order"


def test_the_table_shows_what_to_do():
    lines = findings.table([findings.judge_power(False), findings.judge_press("f", 0.001)]).split(
        "\n"
    )
    assert lines[0].startswith("WARNING  power      on battery")
    assert lines[1].strip() == "-> plug in the power supply"
    assert lines[2].startswith("ok       key press")


def test_a_machine_that_lists_no_power_supplies_counts_as_plugged_in(monkeypatch):
    def missing():
        raise FileNotFoundError("/sys/class/power_supply")

    monkeypatch.setattr(preflight.psutil, "sensors_battery", missing, raising=False)
    assert preflight.is_plugged() is None


def test_this_machine_can_be_looked_at(tmp_path):
    assert any("python" in name for name in preflight.running_programs())
    free, sync_s = preflight.measure_disk(tmp_path / "new")
    assert free > 0
    assert sync_s >= 0
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot be written"):
        preflight.measure_disk(tmp_path / "file" / "below")


@pytest.mark.parametrize(
    ("buttons", "changes", "lacking"),
    [
        (["1", "2", "space"], {}, ""),
        (["f", "j", "space"], {}, "1 to agree, 2 to decline"),
        (["1", "2"], {}, "space to go on"),
        (["space"], {"consent": False}, ""),
        (["f"], {"consent": False}, "space to go on"),
        (["y", "n", "tab"], {"keys": OWN_KEYS}, ""),
    ],
)
def test_a_box_without_keys_for_consent_or_pages_is_named(buttons, changes, lacking):
    design = read_design("demo_two_afc")
    keys = replace(design.keys, **changes.get("keys", {}))
    box = ResponseBox("COM3", keys={key: byte for byte, key in enumerate(buttons)})
    consent = changes.get("consent", True)
    design = replace(design, keys=keys, response_box=box, consent=consent)
    finding = findings.judge_box(design, "keyboard-ptb+serial-arrival")
    assert finding.status == (WARNING if lacking else OK)
    assert finding.found.partition(": has no key for ")[2] == lacking
    assert bool(finding.advice) == bool(lacking)


@pytest.mark.window
@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_the_command_looks_at_a_window_and_a_box(
    virtual_screen, quick_design_file, stimulus_set, tmp_path
):
    report = tmp_path / "check.json"
    data = yaml.safe_load(quick_design_file.read_text(encoding="utf-8"))
    data |= {"consent": True, "response_box": {"port": "COM3", "keys": {"f": 70, "space": 32}}}
    design = tmp_path / quick_design_file.name
    design.write_text(yaml.safe_dump(data), encoding="utf-8")
    end, own = os.openpty()
    where = ["--stimuli", str(stimulus_set), "--data", str(tmp_path / "data")]
    how = ["--no-press", "--json", str(report), "--size", "1920x1080"]
    how += ["--box-port", os.ttyname(own)]
    done = subprocess.run(
        [sys.executable, "-m", "experiments", "check", str(design), *where, *how],
        capture_output=True,
        text=True,
        env=virtual_screen,
        cwd=Path(__file__).parents[3],
        timeout=240,
    )
    os.close(own)
    os.close(end)
    assert done.returncode == 1, done.stderr
    found = {check["name"]: check for check in json.loads(report.read_text(encoding="utf-8"))}
    assert set(found) == {
        *("graphics", "refresh", "frames", "monitor", "keyboard", "disk", "programs", "power"),
        *("stimuli", "clock", "layout", "distance", "response box"),
    }
    assert found["monitor"]["status"] == FAILED
    assert "Hz" in found["refresh"]["found"]
    assert found["keyboard"]["status"] == OK
    assert found["response box"]["status"] == WARNING
    assert found["response box"]["found"].endswith("has no key for 1 to agree, 2 to decline")
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
