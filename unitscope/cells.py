"""The cells of a table file, whatever program saved it, and the one way in which we write them."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from unitscope.errors import BadInput

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
_OTHERS = {"|": "vertical bar", ":": "colon", " ": "space"}

# What begins with these bytes is no table, and what it is instead.
_FORMATS = (
    (b"\xd0\xcf\x11\xe0", "an Excel workbook (.xls)"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89HDF", "an HDF5 file"),
    (b"version https://git-lfs", "a pointer of Git LFS in place of the file"),
)

# Longest first: the mark of UTF-16 is the beginning of that of UTF-32.
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)

_COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Sheet:
    """The cells of a table file.

    Parameters
    ----------
    header
        Names of the columns, without blanks around them; one without a name is called by its
        place, such as ``Unnamed: 0``.
    rows
        As many cells each as the header; rows without any content are left out.
    lines
        The line of the file that each row begins on, from 1.
    separator
        What stood between the cells.
    """

    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    separator: str = ","

    @property
    def has_decimal_commas(self) -> bool:
        """Whether numbers may have commas: only where commas do not separate."""
        return self.separator != ","

    def records(self) -> list[dict[str, str]]:
        """Return each row as the names of the columns to its cells."""
        return [dict(zip(self.header, row, strict=True)) for row in self.rows]


def read_content(path: Path) -> bytes:
    """Read the bytes of a file.

    Raises
    ------
    BadInput
        If it is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None


def read_sheet(content: bytes, path: Path | str) -> Sheet:
    """Read the cells of a table file.

    Parameters
    ----------
    content
        Bytes of the file: UTF-8, or UTF-16 with its mark; cells separated by commas, semicolons
        or tabs; lines that end in any way. Blank lines, and blank columns at the right, are
        passed over.
    path
        File that errors name.

    Raises
    ------
    BadInput
        If the bytes are no such table, saying what they are, or a line has other cells than the
        header, naming the line.
    """
    text = _text(content, path)
    separator, lines_before, text = _separator(text, path)
    records = _records(text, separator, lines_before, path)
    first = next((cells for _, cells in records if any(map(str.strip, cells))), None)
    if first is None:
        raise BadInput(f"{path}: the file is empty, expected a header and rows")
    names = [name.strip() for name in first]
    width = max((place for place, name in enumerate(names, start=1) if name), default=0)
    header = [name or f"Unnamed: {place}" for place, name in enumerate(names[:width])]
    for name in header:
        if header.count(name) > 1:
            raise BadInput(f"{path}: column {name!r} occurs twice, expected each name once")
    rows, lines = [], []
    for line, cells in records:
        if not any(cells):
            continue
        if len(cells) < width or any(cells[width:]):
            raise BadInput(f"{path}, line {line}: found {len(cells)} cells, expected {width}")
        rows.append(cells[:width])
        lines.append(line)
    return Sheet(header, rows, lines, separator)


def _text(content: bytes, path: Path | str) -> str:
    """Decode a table's bytes, or say what they are instead."""
    found = next((what for start, what in _FORMATS if content.startswith(start)), None)
    if content.startswith(b"PK\x03\x04"):
        found = _zipped(content)
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html")):
        found = "a web page (HTML)"
    elif start.startswith(b"<?xml"):
        found = "an XML file"
    if found:
        raise BadInput(f"{path}: found {found}, expected a table; save or export it as CSV (UTF-8)")
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = 1 + len(re.findall(rb"\r\n|\r|\n", content[: error.start]))
        raise BadInput(
            f"{path}, line {line}: byte {content[error.start]:#04x} is no {encoding.upper()}, as "
            "in a file of an older encoding (Latin-1) or no text; save it as CSV (UTF-8)"
        ) from None
    if "\0" in text:
        what = "UTF-16 without its mark" if content.count(b"\0") > len(content) / 4 else "no text"
        raise BadInput(f"{path}: found NUL bytes ({what}), expected a table as CSV (UTF-8)")
    return text


def _zipped(content: bytes) -> str:
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except zipfile.BadZipFile:
        names = []
    if any(name.startswith("xl/") for name in names):
        return "an Excel workbook (.xlsx)"
    return "a spreadsheet (.ods)" if "content.xml" in names else "a zip archive"


def _separator(text: str, path: Path | str) -> tuple[str, int, str]:
    """Return what separates cells, how many lines say so alone, and the text after them."""
    if said := re.match(r"sep=([,;\t])(\r\n|\r|\n)", text):  # as Excel writes it
        return said[1], 1, text[said.end() :]
    # Quoted names may hold anything; the first line with a letter is the header.
    header = next((line for line in text.splitlines() if line.strip(" ,;\t")), "")
    bare = re.sub(r'"[^"]*"?', "", header)
    counts = {mark: bare.count(mark) for mark in SEPARATORS}
    best = max(counts, key=lambda mark: counts[mark])
    if counts[best]:
        return best, 0, text
    for mark, name in _OTHERS.items():
        if bare.strip().count(mark) > 1:
            raise BadInput(
                f"{path}: cells seem to be separated by {name}s, expected "
                f"{', '.join(SEPARATORS.values())}"
            )
    return ",", 0, text


def _records(
    text: str, separator: str, lines_before: int, path: Path | str
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line that each record begins on, and its cells."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + lines_before + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadInput(f"{path}, line {line}: cannot be read as CSV ({error})") from None
        yield line, cells


def natural_order(cell: str) -> list[tuple[float, str]]:
    """Return a key that sorts cells by the numbers in them, so that c5 comes before c10."""
    parts = re.split(r"(\d+(?:\.\d+)?)", cell)
    return [(float(part), "") if place % 2 else (0.0, part) for place, part in enumerate(parts)]


def with_points(cell: str) -> str:
    """Return a number that is written with a decimal comma as one with a point."""
    return cell.replace(",", ".") if _COMMA_NUMBER.fullmatch(cell) else cell


def text_of(rows: Iterable[Sequence[object]], separator: str = ",") -> str:
    """Return rows as lines of a table file; quotes stand only where they must."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue()
