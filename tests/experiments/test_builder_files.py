"""The Builder files: as made, compiled, and saved again by Builder; no window."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from unitscope.columns import names, table_columns
from unitscope.vocabulary import TASKS

with warnings.catch_warnings():
    # PsychoPy uses what Python has deprecated.
    warnings.simplefilter("ignore")
    from psychopy.experiment import Experiment

    from experiments.builder_files import FLOW, FOLDER, write_files


def compiled(path: Path, folder: Path) -> str:
    """Compile a Builder file as Builder does, without a display."""
    script = folder / f"{path.stem}_lastrun.py"
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, "-m", "psychopy.scripts.psyexpCompile", str(path), "-o", str(script)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return script.read_text(encoding="utf-8-sig")


@pytest.fixture(
    scope="module",
    # One worker compiles each.
    params=[pytest.param(task, marks=pytest.mark.xdist_group(f"builder {task}")) for task in TASKS],
)
def task(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def script(task, tmp_path_factory) -> str:
    """What a task's Builder file compiles to."""
    return compiled(FOLDER / f"{task}.psyexp", tmp_path_factory.mktemp("compiled"))


def loaded(path: Path):
    experiment = Experiment()
    experiment.loadFromXML(str(path))
    return experiment


def test_the_files_are_those_that_the_command_writes(task, tmp_path):
    (written,) = write_files(tmp_path, [task])
    shipped = FOLDER / written.name
    assert written.read_text(encoding="utf-8") == shipped.read_text(encoding="utf-8")


def test_what_an_experimenter_edits_is_visible(task):
    experiment = loaded(FOLDER / f"{task}.psyexp")
    settings = {name: param.val for name, param in experiment.settings.params.items()}
    fields = ast.literal_eval(settings["Experiment info"])
    assert list(fields) == [
        *("participant", "session", "design", "language", "distance", "override|cfg")
    ]
    assert fields["design"] == f"demo_{task}"
    assert settings["Full-screen window"] in (True, "True")
    assert settings["Units"] == "pix"
    # Builder's button 'Compile to Python script' writes this name, not over the Coder script.
    assert settings["expName"] != task

    entries = [entry.name if hasattr(entry, "name") else None for entry in experiment.flow]
    assert [name for name in entries if name in FLOW] == list(FLOW)
    loops = {
        entry.loop.name: {name: param.val for name, param in entry.loop.params.items()}
        for entry in experiment.flow
        if hasattr(entry, "loop")
    }
    assert set(loops) == {"trials", "blocks"}
    assert loops["trials"]["conditionsFile"] == "$condition_file"
    assert {loop["loopType"] for loop in loops.values()} == {"sequential"}
    for name in FLOW:
        routine = experiment.routines[name]
        assert routine.settings.params["desc"].val
        assert [component.type for component in routine] == ["RoutineSettingsComponent", "Code"]


def test_code_components_are_a_few_lines(task):
    experiment = loaded(FOLDER / f"{task}.psyexp")
    for name in FLOW:
        code = experiment.routines[name][1].params
        lines = [
            line
            for hook, param in code.items()
            if " " in hook and "JS" not in hook and hook != "Code Type"
            for line in str(param.val).splitlines()
        ]
        assert 4 <= len(lines) <= 10, lines


def test_a_compiled_file_drives_the_runner(task, script):
    tree = ast.parse(script)
    imports = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert "experiments.display.builder" in imports
    calls = re.findall(r'unitscope\.begin\("(\w+)"', script)
    assert calls == list(FLOW)
    assert f"BuilderSession('{task}')" in ast.unparse(tree)
    assert script.count("unitscope.frame()") == script.count("unitscope.end()") == len(FLOW)
    assert "useFBO=False" in script
    assert "core.setPilotModeFromArgs()" in script
    # PsychoPy's own poll of the escape key would end a session unasked.
    assert '["escape"]' not in script


def test_no_column_takes_a_name_of_the_compiled_script(task, script):
    """Builder makes every column of the condition file a variable of the script."""
    tree = ast.parse(script)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    used |= {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert used & set(names(table_columns(task))) == {"trial_number"}


def test_a_file_saved_by_builder_compiles_to_the_same_script(task, script, tmp_path):
    again = tmp_path / f"{task}.psyexp"
    loaded(FOLDER / again.name).saveToXML(str(again))
    after = compiled(again, tmp_path).splitlines()
    # Their first lines hold the time.
    different = [
        (one, other)
        for one, other in zip(after, script.splitlines(), strict=True)
        if one != other and "originPath" not in one
    ]
    assert len(different) <= 1, different
