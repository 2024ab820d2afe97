"""Compiled Builder files in a real window, beside the Coder scripts; a robot's real keys."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys

import pandas as pd
import pytest

from tests.conftest import first_quick
from tests.experiments.display.conftest import is_timed
from tests.experiments.display.test_window import (
    finish,
    press,
    wait_for_file,
    wait_for_trials,
    wait_for_window,
)
from unitscope.columns import VERSION_COLUMN, log_columns, names
from unitscope.vocabulary import TASKS

pytestmark = pytest.mark.window


@pytest.mark.parametrize(
    "task",
    first_quick(TASKS),
)
def test_both_shells_give_one_table_the_same_order_and_the_same_log(study, task):
    short = study(task)
    for start in (short.start_coder, short.start_builder):
        code, out, err = finish(start(robot="graded"))
        assert code == 0, err
        assert "session 1 of p001: completed" in out
    coder, builder = short.log("coder"), short.log("builder")
    untimed = [name for name in names(log_columns(task)) if not is_timed(name)]
    pd.testing.assert_frame_equal(coder[untimed], builder[untimed])
    assert len(coder) >= 6

    # Everything around the trials is the same, too.
    with_coder, with_builder = short.facts("coder"), short.facts("builder")
    assert set(with_coder) == set(with_builder)
    for name in ("trials", "trials_skipped", "practice_rounds", "table_sha256", "comment"):
        assert with_coder.get(name) == with_builder.get(name)
    assert [set(run) for run in with_coder["runs"]] == [set(run) for run in with_builder["runs"]]
    rated = short.session("coder") / "ratings.csv"
    assert rated.exists() == (task == "two_afc")
    if rated.exists():
        again = pd.read_csv(short.session("builder") / "ratings.csv")["rating"]
        assert again.tolist() == pd.read_csv(rated)["rating"].tolist()

    # PsychoPy's own files hold nothing of the person but the id.
    ours = set(names(log_columns(task))) - {VERSION_COLUMN.name}
    known = {*ours, "thisRow.t", "notes"}
    own = pd.read_csv(short.session("coder") / "psychopy_run-01.csv", encoding="utf-8-sig")
    assert {name for name in own.columns if "Unnamed" not in name} == known
    # Builder copies the condition file's columns.
    known |= {VERSION_COLUMN.name, *short.fields("builder")}
    known |= {"robot", "override", "language", "distance", "piloting", "date"}
    known |= {"expName", "expVersion", "psychopyVersion", "thisN", "thisTrialN", "thisRepN"}
    own = pd.read_csv(short.session("builder") / "psychopy_run-01.csv", encoding="utf-8-sig")
    assert {name for name in own.columns if "." not in name and "Unnamed" not in name} <= known
    # Ours say nothing of who runs the session.
    assert with_coder["table"] == with_builder["table"] == "short/p001.csv"

    # Builder's own file has every row, with the same cells.
    assert not [name for name in own.columns if re.fullmatch(r".*\.\d+", name)]
    own = own[own["onset_s"].notna()]
    assert own["trial_number"].tolist() == builder["trial_number"].tolist()
    assert own["rt_s"].tolist() == pytest.approx(builder["rt_s"].tolist())
    assert own["correct"].astype(str).tolist() == builder["correct"].astype(str).tolist()
    assert own["trial.started"].is_monotonic_increasing


@pytest.mark.slow
def test_stopped_by_studio_or_left_by_its_key_a_session_goes_on_later(study):
    short = study("two_afc")
    trials = short.session("builder") / "trials.csv"
    process = short.start_builder(robot="graded")
    wait_for_trials(process, trials, 2)
    process.send_signal(signal.SIGTERM)
    code, _, err = finish(process)
    assert code != 0
    assert "KeyboardInterrupt" in err
    assert short.facts("builder")["end_reason"] == "interrupted"
    done = len(short.log("builder"))

    # No robot now: the first page says where it goes on, and Escape asks before it ends.
    shots = short.folder / "shots"
    process = short.start_builder(override="test", screenshots=str(shots))
    wait_for_file(process, shots / "page_resumed_01.png")
    press(short.environment, "escape", "q", gap_s=0.6)
    code, out, err = finish(process)
    assert code == 0, err
    assert f"aborted, {done} of 6 trials" in out
    assert short.facts("builder")["runs"][-1]["override"] == "test"

    # The Coder script goes on with what Builder began.
    there = str(short.folder / "builder")
    code, out, err = finish(short.start_coder(robot="graded", data=there))
    assert code == 0, err
    shells = [run["shell"] for run in short.facts("builder")["runs"]]
    assert shells == ["builder", "builder", "coder"]
    log = short.log("builder")
    assert log["trial_number"].tolist() == list(range(1, 7))
    assert log["run"].tolist() == [1] * done + [3] * (6 - done)


@pytest.mark.parametrize(
    ("fields", "found"),
    first_quick(
        [
            ({"participant": ""}, "the field participant is empty"),
            ({"participant": "Jane Doe"}, "participant id 'Jane Doe'"),
            ({"design": "demo_occlusion"}, "run it with experiments/occlusion.py"),
            ({"table": "nowhere.csv"}, "has no condition table"),
            ({}, "monitor 'testMonitor'"),
        ]
    ),
)
def test_bad_input_is_one_sentence(study, fields, found):
    short = study("two_afc")
    code, _, err = finish(short.start_builder(**fields))
    assert code == 2
    told = [line for line in err.splitlines() if line.startswith("unitscope: ")]
    assert len(told) == 1
    assert found in told[0]
    assert "Traceback" not in err
    assert list((short.folder / "builder").rglob("*")) == []


CALIBRATED = """
from psychopy import monitors
monitor = monitors.Monitor("lab1", width=53, distance=60)
monitor.setSizePix((1920, 1080))
monitor.setGamma(2.2)
monitor.save()
"""


def test_a_screen_that_takes_no_gamma_fails_a_check_in_builder(study):
    short = study("two_afc")
    home = str(short.folder)
    short.environment = dict(short.environment, HOME=home, USERPROFILE=home)
    subprocess.run([sys.executable, "-c", CALIBRATED], env=short.environment, check=True)
    source = short.script.read_text(encoding="utf-8")
    assert "monitor='testMonitor'" in source
    source = source.replace("monitor='testMonitor'", "monitor='lab1'")
    short.script.write_text(source, encoding="utf-8")
    code, _, err = finish(short.start_builder())
    assert code == 2, err
    assert "checks failed: " in err
    assert "monitor: lab1: the screen cannot be given its gamma" in err
    assert "Traceback" not in err
    assert list((short.folder / "builder").rglob("*")) == []


@pytest.mark.slow
def test_another_data_filename_is_one_sentence(study):
    short = study("two_afc")
    source = short.script.read_text(encoding="utf-8")
    source = source.replace("unitscope.open(expInfo, PILOTING)", "'mine'")
    short.script.write_text(source, encoding="utf-8")
    code, _, err = finish(short.start_builder(robot="graded"))
    assert code == 2
    assert "let the setting 'Data filename' be unitscope.open(expInfo, PILOTING)" in err


def test_a_coder_script_refuses_a_design_of_another_task(study):
    short = study("occlusion")
    short.task = "exemplar_matching"
    code, _, err = finish(short.start_coder(robot="graded"))
    assert code == 2
    assert "run it with experiments/occlusion.py" in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.slow
def test_pilot_mode_is_windowed_and_logged_apart(study):
    """The dialog itself is shown, with the participant filled in; Enter accepts it."""
    short = study("two_afc")
    source = short.script.read_text(encoding="utf-8")
    for name, value in short.fields("builder", screenshots=str(short.folder / "shots")).items():
        if name == "design":
            source = source.replace("'design': 'demo_two_afc'", f"'design': {value!r}")
        elif name != "participant":
            source = source.replace(
                "'language': '',", f"'language': '',\n    '{name}|hid': {value!r},"
            )
    short.script.write_text(source, encoding="utf-8")
    process = short._start([str(short.script), "--pilot"])
    wait_for_window(short.environment, "unitscope_two_afc")
    press(short.environment, "Return")
    shot = short.folder / "shots" / "page_consent_01.png"
    wait_for_file(process, shot)
    press(short.environment, "escape", "q", gap_s=0.6)
    code, out, err = finish(process)
    assert code == 0, err
    assert "session 1 of pilot: aborted, 0 of 6 trials" in out
    folder = short.folder / "builder" / "pilot" / "short" / "sub-pilot" / "ses-01"
    assert (
        json.loads((folder / "session.json").read_text())["runs"][0]["display"]["full_screen"]
        is False
    )
    assert not (short.folder / "builder" / "short").exists()
