"""The guide's example runs, and names every number and table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analysis.report.analyse import NUMBER_NAMES, NUMBERS
from tests.conftest import some

GUIDE = Path(__file__).parents[2] / "docs" / "analysis.md"


def test_the_example_runs(
    demo_study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(demo_study.parents[1])
    code = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    found: dict[str, object] = {}
    exec("\n".join(code), found)
    assert re.fullmatch(r"0\.\d\d \[0\.\d\d, 0\.\d\d\]\n", capsys.readouterr().out)
    assert {"by_layer", "model", "meta"} <= set(found)


def test_every_number_and_table_is_named() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    for name, meaning in some(NUMBER_NAMES.items()):
        assert f"| `{name}` | {meaning} |" in text
    for number in NUMBERS:
        assert f"`{number.table}`" in text or number.table.endswith("_all_sessions")
