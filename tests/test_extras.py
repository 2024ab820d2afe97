"""Each part of the suite does its main job in an environment that holds nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap
from tests.conftest import write_stimulus_set

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command and return what it printed; it must succeed."""
    words = [str(word) for word in command]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done


@pytest.fixture
def environment(request, tmp_path):
    """Return the Python of a fresh environment with one extra, installed from a copy of ours."""
    copy = tmp_path / "unitscope"
    files = run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).stdout.split("\n")
    for name in filter(None, files):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    run(sys.executable, "-m", "venv", copy / ".venv", cwd=tmp_path)
    python = copy / ".venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    ignore = ["--ignore-requires-python"] * (sys.version_info >= (3, 13))
    install = ["-m", "pip", "install", "--quiet", *ignore, "--editable", f".[{request.param}]"]
    run(python, *install, cwd=copy)
    return python


def packages(python: Path) -> set[str]:
    """Return the names of the packages of an environment."""
    lines = run(python, "-m", "pip", "list", "--format=freeze", cwd=python.parent).stdout
    return {line.split("==")[0].lower() for line in lines.split("\n")}


@pytest.fixture
def project(environment):
    """Return the folder of the copy that the environment belongs to."""
    return environment.parents[2]


@pytest.mark.parametrize("environment", ["analysis"], indirect=True)
def test_the_analysis_part_reports(environment, project, tmp_path):
    write_stimulus_set(tmp_path / "stimuli" / "demo")
    # Sessions are made by the environment of these tests.
    here = [sys.executable, "-m"]
    tables = ["--stimuli", tmp_path / "stimuli" / "demo", "--out", tmp_path / "tables"]
    run(*here, "conditions", "make", "demo_two_afc", *tables, "--participants", "1-6", cwd=ROOT)
    places = ["--stimuli", tmp_path / "stimuli" / "demo", "--data", tmp_path / "data"]
    places += ["--tables", tmp_path / "tables"]
    simulate = ["experiments", "simulate", "demo_two_afc", "--participants", "1-6", *places]
    run(*here, *simulate, cwd=ROOT)

    assert not {"torch", "psychopy"} & packages(environment)
    out = tmp_path / "report"
    data = tmp_path / "data" / "demo_two_afc"
    run(environment, "-m", "analysis", "report", data, "--out", out, cwd=project)
    assert "<svg" in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.window
@pytest.mark.parametrize("environment", ["experiments"], indirect=True)
def test_the_lab_part_runs_a_session(environment, project, tmp_path):
    write_stimulus_set(project / "stimuli" / "demo")
    make = ["conditions", "make", "demo_two_afc", "--stimuli", "stimuli/demo"]
    run(environment, "-m", *make, "--participants", "1", cwd=project)
    assert "torch" not in packages(environment)
    # Keys can be pressed from outside under X11 only.
    by = "--robot" if sys.platform.startswith("linux") else "--simulate"
    session = ["experiments/two_afc.py", "--participant", "p001", by, "ideal"]
    with bootstrap.virtual_screen():
        done = run(environment, *session, cwd=project)
    assert "completed, 23 of 23 trials" in done.stdout
    assert (project / "data" / "demo_two_afc" / "sub-p001" / "ses-01" / "trials.csv").is_file()


@pytest.mark.parametrize("environment", ["stimgen"], indirect=True)
def test_the_generator_builds_the_demo_set(environment, project):
    done = run(environment, "-m", "stimgen", "build", "demo", "--quiet", cwd=project)
    assert not {"psychopy", "matplotlib"} & packages(environment)
    assert (project / "stimuli" / "demo" / "manifest.csv").is_file(), done.stdout
