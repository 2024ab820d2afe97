"""A copied folder does not run, or save into, the checkout that it was copied from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import first_quick
from unitscope.places import ROOT

PARTS = ("unitscope", "conditions", "stimgen", "experiments", "analysis", "data")


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that was copied to another place, without environment, tables and logs."""
    folder = tmp_path_factory.mktemp("lab") / "copied"
    for part in PARTS:
        ignored = shutil.ignore_patterns("__pycache__", "tables", "sub-*", "*_lastrun.py")
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def run(
    command: list[str], cwd: Path, code: Path = ROOT, screen: Mapping[str, str] = os.environ
) -> tuple[int, str, str]:
    """Run Python with an environment that finds the packages in a checkout."""
    environment = {**screen, "PYTHONPATH": str(code)}
    done = subprocess.run(
        [sys.executable, *command], cwd=cwd, env=environment, text=True, capture_output=True
    )
    return done.returncode, done.stdout, done.stderr


def is_refused(done: tuple[int, str, str], what: str, copied: Path) -> bool:
    """Return whether a command ended with one sentence that names both checkouts."""
    code, _, said = done
    sentence = f"{what} belongs to the copy of the suite in {copied}, but this Python runs the"
    return code == 2 and sentence in said and str(ROOT) in said and said.count("\n") == 1


SIMULATED = ["--participant", "p001", "--simulate", "chance"]


def test_a_script_of_another_checkout(copied: Path, tmp_path: Path) -> None:
    script = [str(copied / "experiments" / "two_afc.py"), *SIMULATED]
    assert is_refused(run(script, tmp_path), "the script", copied)
    code, _, said = run(script, tmp_path, copied)
    assert code == 2 and f"{copied}/conditions/tables/demo_two_afc/p001.csv" in said


@pytest.mark.parametrize(
    "package", first_quick(["conditions", "stimgen", "experiments", "analysis"])
)
def test_a_command_within_another_checkout(copied: Path, package: str) -> None:
    # Around its top folder Python finds the checkout's own packages.
    command = {
        "conditions": ["list"],
        "stimgen": ["verify", "none"],
        "experiments": ["simulate", "demo_two_afc", "--participants", "1"],
        "analysis": ["check", "demo_two_afc"],
    }
    module = ["-m", package, *command[package]]
    assert is_refused(run(module, copied / "data"), "the current folder", copied)
    code, _, said = run(module, copied)
    assert "belongs to" not in said and code == (0 if package == "conditions" else 2)


@pytest.mark.window
@pytest.mark.slow
def test_a_compiled_builder_file_of_another_checkout(
    copied: Path, virtual_screen: Mapping[str, str], tmp_path: Path
) -> None:
    script = copied / "experiments" / "two_afc_lastrun.py"
    source = str(copied / "experiments" / "two_afc.psyexp")
    compile_it = ["-m", "psychopy.scripts.psyexpCompile", source, "-o", str(script)]
    assert run(compile_it, tmp_path)[0] == 0
    code, said, errors = run([str(script)], tmp_path, screen=virtual_screen)
    assert code == 2, said + errors
    assert f"the script belongs to the copy of the suite in {copied}, but this" in errors


def test_unrelated_folders_are_nobodys_checkout(tmp_path: Path) -> None:
    assert run(["-m", "conditions", "list"], tmp_path)[0] == 0
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "ours"\n', encoding="utf-8")
    assert run(["-m", "conditions", "list"], tmp_path)[0] == 0
    # A script of the lab's own may stand anywhere.
    script = tmp_path / "own.py"
    script.write_text("from experiments.__main__ import main\nmain(['--help'])\n", encoding="utf-8")
    code, out, _ = run([str(script)], tmp_path)
    assert code == 0 and "simulate" in out


def test_a_session_says_where_things_lie(copied: Path, stimulus_set: Path, tmp_path: Path) -> None:
    make = ["-m", "conditions", "make", "demo_two_afc", "--participants", "1"]
    assert run([*make, "--stimuli", str(stimulus_set)], copied)[0] == 0
    script = [str(copied / "experiments" / "two_afc.py"), *SIMULATED]
    code, said, errors = run([*script, "--stimuli", str(stimulus_set)], tmp_path, copied)
    assert code == 0, errors
    tables = copied / "conditions" / "tables" / "demo_two_afc"
    assert f"code: {copied}; tables: {tables}; data: {copied / 'data'}\n" in said
    assert (copied / "data" / "demo_two_afc" / "sub-p001" / "ses-01" / "trials.csv").is_file()
