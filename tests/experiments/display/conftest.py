"""Sessions of Coder scripts and of compiled Builder files on the virtual screen."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import yaml

from conditions.design.reading import find_design, read_design
from conditions.trials.condition_tables import write_tables
from tests.conditions.conftest import units_for
from tests.conftest import KINDS_OF_OCCLUSION, write_stimulus_set
from unitscope.columns import log_columns
from unitscope.tables import read_csv

SCRIPT = Path(__file__).parents[3] / "experiments" / "two_afc.py"


@pytest.fixture
def start(
    virtual_screen, quick_design_file, quick_tables, stimulus_set, tmp_path
) -> Iterator[Callable]:
    """Start the Coder script on the quick design; what still runs at the end is killed."""
    started = []

    def begin(
        *options: str, participant: str | None = "p001", table: bool = True, before: str = ""
    ):
        script = [str(SCRIPT)]
        if before:
            run = "import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
            script = ["-c", f"import sys; sys.argv.pop(0); {before}; {run}", str(SCRIPT)]
        command = [sys.executable, *script, "--design", str(quick_design_file)]
        command += ["--stimuli", str(stimulus_set), "--data", str(tmp_path / "data")]
        command += ["--table", str(quick_tables / "p001.csv")]
        if participant:
            command += ["--participant", participant]
        process = subprocess.Popen(
            [*command, *options],
            env=virtual_screen,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


EXPERIMENTS = Path(__file__).parents[3] / "experiments"

DURATIONS = {"fixation_s": 0.1, "chosen_s": 0.05, "feedback_s": 0.1, "blank_s": 0.05}

SHORTER = {
    "two_afc": {
        "blocks": {
            "practice": {
                "role": "practice",
                "condition": "natural",
                "trials": 1,
                "pool": "practice",
            },
            "none": {"role": "main", "condition": "none", "trials": 2},
            "natural": {"role": "main", "condition": "natural", "trials": 2, "catch": 1},
        },
        "orders": [["practice", "none", "natural"]],
        "ratings": {"pool": "practice", "before": 1, "after": 1},
        "confidence": "two_step",
    },
    "occlusion": {"instructions": ["greeting", "task"]},
    "exemplar_matching": {"input": "mouse"},
}
"""What is changed of each demo design, so that together they have every kind of stage."""

DIALOG = """\
import json, runpy, sys
from psychopy import gui
class Filled:
    OK = True
    def __init__(self, dictionary, **settings):
        keys = {key.split("|")[0]: key for key in dictionary}
        dictionary.update({keys.get(name, name): value for name, value in fields.items()})
fields = json.loads(sys.argv.pop(1))
if fields:
    gui.DlgFromDict = Filled
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Run a compiled script with its dialog filled in; with the dialog itself where there is nothing to
fill in."""


def is_timed(name: str) -> bool:
    """Return whether a column differs from run to run."""
    return name.endswith(("_s", "_utc")) or name in ("frames", "dropped_frames")


@cache
def compiled(task: str) -> str:
    """Return what a task's Builder file compiles to."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "compiled.py"
        source = str(EXPERIMENTS / f"{task}.psyexp")
        command = ["-m", "psychopy.scripts.psyexpCompile", source, "-o", str(script)]
        subprocess.run([sys.executable, *command], check=True, capture_output=True)
        return script.read_text(encoding="utf-8-sig")


class Study:
    """A short design of a task with its images and a condition table, and ways to run it."""

    def __init__(self, task: str, folder: Path, environment: dict[str, str]) -> None:
        data = yaml.safe_load(find_design(f"demo_{task}").read_text(encoding="utf-8"))
        data |= {"name": "short", "durations": DURATIONS} | SHORTER[task]
        self.task, self.folder, self.environment = task, folder, environment
        self.design = folder / "short.yaml"
        self.design.write_text(yaml.safe_dump(data), encoding="utf-8")
        kinds = KINDS_OF_OCCLUSION if task == "occlusion" else ("natural", "synthetic")
        units = units_for(read_design(self.design))
        self.stimuli = write_stimulus_set(folder / "stimuli", units=units, kinds=kinds)
        write_tables(self.design, self.stimuli, [1], folder / "tables")
        self.script = folder / f"{task}_lastrun.py"
        self.script.write_text(compiled(task), encoding="utf-8")

    def fields(self, shell: str, **others: str | None) -> dict[str, str | None]:
        """Return what both shells are told; each logs in a folder of its own."""
        return {
            "participant": "p001",
            "design": str(self.design),
            "table": str(self.folder / "tables" / "short" / "p001.csv"),
            "stimuli": str(self.stimuli),
            "data": str(self.folder / shell),
        } | others

    def start_coder(self, before: str = "", **fields: str | None) -> subprocess.Popen:
        """Start the script; a field of None is left out."""
        script = str(EXPERIMENTS / f"{self.task}.py")
        given = self.fields("coder", **fields).items()
        options = [f"--{name}={value}" for name, value in given if value is not None]
        run = "import runpy, sys; sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name='__main__')"
        return self._start(["-c", f"{before or 'pass'}; {run}", script, *options])

    def start_builder(self, *options: str, **fields: str) -> subprocess.Popen:
        filled = json.dumps(self.fields("builder", **fields))
        return self._start(["-c", DIALOG, filled, str(self.script), *options])

    def session(self, shell: str) -> Path:
        return self.folder / shell / "short" / "sub-p001" / "ses-01"

    def log(self, shell: str) -> pd.DataFrame:
        return read_csv(self.session(shell) / "trials.csv", log_columns(self.task))

    def facts(self, shell: str) -> dict:
        return json.loads((self.session(shell) / "session.json").read_text(encoding="utf-8"))

    def _start(self, command: list[str]) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, *command],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def study(virtual_screen, tmp_path):
    """Return a function that makes the short study of a task; what still runs is killed."""
    started: list[subprocess.Popen] = []

    class Kept(Study):
        def _start(self, command: list[str]) -> subprocess.Popen:
            started.append(super()._start(command))
            return started[-1]

    yield lambda task: Kept(task, tmp_path, virtual_screen)
    for process in started:
        process.kill()
        process.communicate()
