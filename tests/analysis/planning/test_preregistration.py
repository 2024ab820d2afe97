"""The block at the end of a preregistration is read, or refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.planning.preregistration import read_preregistration
from analysis.planning.preregistration_document import preregister
from conditions.design.reading import read_design
from unitscope.errors import BadInput

DEMO = read_design("demo_two_afc")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("```json preregistration", "```json", "found 0 blocks that begin with"),
        ('"level": 0.95', '"level": high', "block is not JSON"),
        ('"level": 0.95', '"levle": 0.95', "unknown key 'levle'; did you mean 'level'?"),
        ('"ci_unit": "crossed"', '"ci_unit": "all"', "'ci_unit' is 'all', expected one of"),
    ],
)
def test_a_damaged_preregistration_is_refused(
    old: str, new: str, expected: str, tmp_path: Path
) -> None:
    path = preregister(DEMO, tmp_path / "plan.md")
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(BadInput) as error:
        read_preregistration(path)
    assert expected in str(error.value) and str(path) in str(error.value)


def test_a_missing_preregistration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        read_preregistration(tmp_path / "plan.md")
