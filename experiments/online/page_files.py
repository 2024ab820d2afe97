"""The files of the page: our own, and jsPsych from the npm registry."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from filelock import FileLock

from unitscope.errors import BadInput

PAGE = Path(__file__).with_name("page")
LOCK = PAGE / "package-lock.json"
MODULES = PAGE / "node_modules"
JSPSYCH = MODULES / "jspsych" / "dist" / "index.browser.min.js"
_STAMP = MODULES / "installed-lock"

_KINDS = {".js": "text/javascript", ".css": "text/css"}

NOT_INSTALLED = (
    "the page's jsPsych is not installed; install it with: "
    "python -m experiments.online.page_files (needs npm, as of Debian's package npm, and the npm "
    "registry)"
)


def page_files() -> dict[str, tuple[bytes, str]]:
    """Return the page's files by the names that it asks for, and their media types.

    Raises
    ------
    BadInput
        If jsPsych is not installed.
    """
    if not JSPSYCH.is_file():
        raise BadInput(NOT_INSTALLED)
    paths = {path.name: path for path in PAGE.iterdir() if path.suffix in _KINDS}
    paths["jspsych.js"] = JSPSYCH
    return {name: (path.read_bytes(), _KINDS[path.suffix]) for name, path in paths.items()}


def install_page() -> None:
    """Install jsPsych as the lock file has it, unless it is there or another process does so.

    Raises
    ------
    BadInput
        If there is no npm, or it fails.
    """
    with FileLock(PAGE / ".installing.lock"):
        _install()


def _install() -> None:
    state = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if JSPSYCH.is_file() and _STAMP.is_file() and _STAMP.read_text() == state:
        return
    npm = shutil.which("npm")
    if npm is None:
        raise BadInput(NOT_INSTALLED)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=PAGE, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise BadInput(f"npm could not install the page's jsPsych ({' '.join(said[:3])})")
    _STAMP.write_text(state)


if __name__ == "__main__":
    install_page()
