"""Tables as other programs save them: read alike, or refused in one sentence with the line."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unitscope.cells import natural_order, read_sheet, text_of
from unitscope.columns import Column
from unitscope.errors import BadInput
from unitscope.tables import lines_of, parse, read_cells

COLUMNS = (
    Column("name", "str", "A name."),
    Column("count", "int", "A count.", blank=True),
    Column("rt_s", "float", "A time.", "s", blank=True),
    Column("is_catch", "bool", "A truth value.", blank=True),
)
TEXT = "name,count,rt_s,is_catch\nx,3,0.25,True\ny,,,\n"


@dataclass(frozen=True)
class Dialect:
    """How a program saves a table."""

    separator: str
    encoding: str
    line_end: str
    spaces: bool
    trailing_in_header: int
    trailing_in_rows: int
    blank_lines: tuple[int, ...]

    def write(self, header: list[str], rows: list[list[str]]) -> tuple[bytes, list[int]]:
        """Return the bytes of a file, and the line that each row begins on."""
        mark = self.separator
        if self.spaces:
            header = [f" {name} " for name in header]
        cells = [[*header, *[""] * self.trailing_in_header]]
        cells += [[*row, *[""] * self.trailing_in_rows] for row in rows]
        text, line, lines = "", 1, []
        for place, row in enumerate(cells):
            for _ in range(self.blank_lines.count(place)):
                blank = mark * len(row) if place % 2 else ""
                text += blank + self.line_end
                line += 1
            lines.append(line)
            record = text_of([row], mark)
            line += record.count("\n")
            text += record.replace("\n", self.line_end)
        return text.encode(self.encoding), lines[1:]


DIALECTS = st.builds(
    Dialect,
    separator=st.sampled_from([",", ";", "\t"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    spaces=st.booleans(),
    trailing_in_header=st.integers(0, 2),
    trailing_in_rows=st.integers(0, 2),
    blank_lines=st.lists(st.integers(0, 4), max_size=4).map(tuple),
)
# Line feeds within a cell become those of the file, so they are not compared.
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)
ROWS = st.lists(
    st.tuples(
        st.one_of(NAMES, st.just("a, b; c\td"), st.just('say "so"'), st.just("1,5")),
        st.integers(-(2**40), 2**40),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


def as_cells(row, dialect, comma):
    """Return a row as text, with a decimal comma where the dialect can have one."""
    name, count, rt_s, is_catch = row
    number = repr(rt_s)
    if comma and dialect.separator != ",":
        number = number.replace(".", ",")
    return [name, str(count), number, str(is_catch)]


@given(DIALECTS, ROWS, st.booleans())
def test_a_table_reads_back_whatever_program_saved_it(dialect, rows, comma):
    header = [column.name for column in COLUMNS]
    content, lines = dialect.write(header, [as_cells(row, dialect, comma) for row in rows])
    text = read_cells(content, "t.csv")
    assert lines_of(text) == lines
    frame = parse(text, COLUMNS, "t.csv")
    assert [tuple(row) for row in frame.itertuples(index=False)] == rows


@given(DIALECTS, ROWS, st.data())
def test_a_bad_cell_is_named_with_its_line_in_the_file(dialect, rows, data):
    header = [column.name for column in COLUMNS]
    cells = [as_cells(row, dialect, comma=False) for row in rows]
    # A cell over two lines moves all that follow.
    cells[0][0] = "two\nlines"
    place = data.draw(st.integers(0, len(rows) - 1))
    cells[place][1] = "many"
    content, lines = dialect.write(header, cells)
    with pytest.raises(
        BadInput, match=f"^t.csv, line {lines[place]}, column 'count': found 'many'"
    ):
        parse(read_cells(content, "t.csv"), COLUMNS, "t.csv")


def zipped(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook (.xlsx)"),
        (zipped("mimetype", "content.xml"), "a spreadsheet (.ods)"),
        (zipped("a.csv"), "a zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "an Excel workbook (.xls)"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"PAR1....", "a Parquet file"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html>", "a web page (HTML)"),
        (b'<?xml version="1.0"?>', "an XML file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a pointer of Git LFS"),
        ("name;größe\n".encode("latin-1"), "line 1: byte 0xf6 is no UTF-8"),
        (b"name,count\r\rx,\xe9\r", "line 3: byte 0xe9 is no UTF-8"),
        ("name,count\nx,3\n".encode("utf-16-le"), "UTF-16 without its mark"),
        (b"name,cou\0nt\n", "found NUL bytes"),
        (b"", "the file is empty"),
        (b"\n\n ,\n", "the file is empty"),
        (b"name|count|rt_s\nx|3|1\n", "separated by vertical bars, expected comma, semicolon, tab"),
        (b"name,count\nx,3,more\n", "line 2: found 3 cells, expected 2"),
        (b"name,count\n\nx\n", "line 3: found 1 cells, expected 2"),
        (b"name,count,name\nx,3,y\n", "column 'name' occurs twice"),
        (b'name,count\nx,"3\n', "line 2: cannot be read as CSV"),
        (b'name,count\nx,"3"4\n', "line 2: cannot be read as CSV"),
    ],
)
def test_what_is_no_table_is_named(content, said):
    with pytest.raises(BadInput) as caught:
        read_sheet(content, "t.csv")
    assert str(caught.value).startswith("t.csv")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_separator_may_be_said_as_excel_says_it():
    sheet = read_sheet(b"sep=;\r\nname;note\r\nx;a,b,c,d\r\n", "t.csv")
    assert (sheet.header, sheet.rows, sheet.lines) == (["name", "note"], [["x", "a,b,c,d"]], [3])


def test_a_column_without_a_name_is_called_by_its_place():
    """As pandas calls the column of row numbers that it writes itself."""
    assert read_sheet(b",name\n0,x\n", "t.csv").header == ["Unnamed: 0", "name"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_text_with_a_comma_is_no_number(separator):
    content = TEXT.replace(",", separator).replace("0.25", "0,25").replace("y", "1,5").encode()
    frame = parse(read_cells(content, "t.csv"), COLUMNS, "t.csv")
    assert frame["rt_s"][0] == 0.25
    assert frame["name"].tolist() == ["x", "1,5"]


def test_a_whole_number_has_no_comma():
    content = TEXT.replace(",", ";").replace(";3;", ";3,0;").encode()
    with pytest.raises(BadInput, match="line 2, column 'count': found '3,0', expected a whole"):
        parse(read_cells(content, "t.csv"), COLUMNS, "t.csv")


def test_truth_values_in_capitals_are_those_of_spreadsheets():
    frame = parse(read_cells(TEXT.replace("True", "TRUE").encode(), "t.csv"), COLUMNS, "t.csv")
    assert frame["is_catch"].tolist() == [True, pd.NA]


def test_numbers_within_cells_are_sorted_by_size():
    cells = ["10", "9", "0.1", "0.03", "c10", "c5", "", "2026-03-02_10h", "2026-03-01_9h", "b"]
    assert sorted(cells, key=natural_order) == [
        *("", "0.03", "0.1", "9", "10", "2026-03-01_9h", "2026-03-02_10h", "b", "c5", "c10"),
    ]
