"""Which sessions a report keeps of somebody who took part twice, or saw shrunk images."""

from __future__ import annotations

import json
from typing import Any

import pytest

from analysis.logs.load import load_log
from analysis.planning.analysis_settings import Settings
from analysis.report.analyse import analyse
from conditions.design.reading import read_design

DESIGN = read_design("demo_two_afc")


def kept(study: Any, **settings: Any) -> list[tuple[str, int]]:
    """Return the sessions of which main trials are kept."""
    found = analyse(load_log(study.folder), Settings(n_bootstrap=10, **settings), DESIGN).kept
    return sorted(set(zip(found["participant"], found["session"].tolist(), strict=True)))


@pytest.fixture
def twice(study: Any) -> Any:
    """A study of two people, one of whom took part twice."""
    for participant, number, session in (("p001", 1, 1), ("p001", 1, 2), ("p002", 2, 1)):
        study.write_session(
            participant, number, kind="person", observer=None, catch_right=1, session=session
        )
    return study


def test_the_first_session_counts_unless_told_otherwise(twice: Any) -> None:
    assert kept(twice) == [("p001", 1), ("p002", 1)]
    assert kept(twice, sessions="last") == [("p001", 2), ("p002", 1)]
    assert kept(twice, sessions="all") == [("p001", 1), ("p001", 2), ("p002", 1)]


def test_a_session_with_shrunk_images_is_excluded_unless_told_otherwise(twice: Any) -> None:
    path = twice.folder / "sub-p002" / "ses-01" / "session.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["runs"][0]["layout_scale"] = 0.72
    path.write_text(json.dumps(record), encoding="utf-8")
    results = analyse(load_log(twice.folder), Settings(n_bootstrap=10), DESIGN)
    judged = results.tables["exclusions"]
    excluded = judged.loc[judged["excluded"], ["participant", "session", "rule", "value"]]
    assert excluded.to_numpy().tolist() == [
        ["p001", 2, "first session", 1.0],
        ["p002", 1, "shrunk images", 0.72],
    ]
    assert kept(twice, shrunk=True) == [("p001", 1), ("p002", 1)]
