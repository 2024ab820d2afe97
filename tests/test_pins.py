"""The pinned packages: every file has a hash, and every supported system can install them."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from bootstrap import SUPPORTED
from tests.conftest import some
from unitscope.places import ROOT

LOCKS = ("requirements-build.lock", "requirements.lock")
SYSTEMS = ("x86_64-manylinux_2_35", "aarch64-apple-darwin", "x86_64-pc-windows-msvc")
SOURCES = ("esprima", "pywinhook")
"""Packages that their authors publish as source code alone."""


def uv(*arguments: object, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "uv", *map(str, arguments)]
    # The oldest macOS that torch serves; uv takes an older one otherwise.
    settings = dict(os.environ, MACOSX_DEPLOYMENT_TARGET="14.0")
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=settings, **options
    )


@pytest.fixture(scope="module")
def registry():
    """Skips the test where no package registry can be reached."""
    asked = uv("pip", "compile", "--no-cache", "--quiet", "-", input="iniconfig\n")
    if asked.returncode and re.search("connect|dns|timed? ?out|fetch", asked.stderr, re.I):
        pytest.skip("there is no package registry")
    assert asked.returncode == 0, asked.stderr


def blocks(name: str) -> list[str]:
    """Return each requirement of a lock file with its hashes."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_is_one_version_with_hashes(name):
    for block in some(blocks(name)):
        assert re.match(r"[a-z0-9-]+==\S+ ", block), block
        assert "--hash=sha256:" in block, block


def test_pins_are_kept():
    """What we chose is what is locked, and sources are built with the setuptools that is there."""
    locked = {re.split("[ ;]", block)[0] for block in blocks("requirements.lock")}
    chosen = (ROOT / "requirements.txt").read_text(encoding="utf-8").lower().splitlines()
    pins = [re.split("[ ;]", line)[0] for line in chosen if re.match(r"[a-z0-9-]+==[^*;]+$", line)]
    assert set(some(pins)) <= locked
    tools = {re.split("[ ;]", block)[0] for block in blocks("requirements-build.lock")}
    assert [pin for pin in tools if pin.startswith("setuptools")] == [
        pin for pin in locked if pin.startswith("setuptools==")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", LOCKS)
def test_locks_are_what_their_first_lines_make(registry, name, tmp_path):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    command = lines[1].removeprefix("#    uv ").split()
    # What is pinned there is kept as long as it fits.
    made = tmp_path / name
    made.write_text("\n".join([*lines, ""]), encoding="utf-8")
    command[command.index("-o") + 1] = str(made)
    done = uv(*command, "--quiet", input="pip\nsetuptools\n")
    assert done.returncode == 0, done.stderr
    assert made.read_text(encoding="utf-8").splitlines()[2:] == lines[2:]


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", SUPPORTED, ids=lambda version: "{}.{}".format(*version))
def test_pins_resolve(registry, python, system, tmp_path):
    version = ".".join(map(str, python))
    options = ["--dry-run", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    options += [word for name in SOURCES for word in ("--no-binary", name)]
    target = ["--python-version", version, "--python-platform", system, "--target", tmp_path]
    locks = [word for name in LOCKS for word in ("-r", name)]
    done = uv("pip", "install", *options, *target, *locks)
    assert done.returncode == 0, done.stderr
    assert "Would install" in done.stderr
