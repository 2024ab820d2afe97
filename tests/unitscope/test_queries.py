"""A stimulus set's queries.csv is read, or refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from unitscope.errors import BadInput
from unitscope.queries import read_queries

HEADER = "network,layer,branch,channel,batch,centre_correct,saliency_correct\n"


def test_baselines_are_named_by_their_columns(tmp_path: Path) -> None:
    rows = "toy,mixed4a,3x3,1,0,True,\ntoy,mixed4a,3x3,1,1,False,True\n"
    (tmp_path / "queries.csv").write_text(HEADER + rows, encoding="utf-8")
    found = read_queries(tmp_path)
    assert list(found["centre"]) == [True, False]
    assert found["saliency"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "toy,mixed4a,3x3,1,0,yes,\n", "line 2, column 'centre_correct': found 'yes'"),
        (HEADER + "toy,mixed4a,3x3,one,0,True,\n", "line 2, column 'channel': found 'one'"),
        ("network,layer,channel,centre_correct\n", "column 'batch' is missing"),
        ("network,layer,channel,batch\n", "expected one such as"),
        ("", "the file is empty"),
    ],
)
def test_bad_files_are_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "queries.csv").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=message):
        read_queries(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        read_queries(tmp_path)
