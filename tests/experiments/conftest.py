"""A quick version of the demo design, its tables, and a virtual screen for real windows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from conditions.design.design import Design
from conditions.design.reading import find_design, read_design
from conditions.trials.condition_tables import write_tables
from experiments.runner.request import Request
from tests.conftest import KINDS_OF_OCCLUSION, write_stimulus_set
from unitscope.vocabulary import Unit

# Its own conftest needs what serves online studies.
collect_ignore = [] if find_spec("uvicorn") and find_spec("starlette") else ["online"]


@pytest.fixture(scope="session")
def quick_design_file(tmp_path_factory) -> Path:
    """The demo design with phases of some hundredths of a second."""
    data = yaml.safe_load(find_design("demo_two_afc").read_text(encoding="utf-8"))
    data["name"] = "quick"
    data["durations"] = {"fixation_s": 0.1, "chosen_s": 0.05, "feedback_s": 0.1, "blank_s": 0.05}
    path = tmp_path_factory.mktemp("design") / "quick.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def quick_design(quick_design_file) -> Design:
    """The quick design, read."""
    return read_design(quick_design_file)


@pytest.fixture(scope="session")
def quick_tables(quick_design_file, stimulus_set, tmp_path_factory) -> Path:
    """Folder with the quick design's tables of participants 1 to 4."""
    tables = tmp_path_factory.mktemp("tables")
    write_tables(quick_design_file, stimulus_set, [1, 2, 3, 4], tables)
    return tables / "quick"


@pytest.fixture
def request_for(quick_design, quick_tables, stimulus_set, tmp_path):
    """Make a request for a session of a participant, logged below the test's own folder."""

    def make(participant: str = "p001", **settings) -> Request:
        settings = {
            "table": quick_tables / f"{participant}.csv",
            "stimuli": stimulus_set,
            "data": tmp_path / "data",
            "observer_kind": "simulated",
            "observer": "graded",
        } | settings
        return Request(design=quick_design, participant=participant, **settings)

    return make


@pytest.fixture(scope="session")
def virtual_screen() -> Iterator[dict[str, str]]:
    """Environment of commands that shall use a virtual screen of 1920 x 1080.

    Each test worker has its own, so that no key goes astray.
    """
    if not sys.platform.startswith("linux"):
        pytest.skip("keys can be pressed from outside under X11 only")
    assert shutil.which("Xvfb"), "Xvfb is missing; run: python3 bootstrap.py install"
    read, write = os.pipe()
    options = ["-screen", "0", "1920x1080x24", "-nolisten", "tcp"]
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), *options], pass_fds=[write], stderr=subprocess.DEVNULL
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    assert number, "Xvfb did not start"
    yield dict(os.environ, DISPLAY=f":{number}", PYTHONFAULTHANDLER="1")
    server.terminate()
    server.wait()


@pytest.fixture(scope="session")
def set_of(stimulus_set, tmp_path_factory):
    """Return a function that gives the folder of a stimulus set for a task's demo design."""
    folders = {"two_afc": stimulus_set}
    depths = read_design("demo_exemplar_matching").matching.depths.values()
    layers = [layer for own in depths for layer in own]

    def folder_of(task: str) -> Path:
        if task not in folders:
            folders[task] = write_stimulus_set(
                tmp_path_factory.mktemp("sets") / task,
                units=[Unit("toy", layers[i % 5], "1x1", i) for i in range(15)],
                kinds=KINDS_OF_OCCLUSION if task == "occlusion" else ("natural", "synthetic"),
                size_px=16,
            )
        return folders[task]

    return folder_of


@pytest.fixture
def request_of(set_of, tmp_path):
    """Make a request for participant 1 of a task's demo design with quick phases and changes."""

    def make(task: str, number: int = 1, **changes) -> Request:
        data = yaml.safe_load(find_design(f"demo_{task}").read_text(encoding="utf-8"))
        data["name"] = f"quick_{task}"
        data["durations"] = dict.fromkeys(("fixation_s", "chosen_s", "feedback_s", "blank_s"), 0.1)
        path = tmp_path / f"quick_{task}.yaml"
        path.write_text(yaml.safe_dump(data | changes), encoding="utf-8")
        (table,) = write_tables(path, set_of(task), [number], tmp_path / "tables")
        return Request(
            design=read_design(path),
            participant=f"p{number:03d}",
            table=table,
            stimuli=set_of(task),
            data=tmp_path / "data",
            observer_kind="simulated",
            observer="graded",
        )

    return make
