"""Whole sessions of each task in a real window: what the robot means is what the log says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from experiments.runner.observers import make_observer, observer_seed
from unitscope.columns import log_columns
from unitscope.tables import read_csv

pytestmark = pytest.mark.window

SCRIPTS = Path(__file__).parents[3] / "experiments"


@pytest.fixture
def run(request_of, virtual_screen, tmp_path):
    """Let a robot go through a session of a task; returns its log and the observer."""

    def go(task, **changes):
        request = request_of(task, **changes)
        command = [sys.executable, str(SCRIPTS / f"{task}.py"), "--robot", "graded"]
        command += ["--design", request.design.path, "--table", str(request.table)]
        command += ["--stimuli", str(request.stimuli), "--data", str(request.data)]
        done = subprocess.run(
            [*command, "--participant", "p001"],
            env=virtual_screen,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        assert "completed" in done.stdout
        folder = request.data / request.design.name / "sub-p001" / "ses-01"
        log = read_csv(folder / "trials.csv", log_columns(task))
        assert (log["rt_s"] > 0).all()
        return log, make_observer("graded", observer_seed("p001"), request.stimuli.joinpath)

    return go


@pytest.mark.parametrize(
    ("given", "source"),
    [pytest.param("mouse", "mouse-frame", marks=pytest.mark.slow), ("keys", "keyboard-ptb")],
)
def test_exemplar_matching(run, given, source):
    blocks = {"main": {"role": "main", "condition": "natural", "trials": 2}}
    log, observer = run(
        "exemplar_matching",
        input=given,
        blocks=blocks,
        orders=[["main"]],
        matching={"depths": {"early": ["inception4b", "inception4c"]}, "n_images": [1, 3]},
    )
    assert log["response_source"].str.contains(source).all()
    assert set(log["input"]) == {given}
    for row in log.to_dict("records"):
        meant = observer.respond(row).slots
        assert tuple(row[f"match_{i}"] for i in range(3)) == meant
        assert row["hits"] == sum(slot == row[f"correct_slot_{i}"] for i, slot in enumerate(meant))
        assert 0 < row["match_0_s"] < row["match_1_s"] < row["match_2_s"] < row["rt_s"]


@pytest.mark.parametrize(
    ("confidence", "given"),
    [
        ("one_press", "keys"),
        pytest.param("one_press", "mouse", marks=pytest.mark.slow),
        pytest.param("two_step", "keys", marks=pytest.mark.slow),
        pytest.param("two_step", "mouse", marks=pytest.mark.slow),
    ],
)
def test_occlusion(run, confidence, given):
    blocks = {"main": {"role": "main", "condition": "group", "trials": 3}}
    log, observer = run(
        "occlusion",
        confidence=confidence,
        input=given,
        blocks=blocks,
        orders=[["main"]],
        practice={},
        consent=False,
        instructions=["welcome"],
        comment=False,
    )
    check(log, observer, confidence, given)


@pytest.mark.parametrize(
    "confidence", ["one_press", pytest.param("two_step", marks=pytest.mark.slow)]
)
def test_two_afc_by_mouse(run, confidence):
    blocks = {"main": {"role": "main", "condition": "natural", "trials": 3}}
    log, observer = run(
        "two_afc",
        confidence=confidence,
        input="mouse",
        durations={"fixation_s": 0.1, "chosen_s": 0.1, "feedback_s": 0.1, "self_paced": True},
        blocks=blocks,
        orders=[["main"]],
        consent=False,
        instructions=["welcome"],
    )
    check(log, observer, confidence, "mouse")
    assert (log["feedback_onset_s"] < log["continue_onset_s"]).all()
    assert (log["continue_onset_s"] < log["trial_end_s"]).all()


def check(log, observer, confidence, given):
    """Check that a log says what the robot meant, and what it pressed."""
    mouse = given == "mouse"
    assert set(log["response_source"]) == {"keyboard-ptb" + "+mouse-frame" * mouse}
    for row in log.to_dict("records"):
        meant = observer.respond(row)
        assert (row["choice"], row["confidence"]) == (meant.choice, meant.confidence)
        assert (row["response_key"] == "click") == mouse
        if confidence == "two_step":
            assert row["response_s"] < row["confidence_s"]
            assert mouse or row["response_key"] in "fj"
