"""Who takes part, as the options of a script name it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import first_quick
from unitscope.vocabulary import TASKS

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("script", first_quick(TASKS))
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--participant", ""], "participant id ''"),
        (["--participant", "../p001"], "participant id '../p001'"),
        ([], "--simulate needs --participant"),
    ],
)
def test_a_participant_that_cannot_be_is_refused_before_anything_opens(script, options, sentence):
    command = [sys.executable, f"experiments/{script}.py", "--simulate", "graded", *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("script", first_quick(TASKS))
def test_help_lists_the_options_of_the_script(script):
    command = [sys.executable, f"experiments/{script}.py", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "--override" in done.stdout
    assert f"demo_{script}" in done.stdout
