"""Real sessions: a PsychoPy window on a virtual screen, a robot's real key presses."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pandas as pd
import pytest
from PIL import Image

from unitscope.columns import FRAME_COLUMNS, log_columns
from unitscope.tables import read_csv

pytestmark = pytest.mark.window

TIME_OUT_S = 240


def finish(process):
    out, err = process.communicate(timeout=TIME_OUT_S)
    return process.returncode, out, err


def folder(tmp_path, session=1):
    return tmp_path / "data" / "quick" / "sub-p001" / f"ses-{session:02d}"


def facts(tmp_path, session=1):
    return json.loads((folder(tmp_path, session) / "session.json").read_text(encoding="utf-8"))


def wait_for_trials(process, path, number):
    """Wait until so many trials are on the disk."""
    deadline = time.monotonic() + TIME_OUT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        if path.exists() and path.read_bytes().count(b"\n") > number:
            return
        time.sleep(0.02)
    raise AssertionError(f"no {number} trials within {TIME_OUT_S} s")


@pytest.mark.slow
def test_a_robot_goes_through_a_whole_session(start, tmp_path, stimulus_set):
    shots = tmp_path / "shots"
    code, out, err = finish(start("--robot", "graded", "--screenshots", str(shots)))
    assert code == 0, err
    assert "session 1 of p001: completed, 23 of 23 trials" in out

    log = read_csv(folder(tmp_path) / "trials.csv", log_columns("two_afc"))
    assert log["trial_number"].tolist() == list(range(1, 24))
    assert set(log["response_source"]) == {"keyboard-ptb"}
    assert (log["rt_s"] > 0).all()
    assert (log["rt_s"] < 30).all()
    assert log["choice"].notna().all()
    assert (log["fixation_onset_s"] < log["onset_s"]).all()
    assert (log["response_s"] < log["feedback_onset_s"]).all()
    assert log["trial_end_s"].is_monotonic_increasing

    frames = read_csv(folder(tmp_path) / "frames.csv", FRAME_COLUMNS)
    counted = frames.groupby("trial_number").size()
    assert counted.tolist() == log["frames"].tolist()
    first = frames[frames["phase"] == "queries"].groupby("trial_number")["flip_s"].min()
    assert first.tolist() == log["onset_s"].tolist()

    run = facts(tmp_path)["runs"][0]
    assert run["display"]["width_px"] == 1920
    assert run["display"]["renderer"]
    assert run["machine"]["versions"]["psychopy"]
    # Between two readings of both clocks on a loaded machine much can happen, an hour cannot.
    assert abs(run["clock_offset_ended_s"] - run["clock_offset_began_s"]) < 60

    # PsychoPy's own files lie beside, and hold the same answers.
    own = pd.read_csv(folder(tmp_path) / "psychopy_run-01.csv", encoding="utf-8-sig")
    assert own["choice"].dropna().tolist() == log["choice"].tolist()

    # What was drawn are the very pixels of the images.
    row = log[log["reference_condition"] == "natural"].iloc[0]
    with Image.open(shots / "queries_natural_01.png") as shot:
        left, upper = 960 - 112, 540 - 202 - 112
        assert shot.size == (1920, 1080)
        drawn = shot.crop((left, upper, left + 224, upper + 224)).tobytes()
    with Image.open(stimulus_set / row["query_a"]) as query:
        assert drawn == query.resize((224, 224), Image.Resampling.LANCZOS).tobytes()


def press(virtual_screen, *keys, gap_s=0.4):
    """Press real keys from a process of its own."""
    code = (
        "import sys, time\nfrom experiments.display.robot import InputInjector\n"
        "injector = InputInjector()\n"
        "for key in sys.argv[2:]:\n    injector.press(key)\n    time.sleep(float(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", code, str(gap_s), *keys], env=virtual_screen, check=True)


def wait_for_file(process, path):
    deadline = time.monotonic() + TIME_OUT_S
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, path
        time.sleep(0.05)
    time.sleep(0.3)


@pytest.mark.slow
def test_escape_asks_before_it_ends_the_session(start, virtual_screen, tmp_path):
    shots = tmp_path / "shots"
    process = start("--override", "test", "--screenshots", str(shots))
    wait_for_file(process, shots / "page_consent_01.png")
    press(virtual_screen, "1")
    wait_for_file(process, shots / "page_welcome_01.png")
    press(virtual_screen, "escape")
    wait_for_file(process, shots / "leaving_welcome_01.png")
    press(virtual_screen, "space")
    press(virtual_screen, "space")
    wait_for_file(process, shots / "page_part_01.png")
    press(virtual_screen, "escape", "q")
    code, out, err = finish(process)
    assert code == 0, err
    assert "aborted, 0 of 23 trials" in out
    assert "start it again to continue with the next trial" in out
    assert facts(tmp_path)["runs"][0]["override"] == "test"


def test_a_real_session_needs_a_calibrated_monitor(start, tmp_path):
    code, _, err = finish(start())
    assert code == 2
    assert "no monitor was named (PsychoPy knows " in err
    assert len(err.strip().splitlines()) == 1
    code, _, err = finish(start("--monitor", "testMonitor"))
    assert code == 2
    assert "monitor 'testMonitor'" in err
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_a_pilot_has_a_table_and_a_place_of_its_own(start, virtual_screen, tmp_path):
    shots = tmp_path / "shots"
    options = ("--pilot", "--size", "1280x800", "--screenshots", str(shots))
    process = start(*options, participant=None)
    wait_for_file(process, shots / "page_consent_01.png")
    press(virtual_screen, "1")
    wait_for_file(process, shots / "page_welcome_01.png")
    press(virtual_screen, "space", "space", gap_s=1.0)
    wait_for_file(process, shots / "queries_none_01.png")
    press(virtual_screen, "escape", "q")
    code, out, err = finish(process)
    assert code == 0, err
    assert "session 1 of pilot: aborted" in out
    assert (tmp_path / "data" / "pilot" / "quick" / "sub-pilot" / "ses-01").is_dir()
    assert not folder(tmp_path).exists()
    with Image.open(shots / "queries_none_01.png") as shot:
        assert shot.size == (1280, 800)


def test_no_display_is_one_sentence(virtual_screen, start, tmp_path):
    virtual_screen["DISPLAY"], kept = ":9999", virtual_screen["DISPLAY"]
    try:
        code, _, err = finish(start("--pilot", participant="p001"))
    finally:
        virtual_screen["DISPLAY"] = kept
    assert code == 2
    assert "no window can be opened" in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_without_psychtoolbox_the_windows_events_serve_and_the_log_says_so(study):
    short = study("two_afc")
    code, _, err = finish(
        short.start_coder("import sys; sys.modules['psychtoolbox'] = None", robot="graded")
    )
    assert code == 0, err
    assert "reaction times are only as exact as frames" in err
    log = short.log("coder")
    assert len(log) == 6
    assert set(log["response_source"]) == {"keyboard-event"}
    assert log["choice"].notna().all()
    assert (log["rt_s"] > 0).all()


@pytest.mark.slow
def test_the_dialog_asks_who_takes_part_and_offers_to_resume(study):
    short = study("two_afc")
    process = short.start_coder(robot="graded")
    wait_for_trials(process, short.session("coder") / "trials.csv", 2)
    process.kill()
    process.wait()
    done = len(short.log("coder"))

    process = short.start_coder(robot="graded", participant=None)
    wait_for_window(short.environment, "Demo of the two-alternative forced choice")
    press(short.environment, *"p001", "Return", gap_s=0.1)
    wait_for_window(short.environment, "p001 has an unfinished session")
    press(short.environment, "Return")
    code, out, err = finish(process)
    assert code == 0, err
    assert "session 1 of p001: completed, 6 of 6 trials" in out
    assert short.log("coder")["run"].tolist() == [1] * done + [2] * (6 - done)

    # A second session is not begun by pressing Return.
    process = short.start_coder(robot="graded", participant=None)
    title = "Demo of the two-alternative forced choice"
    wait_for_window(short.environment, title)
    press(short.environment, *"p001", "Return", gap_s=0.1)
    wait_for_window(short.environment, "p001 has completed session 1")
    press(short.environment, "Return")
    wait_for_window(short.environment, title)
    press(short.environment, "escape")
    code, _, err = finish(process)
    assert code == 0, err
    assert [path.name for path in short.session("coder").parent.iterdir()] == ["ses-01"]


def wait_for_window(virtual_screen, title):
    """Wait until a window of that title is mapped, then give it the focus."""
    code = (
        "import sys, time\nfrom Xlib import X\nfrom Xlib.display import Display\n"
        f"display, deadline = Display(), time.monotonic() + {TIME_OUT_S}\n"
        "while time.monotonic() < deadline:\n"
        "    for window in display.screen().root.query_tree().children:\n"
        "        if window.get_wm_name() == sys.argv[1]:\n"
        "            time.sleep(0.5)\n"
        "            window.set_input_focus(X.RevertToPointerRoot, X.CurrentTime)\n"
        "            display.sync()\n"
        "            sys.exit()\n"
        "    time.sleep(0.1)\n"
        "sys.exit('no window ' + sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, title], env=virtual_screen, check=True)
