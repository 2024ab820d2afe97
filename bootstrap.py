#!/usr/bin/env python3
"""Set up Unitscope on this machine and do something with it.

    python3 bootstrap.py demo       the whole way from nothing to a report
    python3 bootstrap.py test       the tests, with --slow all of them; other arguments go to pytest
    python3 bootstrap.py install    the set-up alone

Needs nothing but Python; every step that is done already is left out.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
SUPPORTED = ((3, 10), (3, 11), (3, 12), (3, 13))
PSYCHOPY_SUPPORTS = SUPPORTED[:-1]

# What a Debian or Ubuntu machine may lack: a file or library to look for, and its package.
PROGRAMS = {"Xvfb": "xvfb"}
# Pages are tested in a real browser where the system has one as a package (Ubuntu has a snap).
# What such pages need comes from the npm registry.
TEST_PROGRAMS = {"chromium": "chromium", "npm": "npm"}
LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libGLU.so.1": "libglu1-mesa",
    "libEGL.so.1": "libegl1",
    "libjack.so.0": "libjack-jackd2-0",
    "libportaudio.so.2": "libportaudio2",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libusb-1.0.so.0": "libusb-1.0-0",
    "libXi.so.6": "libxi6",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("demo", "test", "install"))
    parser.add_argument("--python", help="the Python 3.10 to 3.13 to use")
    arguments, rest = parser.parse_known_args()
    if rest and arguments.what != "test":
        parser.error(f"unknown arguments: {' '.join(rest)}")
    python = find_python(arguments.python)
    install_system_packages(python, for_tests=arguments.what == "test")
    install_environment(python)
    if arguments.what == "test":
        run([venv_python(), "-m", "experiments.online.page_files"])
    if arguments.what == "install":
        print(f"ready: {venv_python()}")
        return 0
    return demo() if arguments.what == "demo" else test(rest)


def find_python(asked: str | None) -> str:
    """Return a supported Python: the one asked for, the environment's own, this one, or another.

    One that PsychoPy does not support is taken where there is no other.
    """
    names: list[Any] = [asked] if asked else [venv_python(), sys.executable]
    if not asked:
        names += [f"python{major}.{minor}" for major, minor in reversed(SUPPORTED)]
    paths = [path for path in (shutil.which(str(name)) for name in names) if path]
    if not asked and paths[:1] == [str(venv_python())]:
        paths = paths[:1]  # the environment's own stays as it is
    for versions in (PSYCHOPY_SUPPORTS, SUPPORTED):
        for path in paths:
            if version_of(path) in versions:
                return path
    looked = asked or f"this one is {sys.version.split()[0]}"
    sys.exit(f"Unitscope needs Python 3.10 to 3.13 ({looked}); give one with --python PATH")


def version_of(python: str) -> tuple[int, ...] | None:
    code = "import sys; print(*sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    except OSError:  # no program
        return None
    return tuple(map(int, done.stdout.split())) if done.returncode == 0 else None


def venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install_system_packages(python: str, for_tests: bool = False) -> None:
    """Install what a Debian-like system lacks, or say how; do nothing on any other system."""
    if not shutil.which("apt-get"):
        return
    programs = PROGRAMS | (TEST_PROGRAMS if for_tests and is_debian() else {})
    missing = [package for name, package in programs.items() if not shutil.which(name)]
    missing += [package for name, package in LIBRARIES.items() if not has_library(name)]
    done = subprocess.run([python, "-c", "import ensurepip"], capture_output=True)
    if done.returncode and not venv_python().exists():
        missing.append(f"python{'.'.join(map(str, version_of(python) or ()))}-venv")
    if not missing:
        return
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    print(f"installing system packages: {' '.join(missing)}", flush=True)
    for command in (["apt-get", "update", "-q"], install):
        if sudo:
            command = [*sudo, "DEBIAN_FRONTEND=noninteractive", *command]
        try:
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL)
        except FileNotFoundError:  # no sudo
            break
    else:
        if done.returncode == 0:
            return
    sys.exit(f"system packages are missing; install them with: sudo {' '.join(install)}")


def is_debian() -> bool:
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return "ID=debian" in lines


def has_library(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def install_environment(python: str) -> None:
    """Make the environment, or bring it up to date where the pinned packages have changed."""
    build, pins = HERE / "requirements-build.lock", HERE / "requirements.lock"
    read = (build, pins, HERE / "pyproject.toml")
    state = hashlib.sha256(b"".join(path.read_bytes() for path in read)).hexdigest()
    stamp = VENV / "unitscope-installed"
    if stamp.exists() and stamp.read_text() == state:
        return
    if not venv_python().exists():
        print(f"making {VENV}", flush=True)
        run([python, "-m", "venv", VENV])
    print("installing packages (about 7 GB, several minutes)", flush=True)
    pip: list[object] = [
        venv_python(),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
    ]
    # Every file is what its hash says. Nothing is resolved, as the lock file pins all there is.
    locked = ("--require-hashes", "--no-deps", "-r")
    run([*pip, *locked, build])
    if version_of(str(venv_python())) in SUPPORTED[len(PSYCHOPY_SUPPORTS) :]:
        print("PsychoPy does not support Python 3.13 yet; it is installed all the same", flush=True)
        pip.append("--ignore-requires-python")
    # With the setuptools that is there now, not with another that pip would fetch unseen.
    pip.append("--no-build-isolation")
    run([*pip, *locked, pins])
    run([*pip, "--quiet", "--no-deps", "-e", HERE])
    stamp.write_text(state)


def run(command: Sequence[object]) -> None:
    """Run a command; if it fails, end with its exit code."""
    done = subprocess.run([str(part) for part in command], cwd=HERE)
    if done.returncode:
        sys.exit(done.returncode)


@contextmanager
def virtual_screen() -> Iterator[None]:
    """Give the commands inside a screen of their own, so that no key reaches anything else."""
    if not sys.platform.startswith("linux") or not shutil.which("Xvfb"):
        yield
        return
    read, write = os.pipe()
    screen = ["-screen", "0", "1920x1080x24", "-nolisten", "tcp"]
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), *screen], pass_fds=[write], stderr=subprocess.DEVNULL
    )
    os.close(write)
    before = os.environ.get("DISPLAY")
    try:
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            sys.exit("the virtual screen (Xvfb) did not start")
        os.environ["DISPLAY"] = f":{number}"
        yield
    finally:
        os.environ.pop("DISPLAY", None)
        if before is not None:
            os.environ["DISPLAY"] = before
        server.terminate()
        server.wait()


def test(arguments: list[str]) -> int:
    """Run the tests in parallel, without the slow ones unless ``--slow`` is given.

    Each worker has a virtual screen of its own.
    """
    chosen = [word for word in arguments if word != "--slow"]
    if "--slow" not in arguments:
        chosen = ["-m", "not slow", *chosen]
    command = [str(venv_python()), "-m", "pytest", "-n", "auto", "--dist", "loadgroup", *chosen]
    return subprocess.run(command, cwd=HERE).returncode


def demo() -> int:
    """Go from nothing to a report, each step by the command that a user would give."""
    python = venv_python().relative_to(HERE)
    session = [python, "experiments/two_afc.py", "--participant", "p001"]
    # Keys can be pressed from outside under X11 only; elsewhere the first session has no window.
    by = "--robot" if sys.platform.startswith("linux") else "--simulate"
    build = [python, "-m", "stimgen", "build", "demo"]
    simulate = [python, "-m", "experiments", "simulate", "demo_two_afc"]
    steps: tuple[tuple[str, list[Any]], ...] = (
        (
            "stimuli and condition tables",
            [*build, "--design", "demo_two_afc", "--participants", "1-40"],
        ),
        ("one session in a window, a robot presses the keys", [*session, by, "similarity"]),
        ("24 simulated participants", [*simulate, "--participants", "2-25"]),
        (
            "12 machine observers that look at the pictures",
            [*simulate, "--participants", "26-37", "--observer", "similarity"],
        ),
        ("report", [python, "-m", "analysis", "report", "data/demo_two_afc"]),
    )
    with virtual_screen():
        for number, (title, command) in enumerate(steps, start=1):
            words = " ".join(str(part) for part in command)
            print(f"\n[{number}/{len(steps)}] {title}\n$ {words}", flush=True)
            run([HERE / command[0], *command[1:]])
    print(
        "\nThe demo is complete.\n"
        "  stimuli    stimuli/demo/index.html\n"
        "  tables     conditions/tables/demo_two_afc/\n"
        "  logs       data/demo_two_afc/ (every column: data/README.md)\n"
        "  report     reports/demo_two_afc/report.html"
    )
    if has_display():
        print(
            "\nTake part yourself, then make the report again:\n"
            f'  {python} experiments/two_afc.py --participant p040 --override "trying the demo"\n'
            f"  {python} -m analysis report data/demo_two_afc"
        )
    else:
        print("\nOn a machine with a screen you could take part yourself; README.md says how.")
    return 0


def has_display() -> bool:
    return not sys.platform.startswith("linux") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


if __name__ == "__main__":
    sys.exit(main())
