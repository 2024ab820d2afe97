import builtins
import keyword

import pytest

from conditions.columns import (
    RATING_COLUMNS,
    RESERVED_NAMES,
    TABLES,
    log_columns,
    names,
    response_columns,
    table_columns,
)
from conditions.vocabulary import TASKS

EVERY_TABLE = [
    *TABLES.values(),
    *(columns(task) for columns in (table_columns, log_columns) for task in TASKS),
]


def test_every_column_is_described_and_named_once():
    for columns in EVERY_TABLE:
        assert len(set(names(columns))) == len(columns)
        for column in columns:
            assert column.description.endswith(".")
            assert column.type in {"str", "int", "float", "bool"}


def test_quantities_carry_their_unit_in_the_name():
    for columns in EVERY_TABLE:
        for column in columns:
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
    for name in ("query_a", "activation_b", "channel", "correct_choice", "batch"):
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
