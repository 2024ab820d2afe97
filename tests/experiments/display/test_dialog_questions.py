"""What the dialog asks beside the participant: the leading hand and the viewing distance."""

from __future__ import annotations

import argparse

import pytest
import yaml

from conditions.trials.condition_tables import write_tables
from experiments.runner.request import parse_distance_cm
from tests.experiments.display.test_window import finish, press, wait_for_window

CALIBRATED = """
import numpy
from psychopy import monitors
lab = monitors.Monitor("lab1", width=53, distance=57, autoLog=False)
lab.setSizePix((1920, 1080))
lab.setGammaGrid(numpy.array([[0.0, 80.0, 2.2]] * 4))
monitors.getAllMonitors = lambda: ["lab1"]
monitors.Monitor = lambda name, **settings: lab
"""

LEFT = {"a": ["j", "k", "l"], "b": ["f", "d", "s"], "confidence": ["0", "9", "8"]}


@pytest.mark.window
def test_hand_and_distance_are_asked_for_and_recorded(study, tmp_path):
    short = study("two_afc")
    design = yaml.safe_load(short.design.read_text(encoding="utf-8"))
    design |= {"left_handed_keys": LEFT, "comment": False}
    short.design.write_text(yaml.safe_dump(design), encoding="utf-8")
    (table,) = write_tables(short.design, short.stimuli, [1], short.folder / "again")
    (tmp_path / "calibrated.py").write_text(CALIBRATED, encoding="utf-8")
    before = f"import runpy; runpy.run_path({str(tmp_path / 'calibrated.py')!r})"
    process = short.start_coder(
        before,
        robot="graded",
        participant=None,
        table=str(table),
        monitor="lab1",
        screenshots=str(tmp_path / "shots"),
    )
    wait_for_window(short.environment, "Demo of the two-alternative forced choice")
    press(short.environment, *"p001", "Tab", "Down", "Tab", *"50", "Return", gap_s=0.2)
    code, _, err = finish(process)
    assert code == 0, err
    known = short.facts("coder")
    assert known["left_handed"] is True
    assert known["end_reason"] == "completed"
    (run,) = known["runs"]
    assert run["viewing_distance_cm"] == 50
    (found,) = (one for one in run["preflight"] if one["name"] == "distance")
    assert found["status"] == "failed"
    assert found["found"] == "50 cm, lab1 was calibrated for 57 cm: images seem 14% larger"
    log = short.log("coder")
    assert set(zip(log["response_key"], log["choice"], strict=True)) == {("j", "a"), ("f", "b")}


@pytest.mark.parametrize(("text", "distance_cm"), [("57", 57), ("57.5", 57.5), ("57,5", 57.5)])
def test_a_distance_is_read(text, distance_cm):
    assert parse_distance_cm(text) == distance_cm


@pytest.mark.parametrize("text", ["", "near", "nan", "-57", "0.57", "1e9"])
def test_what_is_no_distance_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="expected centimetres from 10 to 1000"):
        parse_distance_cm(text)
