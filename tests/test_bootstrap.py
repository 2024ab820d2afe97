"""The set-up's decisions, with programs of our own in place of apt and sudo."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap

BOOTSTRAP = Path(bootstrap.__file__)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A Debian-like machine: programs on its path record how they were called."""
    programs = tmp_path / "bin"
    programs.mkdir()
    calls = tmp_path / "calls"
    calls.write_text("")

    class Machine:
        def add(self, name: str, code: int = 0) -> None:
            path = programs / name
            path.write_text(f'#!/bin/sh\necho "{name} $*" >> {calls}\nexit {code}\n')
            path.chmod(0o755)

        def calls(self) -> list[str]:
            return calls.read_text().splitlines()

    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setattr(bootstrap, "PROGRAMS", {"no-such-program": "some-package"})
    monkeypatch.setattr(
        bootstrap, "LIBRARIES", {"libnothing.so.9": "libnothing9", "libc.so.6": "x"}
    )
    monkeypatch.setattr(bootstrap, "venv_python", lambda: Path(sys.executable))
    return Machine()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="apt is for Debian-like systems")
def test_root_gets_what_is_missing_and_nothing_else(machine, monkeypatch):
    machine.add("apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    bootstrap.install_system_packages(sys.executable)
    assert machine.calls()[-1].endswith("some-package libnothing9")
    assert len(machine.calls()) == 2


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="apt is for Debian-like systems")
@pytest.mark.parametrize("debian", [True, False])
def test_a_browser_is_installed_for_tests_where_it_is_a_package(machine, monkeypatch, debian):
    machine.add("apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(bootstrap, "TEST_PROGRAMS", {"no-such-browser": "browser"})
    monkeypatch.setattr(bootstrap, "is_debian", lambda: debian)
    bootstrap.install_system_packages(sys.executable, for_tests=True)
    assert (" browser " in machine.calls()[-1]) == debian


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="apt is for Debian-like systems")
def test_others_go_through_sudo(machine, monkeypatch):
    machine.add("apt-get")
    machine.add("sudo")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    bootstrap.install_system_packages(sys.executable)
    assert machine.calls()[-1].startswith("sudo -n ")
    assert "apt-get install -y" in machine.calls()[-1]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="apt is for Debian-like systems")
@pytest.mark.parametrize("sudo", ["refuses", "is not there"])
def test_without_leave_the_one_command_is_printed(machine, monkeypatch, sudo):
    machine.add("apt-get")
    if sudo == "refuses":
        machine.add("sudo", code=1)
    else:
        monkeypatch.setenv("PATH", str(Path(os.environ["PATH"].split(":")[0])))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit, match="install them with: sudo apt-get install .*libnothing9"):
        bootstrap.install_system_packages(sys.executable)


def test_other_systems_are_left_alone(machine, monkeypatch):
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    bootstrap.install_system_packages(sys.executable)
    assert machine.calls() == []


def test_an_unsupported_python_is_one_sentence(tmp_path):
    old = tmp_path / "python3.7"
    old.write_text("#!/bin/sh\necho 3 7\n")
    old.chmod(0o755)
    command = [sys.executable, str(BOOTSTRAP), "install", "--python", str(old)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Unitscope needs Python 3.10 to 3.13")
    assert len(done.stderr.strip().splitlines()) == 1


def test_what_is_installed_already_is_reused(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    ran = []
    monkeypatch.setattr(bootstrap, "run", lambda command: ran.append([str(c) for c in command]))
    bootstrap.install_environment(sys.executable)
    for command, lock in zip(ran, ("requirements-build.lock", "requirements.lock"), strict=False):
        assert command[-1].endswith(lock) and "--require-hashes" in command
    assert ran[-1][-2:] == ["-e", str(BOOTSTRAP.parent)]
    ran.clear()
    bootstrap.install_environment(sys.executable)
    assert ran == []


def python_of_version(folder: Path, major: int, minor: int) -> Path:
    """Write a program that says it is a Python of a version."""
    path = folder / f"python{major}.{minor}"
    path.write_text(f"#!/bin/sh\necho {major} {minor}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("minors", "taken"), [((13,), 13), ((13, 12), 12), ((9, 13, 10), 10), ((10, 12), 10)]
)
def test_a_python_that_psychopy_supports_comes_first(tmp_path, monkeypatch, minors, taken):
    paths = {minor: python_of_version(tmp_path, 3, minor) for minor in minors}
    monkeypatch.setattr(bootstrap, "venv_python", lambda: tmp_path / "none")
    monkeypatch.setattr(bootstrap.sys, "executable", str(paths[minors[0]]))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bootstrap.find_python(None) == str(paths[taken])


def test_an_environment_keeps_its_python(tmp_path, monkeypatch):
    (tmp_path / "own").mkdir()
    own = python_of_version(tmp_path / "own", 3, 13)
    other = python_of_version(tmp_path, 3, 12)
    monkeypatch.setattr(bootstrap, "venv_python", lambda: own)
    monkeypatch.setattr(bootstrap.sys, "executable", str(other))
    assert bootstrap.find_python(None) == str(own)


@pytest.mark.parametrize(("minor", "ignores"), [(12, False), (13, True)])
def test_psychopy_is_installed_on_the_python_that_it_does_not_support_yet(
    tmp_path, monkeypatch, capsys, minor, ignores
):
    python = python_of_version(tmp_path, 3, minor)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    monkeypatch.setattr(bootstrap, "venv_python", lambda: python)
    ran: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "run", lambda command: ran.append([str(c) for c in command]))
    bootstrap.install_environment(str(python))
    assert ("--ignore-requires-python" in ran[-1]) == ignores
    assert ("does not support Python 3.13 yet" in capsys.readouterr().out) == ignores


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ["-m", "not slow"]),
        (["--slow"], []),
        (["tests/unitscope", "-x"], ["-m", "not slow", "tests/unitscope", "-x"]),
        (["--slow", "tests/unitscope"], ["tests/unitscope"]),
    ],
)
def test_slow_tests_run_when_asked_for(monkeypatch, given, expected):
    ran: list[list[str]] = []

    def record(command, **_):
        ran.append([str(word) for word in command])
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(bootstrap.subprocess, "run", record)
    assert bootstrap.test(given) == 3, "the tests' exit code is the command's"
    assert ran[0][ran[0].index("loadgroup") + 1 :] == expected


def test_only_the_standard_library_is_needed():
    code = "import sys; sys.path.insert(0, sys.argv[1]); import bootstrap"
    command = [sys.executable, "-I", "-S", "-c", code, str(BOOTSTRAP.parent)]
    subprocess.run(command, check=True)


def test_unknown_arguments_are_refused():
    command = [sys.executable, str(BOOTSTRAP), "demo", "--quikc"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "unknown arguments: --quikc" in done.stderr
