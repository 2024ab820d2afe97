import builtins
import json
import keyword
import subprocess
import sys

import pytest

from tests.conftest import some
from unitscope.columns import (
    RATING_COLUMNS,
    RESERVED_NAMES,
    TABLES,
    log_columns,
    names,
    response_columns,
    table_columns,
)
from unitscope.vocabulary import TASKS

EVERY_TABLE = [
    *TABLES.values(),
    *(columns(task) for columns in (table_columns, log_columns) for task in TASKS),
]


def test_every_column_is_described_and_named_once():
    for columns in EVERY_TABLE:
        assert len(set(names(columns))) == len(columns)
        for column in some(columns):
            assert column.description.endswith(".")
            assert column.type in {"str", "int", "float", "bool"}


def test_quantities_carry_their_unit_in_the_name():
    for columns in EVERY_TABLE:
        for column in some(columns):
            if column.unit:
                assert column.name.endswith(f"_{column.unit}")


@pytest.mark.parametrize("task", TASKS)
def test_the_log_holds_the_whole_condition_row_and_the_response(task):
    table, log = names(table_columns(task)), names(log_columns(task))
    assert [name for name in log if name in table] == table
    assert log[-len(response_columns(task)) :] == names(response_columns(task))
    assert not set(table) & set(names(response_columns(task)))


@pytest.mark.parametrize("task", ["two_afc", "occlusion"])
def test_only_a_table_leaves_queries_for_the_session_to_fill(task):
    table = {column.name: column for column in table_columns(task)}
    log = {column.name: column for column in log_columns(task)}
    for name in ("query_a", "query_b", "channel", "correct_choice", "batch"):
        assert table[name].blank
        assert not log[name].blank
    assert log["branch"].blank
    assert not table["reference_condition"].blank


def test_every_source_is_the_place_that_fills_the_column():
    sources = {column.name: column.source for column in log_columns("occlusion")}
    assert sources["participant"] == "session"
    assert sources["occluder_a_x_px"] == sources["layer"] == "table"
    assert sources["trigger"] == sources["confidence_rt_s"] == "response"


@pytest.mark.parametrize("task", TASKS)
def test_no_column_takes_a_name_that_breaks_a_compiled_builder_script(task):
    reserved = RESERVED_NAMES | set(keyword.kwlist) | set(dir(builtins))
    assert {"data", "win", "trial", "trials", "event", "expInfo", "t"} < RESERVED_NAMES
    assert not reserved & set(names(table_columns(task)))


def test_a_rating_says_whose_it_is_and_of_what():
    assert {"participant", "session", "moment", "channel", "image", "rating"} <= set(
        names(RATING_COLUMNS)
    )


def test_the_reserved_names_hold_those_of_a_script_that_psychopy_compiles():
    """Compile an experiment with a loop, pictures, text, code and keys, and look at its names."""
    pytest.importorskip("psychopy")
    code = (
        "import ast, json\n"
        "from psychopy import experiment\n"
        "from psychopy.experiment.components.code import CodeComponent\n"
        "from psychopy.experiment.components.image import ImageComponent\n"
        "from psychopy.experiment.components.keyboard import KeyboardComponent\n"
        "from psychopy.experiment.loops import TrialHandler\n"
        "study = experiment.Experiment()\n"
        "study.addRoutine('trial')\n"
        "routine = study.routines['trial']\n"
        "for kind in (CodeComponent, ImageComponent, KeyboardComponent):\n"
        "    routine.addComponent(kind(study, 'trial', name='own_' + kind.__name__))\n"
        "study.flow.addRoutine(routine, 0)\n"
        "study.flow.addLoop(TrialHandler(study, 'own_loop', conditionsFile='own.csv'), 0, 1)\n"
        "found = set()\n"
        "for node in ast.walk(ast.parse(study.writeScript())):\n"
        "    if isinstance(node, ast.Name): found.add(node.id)\n"
        "    if isinstance(node, (ast.FunctionDef, ast.arg)):\n"
        "        found.add(node.name if isinstance(node, ast.FunctionDef) else node.arg)\n"
        "    if isinstance(node, (ast.Import, ast.ImportFrom)):\n"
        "        found |= {(a.asname or a.name).split('.')[0] for a in node.names}\n"
        "print(json.dumps(sorted(found)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    used = set(json.loads(done.stdout.splitlines()[-1]))
    used = {n for n in used if not n.startswith(("_", "own_", "thisOwn"))} - set(dir(builtins))
    assert used - RESERVED_NAMES == set()
    for task in TASKS:
        assert not used & set(names(table_columns(task)))
