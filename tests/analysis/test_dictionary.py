"""The data dictionary that readers see is the one that the columns give."""

from __future__ import annotations

from tests.conftest import some
from unitscope.columns import TABLES
from unitscope.dictionary import README, dictionary


def test_the_committed_dictionary_is_up_to_date() -> None:
    assert README.read_text(encoding="utf-8") == dictionary(), (
        "write it again with: python -m unitscope.dictionary"
    )


def test_every_column_is_described() -> None:
    text = dictionary()
    for title, columns in some(TABLES.items()):
        assert f"## {title}\n" in text
        for column in some(columns):
            assert f"| `{column.name}` | {column.type} | {column.unit} |" in text
            assert column.description.endswith(".")
