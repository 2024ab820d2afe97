"""What the page needs is installed once, whoever asks first."""

from __future__ import annotations

import os
import subprocess
import sys

from unitscope.places import ROOT

INSTALL = """
import sys
from pathlib import Path
from experiments.online import page_files
page_files.PAGE = Path(sys.argv[1])
page_files.LOCK = page_files.PAGE / "package-lock.json"
page_files.MODULES = page_files.PAGE / "node_modules"
page_files.JSPSYCH = page_files.MODULES / "jspsych.js"
page_files._STAMP = page_files.MODULES / "installed-lock"
page_files.install_page()
"""

NPM = f"""#!{sys.executable}
import time
from pathlib import Path
with open("npm.log", "a") as log:
    log.write("ran\\n")
time.sleep(0.5)
Path("node_modules").mkdir(exist_ok=True)
Path("node_modules", "jspsych.js").touch()
"""


def test_several_processes_install_it_once(tmp_path):
    page, programs = tmp_path / "page", tmp_path / "programs"
    page.mkdir()
    programs.mkdir()
    (page / "package-lock.json").touch()
    npm = programs / "npm"
    npm.write_text(NPM)
    npm.chmod(0o755)
    path = os.pathsep.join((str(programs), os.environ["PATH"]))
    command = [sys.executable, "-c", INSTALL, str(page)]
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=dict(os.environ, PATH=path)) for _ in range(4)
    ]
    assert [process.wait() for process in processes] == [0] * 4
    assert (page / "npm.log").read_text() == "ran\n"
