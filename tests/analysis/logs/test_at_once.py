"""The quick way to read files gives what the careful one gives, or leaves it to that one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.logs.at_once import Read, read_at_once
from unitscope.columns import FRAME_COLUMNS, Column, log_columns
from unitscope.errors import BadInput
from unitscope.records import whole_lines
from unitscope.tables import parse, read_cells

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


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Read | None]:
    """Read files of these contents at once; None stands for a missing one."""

    def read(*contents: bytes | None) -> Read | None:
        files = [tmp_path / f"{place}.csv" for place in range(len(contents))]
        for file, content in zip(files, contents, strict=True):
            if content is not None:
                file.write_bytes(content)
        return read_at_once(files, COLUMNS)

    return read


FIRST = (HEADER + "x,,1,,0.1,True,a,10\nNA,null,-2,3,,,b,\n").encode()
SECOND = (HEADER + "\u00e9, y ,3,4,1e-07,False,a,1\n").encode()


@pytest.mark.parametrize("group_bytes", [1, 2**20])
def test_files_one_after_the_other_are_one_frame(
    read: Any, group_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.logs.at_once._GROUP_BYTES", group_bytes)
    found = read(FIRST, None, HEADER.encode(), SECOND + b"x,,", FIRST, HEADER.encode() + b"x")
    assert found is not None
    whole = pd.concat([carefully(part) for part in (FIRST, SECOND, FIRST)], ignore_index=True)
    pd.testing.assert_frame_equal(found.frame, whole)
    assert (found.lengths, found.cut) == ([2, 0, 0, 1, 2, 0], [3, 5])


def test_the_frame_can_be_written_to(read: Any) -> None:
    frame = read(SECOND).frame
    for name in frame:
        frame.loc[0, name] = frame[name].iloc[0]
        frame[name].array[0] = frame[name].iloc[0]
    pd.testing.assert_frame_equal(frame, carefully(SECOND))


@pytest.mark.parametrize("value", ["0.1", "1e22", "5e-324", "0.30000000000000004", "123456.789e-3"])
def test_numbers_keep_every_digit(read: Any, value: str) -> None:
    found = read(f"{HEADER}x,,1,,{value},,a,\n".encode())
    assert found is not None
    assert found.frame["size"].tolist() == [float(value)]


@pytest.mark.parametrize("value", ["-0", "007", "1e3", "9007199254740993", "-9223372036854774784"])
def test_whole_numbers_are_those_of_the_careful_way(read: Any, value: str) -> None:
    content = f"{HEADER}x,,{value},{value},,,a,\nx,,1,,,,a,\n".encode()
    found = read(content)
    assert found is not None
    pd.testing.assert_frame_equal(found.frame, carefully(content))


@pytest.mark.parametrize(
    "line",
    [
        ",,1,,,,a,",  # a blank that may not be
        "x,,1.5,,,,a,",
        "x,,0x10,,,,a,",
        "x,,one,,,,a,",
        "x,,1e300,,,,a,",
        "x,,-9223372036854775808,,,,a,",
        "x,,nan,,,,a,",
        "x,,1,nan,,,a,",
        "x,,1,inf,,,a,",
        "x,,,,,,a,",
        "x,,1,,inf,,a,",
        "x,,1,,nan,,a,",
        "x,,1,,,yes,a,",
        "x,,1,,,1,a,",
        "x,,1,,,,c,",
        "x,,1,,,,,",
        "x,,1,,,,a,2",
        "x,,1,,,,a,01",
        "x,,1,,,,a,1,more",
    ],
)
def test_what_is_wrong_is_left_to_the_careful_way_to_say(read: Any, line: str) -> None:
    content = f"{HEADER}y,,1,,,,a,\n{line}\n".encode()
    assert read(FIRST, content) is None
    with pytest.raises(BadInput, match="file.csv"):
        carefully(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        HEADER.encode()[:-1],
        b"\xef\xbb\xbf" + f"{HEADER}x,,1,,,,a,\n".encode(),
        f"{HEADER}x,,1,,,,a,\n".replace("\n", "\r\n").encode(),
        (HEADER + 'x,"two\nlines",1,,,,a,\n').encode(),
        f"{HEADER}x\0,,1,,,,a,\n".encode(),
        f"{HEADER}x,,1,,,,a,\n\nx,,1,,,,a,\n".encode(),
        f"{HEADER}x,,1\n".encode(),
        HEADER.encode() + b"\xff,,1,,,,a,\n",
        b"name,number\nx,1\n",
    ],
)
def test_what_is_odd_is_left_to_the_careful_way(read: Any, content: bytes) -> None:
    assert read(content) is None
    assert read(FIRST, content) is None


def test_no_row_at_all_is_left_to_the_careful_way(read: Any) -> None:
    assert read() is None
    assert read(None, HEADER.encode()) is None


def test_a_file_that_cannot_be_read_is_left_to_the_careful_way(tmp_path: Path) -> None:
    assert read_at_once([tmp_path], COLUMNS) is None


def test_without_arrow_there_is_the_careful_way(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert read(FIRST) is None


def test_logs_are_read_the_quick_way(demo_study: Path) -> None:
    for name, columns in (("trials.csv", log_columns("two_afc")), ("frames.csv", FRAME_COLUMNS)):
        files = sorted(demo_study.glob(f"sub-*/ses-*/{name}"))
        found = read_at_once(files, columns)
        assert found is not None
        expected = [carefully(whole_lines(file.read_bytes()), columns) for file in files]
        pd.testing.assert_frame_equal(found.frame, pd.concat(expected, ignore_index=True))
        assert found.lengths == [len(part) for part in expected]
