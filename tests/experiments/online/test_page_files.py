"""What the page needs is installed once, whoever asks first."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

from experiments.online.page_files import PAGE
from unitscope.places import ROOT

INSTALL = """
import sys
from pathlib import Path
from experiments.online import page_files
page_files.PAGE = Path(sys.argv[1])
page_files.LOCK = page_files.PAGE / "package-lock.json"
page_files.MODULES = page_files.PAGE / "node_modules"
page_files.JSPSYCH = page_files.MODULES / "jspsych" / "dist" / "index.browser.min.js"
page_files._STAMP = page_files.MODULES / "installed-lock"
page_files.install_page()
"""


def test_several_processes_install_it_at_once(tmp_path):
    page = tmp_path / "page"
    page.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PAGE / name, page)
    command = [sys.executable, "-c", INSTALL, str(page)]
    # An installation that was cut off: each would remove it first, and that of another.
    (page / "node_modules" / "jspsych").mkdir(parents=True)
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(6)]
    assert [process.wait() for process in processes] == [0] * 6
    installed = json.loads((page / "node_modules" / "jspsych" / "package.json").read_text())
    wanted = json.loads((page / "package.json").read_text())["dependencies"]["jspsych"]
    assert installed["version"] == wanted
