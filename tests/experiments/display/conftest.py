"""Sessions of the Coder script on the virtual screen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
