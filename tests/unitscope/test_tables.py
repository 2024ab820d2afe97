import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unitscope.columns import Column
from unitscope.errors import BadInput
from unitscope.tables import parse, read_csv, write_csv

COLUMNS = (
    Column("name", "str", "A name."),
    Column("side", "str", "A side.", levels=("a", "b"), blank=True),
    Column("count", "int", "A count.", blank=True),
    Column("rt_s", "float", "A time.", "s", blank=True),
    Column("right", "bool", "A truth value.", blank=True),
)
HEADER = "name,side,count,rt_s,right\n"


def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "log.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_types_and_blanks(tmp_path):
    frame = read_csv(written(tmp_path, HEADER + "x,a,3,0.25,True\ny,,,,\n"), COLUMNS)
    assert frame["count"].tolist() == [3, pd.NA]
    assert frame["rt_s"][0] == 0.25
    assert math.isnan(frame["rt_s"][1])
    assert frame["right"].tolist() == [True, pd.NA]
    assert frame["side"].isna().tolist() == [False, True]


def test_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    frame = read_csv(written(tmp_path, HEADER + "x,a,3,0.25,True\n", "utf-8-sig"), COLUMNS)
    assert frame["name"].tolist() == ["x"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("x,c,3,0.25,True", r"line 3, column 'side': found 'c', expected one of a, b"),
        ("x,a,1e300,0.25,True", r"line 3, column 'count': found '1e300', expected a whole number"),
        ("x,a,3.5,0.25,True", r"line 3, column 'count': found '3.5', expected a whole number"),
        ("x,a,3,fast,True", r"line 3, column 'rt_s': found 'fast', expected a number"),
        ("x,a,3,inf,True", r"line 3, column 'rt_s': found 'inf', expected a number"),
        ("x,a,3,0.25,yes", r"line 3, column 'right': found 'yes', expected True or False"),
        (",a,3,0.25,True", r"line 3, column 'name': found '', expected text"),
    ],
)
def test_a_bad_cell_is_named(tmp_path, row, message):
    path = written(tmp_path, HEADER + "ok,a,1,0.1,True\n" + row + "\n")
    with pytest.raises(BadInput, match=message) as caught:
        read_csv(path, COLUMNS)
    assert str(caught.value).startswith(str(path))


def test_a_renamed_column_is_named_with_its_likely_new_name(tmp_path):
    with pytest.raises(BadInput, match="column 'rt_s' is missing; did you mean 'RT_s'"):
        read_csv(written(tmp_path, "name,side,count,RT_s,right\nx,a,3,0.25,True\n"), COLUMNS)


def test_unknown_columns_are_refused_unless_allowed(tmp_path):
    path = written(tmp_path, HEADER.strip() + ",nmae\nx,a,3,0.25,True,q\n")
    with pytest.raises(BadInput, match="unknown column 'nmae'; did you mean 'name'"):
        read_csv(path, COLUMNS)
    assert read_csv(path, COLUMNS, extra=True)["nmae"].tolist() == ["q"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'name,side\n"open'])
def test_unreadable_files_give_one_sentence(tmp_path, content):
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        read_csv(path, COLUMNS)
    assert "\n" not in str(caught.value)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_categories=("C",)), min_size=1).filter(
                str.strip
            ),
            st.integers(-(2**40), 2**40),
            st.floats(allow_nan=False, allow_infinity=False),
            st.booleans(),
        ),
        min_size=1,
    )
)
def test_what_is_written_is_read_again_to_the_bit(tmp_path_factory, rows):
    frame = pd.DataFrame(rows, columns=["name", "count", "rt_s", "right"])
    frame.insert(1, "side", "a")
    path = tmp_path_factory.mktemp("roundtrip") / "log.csv"
    write_csv(frame, path, COLUMNS)
    again = read_csv(path, COLUMNS)
    for name in frame:
        assert again[name].tolist() == frame[name].tolist()


def test_parse_names_the_line_of_the_file():
    text = pd.DataFrame([["x", "a", "1", "0.1", "maybe"]], columns=[c.name for c in COLUMNS])
    with pytest.raises(BadInput, match="here, line 2, column 'right'"):
        parse(text, COLUMNS, "here")


def test_a_line_with_more_cells_than_the_header_is_refused(tmp_path):
    with pytest.raises(BadInput, match="line 2: found 6 cells, expected 5"):
        read_csv(written(tmp_path, HEADER + "x,a,3,0.25,True,more\n"), COLUMNS)
