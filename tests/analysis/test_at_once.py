"""The quick way to read files gives what the careful one gives, or leaves it to that one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.at_once import read_at_once
from conditions.column import Column
from conditions.columns import FRAME_COLUMNS, log_columns
from conditions.csv_files import parse, read_cells
from conditions.errors import BadInput

COLUMNS = (
    Column("name", "str", "A name."),
    Column("note", "str", "May be blank.", blank=True),
    Column("number", "int", "A whole number."),
    Column("count", "int", "May be blank.", blank=True),
    Column("size", "float", "May be blank.", blank=True),
    Column("done", "bool", "May be blank.", blank=True),
    Column("kind", "str", "One of two.", levels=("a", "b")),
    Column("depth", "int", "One of two.", levels=(1, 10), blank=True),
)
HEADER = "name,note,number,count,size,done,kind,depth\n"


def carefully(content: bytes, columns: tuple[Column, ...] = COLUMNS) -> pd.DataFrame:
    """Read a file the careful way."""
    return parse(read_cells(content, "file.csv"), columns, "file.csv")


def test_files_one_after_the_other_are_one_frame() -> None:
    first = (HEADER + "x,,1,,0.1,True,a,10\nNA,null,-2,3,,,b,\n").encode()
    second = (HEADER + "\u00e9, y ,3,4,1e-07,False,a,1\n").encode()
    found = read_at_once([first, second], COLUMNS)
    assert found is not None
    whole = pd.concat([carefully(first), carefully(second)], ignore_index=True)
    pd.testing.assert_frame_equal(found, whole)


@pytest.mark.parametrize("value", ["0.1", "1e22", "5e-324", "0.30000000000000004", "123456.789e-3"])
def test_numbers_keep_every_digit(value: str) -> None:
    found = read_at_once([f"{HEADER}x,,1,,{value},,a,\n".encode()], COLUMNS)
    assert found is not None
    assert found["size"].tolist() == [float(value)]


@pytest.mark.parametrize(
    "line",
    [
        ",,1,,,,a,",  # a blank that may not be
        "x,,1.5,,,,a,",
        "x,,0x10,,,,a,",
        "x,,one,,,,a,",
        "x,,1e300,,,,a,",
        "x,,,,,,a,",
        "x,,1,,inf,,a,",
        "x,,1,,nan,,a,",
        "x,,1,,,true,a,",
        "x,,1,,,1,a,",
        "x,,1,,,,c,",
        "x,,1,,,,,",
        "x,,1,,,,a,2",
        "x,,1,,,,a,01",
        "x,,1,,,,a,1,more",
    ],
)
def test_what_is_wrong_is_left_to_the_careful_way_to_say(line: str) -> None:
    content = f"{HEADER}y,,1,,,,a,\n{line}\n".encode()
    assert read_at_once([content], COLUMNS) is None
    with pytest.raises(BadInput, match="file.csv"):
        carefully(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        HEADER.encode(),
        b"\xef\xbb\xbf" + f"{HEADER}x,,1,,,,a,\n".encode(),
        f"{HEADER}x,,1,,,,a,\n".replace("\n", "\r\n").encode(),
        (HEADER + 'x,"two\nlines",1,,,,a,\n').encode(),
        f"{HEADER}x,,1,,,,a,\n\nx,,1,,,,a,\n".encode(),
        f"{HEADER}x,,1\n".encode(),
        HEADER.encode() + b"\xff,,1,,,,a,\n",
        b"name,number\nx,1\n",
    ],
)
def test_what_is_odd_is_left_to_the_careful_way(content: bytes) -> None:
    assert read_at_once([content], COLUMNS) is None


def test_without_arrow_there_is_the_careful_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert read_at_once([f"{HEADER}x,,1,,,,a,\n".encode()], COLUMNS) is None


def test_logs_are_read_the_quick_way(demo_study: Path) -> None:
    for name, columns in (("trials.csv", log_columns("two_afc")), ("frames.csv", FRAME_COLUMNS)):
        contents = [file.read_bytes() for file in sorted(demo_study.glob(f"sub-*/ses-*/{name}"))]
        whole = [content for content in contents if content.endswith(b"\n")]
        found = read_at_once(whole, columns)
        assert found is not None
        expected = [carefully(content, columns) for content in whole]
        pd.testing.assert_frame_equal(found, pd.concat(expected, ignore_index=True))
