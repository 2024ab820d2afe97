"""What a study did otherwise than it was preregistered is said in sentences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.__main__ import main
from analysis.logs.load import load_log
from analysis.planning.analysis_settings import Settings
from analysis.planning.preregistration import TO_WRITE
from analysis.planning.preregistration_document import preregister
from analysis.report.groups import groups_of
from analysis.report.sections.preregistered_plan import deviations
from analysis.report.study import Results
from conditions.design.reading import read_design
from tests.conftest import some
from unitscope.exclusion import ExclusionRule

DEMO = read_design("demo_two_afc")


@pytest.fixture
def results(study: Any) -> Results:
    """Three completed sessions and one that was not, by the rules of the design."""
    for number in (1, 2, 3):
        study.write_session(f"p00{number}", number)
    study.write_session("p004", 4, trials=12, end_reason="aborted")
    log = load_log(study.folder)
    groups = tuple(groups_of(log.trials))
    return Results(log, Settings(), groups, log.trials, {}, DEMO.exclusions.of_study)


def written(path: Path) -> Path:
    """Fill in what the authors are to write."""
    path.write_text(path.read_text(encoding="utf-8").replace(TO_WRITE, "Done"), encoding="utf-8")
    return path


def test_nothing_deviates_from_what_was_done_as_said(results: Results, tmp_path: Path) -> None:
    path = written(preregister(DEMO, tmp_path / "plan.md", 3))
    assert deviations(results, results.log, path) == []
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert deviations(results, results.log, path) == []


def test_what_was_never_written_is_said(results: Results, tmp_path: Path) -> None:
    path = preregister(DEMO, tmp_path / "plan.md", 3)
    (sentence,) = deviations(results, results.log, path)
    assert sentence == "5 passages of the preregistration were never written."


@pytest.mark.parametrize(
    ("planned", "expected"),
    [(2, "1 more participants completed"), (5, "2 fewer participants completed"), (None, None)],
)
def test_other_numbers_of_participants(
    planned: int | None, expected: str | None, results: Results, tmp_path: Path
) -> None:
    path = written(preregister(DEMO, tmp_path / "plan.md", planned))
    found = deviations(results, results.log, path)
    assert len(found) == (expected is not None)
    assert expected is None or found[0].startswith(expected)


def test_another_version_of_the_design(results: Results, tmp_path: Path) -> None:
    path = written(preregister(DEMO, tmp_path / "plan.md", 3))
    trials = results.log.trials.copy()
    trials.loc[trials["participant"] == "p002", "design_sha256"] = "0" * 64
    (sentence,) = deviations(results, replace(results.log, trials=trials), path)
    assert sentence.startswith("1 of 4 sessions ran with another version of the design")


def test_another_design(results: Results, tmp_path: Path) -> None:
    path = written(preregister(read_design("borowski2021_exp1"), tmp_path / "plan.md", 3))
    found = deviations(results, results.log, path)
    first, *rest = found
    assert first == "The study ran design demo_two_afc, preregistered was borowski2021_exp1."
    # The demo names rules of exclusion, the other design does not.
    assert len(rest) == 2
    assert all("was not preregistered" in sentence for sentence in some(rest))


def test_other_rules_and_settings(results: Results, tmp_path: Path) -> None:
    path = written(preregister(DEMO, tmp_path / "plan.md", 3))
    rule = ExclusionRule("catch trials", "catch_correct", 0.8)
    settings = Settings(ci_unit="paper", smallest_effect=0.05)
    other = replace(results, settings=settings, rules={"": (rule,)})
    found = deviations(other, results.log, path)
    assert [sentence for sentence in found if "was not applied" not in sentence] == [
        "An exclusion rule was not preregistered "
        "(catch trials: proportion of catch trials answered correctly: at least 0.8).",
        "Intervals speak for paper, preregistered was crossed (ci_unit).",
        "The smallest effect of interest is 0.05, preregistered was 0.1 (smallest_effect).",
    ]


def test_a_rule_in_the_words_of_an_earlier_version_is_the_same_rule(
    results: Results, tmp_path: Path
) -> None:
    path = written(preregister(DEMO, tmp_path / "plan.md", 3))
    text = path.read_text(encoding="utf-8")
    earlier = text.replace("proportion of catch trials answered correctly", "catch trials right")
    assert earlier != text
    path.write_text(earlier, encoding="utf-8")
    assert deviations(results, results.log, path) == []


def test_a_rule_that_was_dropped_for_a_group(results: Results, tmp_path: Path) -> None:
    path = written(preregister(read_design("zimmermann2021_occlusion"), tmp_path / "plan.md"))
    found = deviations(replace(results, rules={"": ()}), results.log, path)
    dropped = [s for s in found if "for group none was not applied" in s]
    assert len(dropped) == 6
    assert sum("exclusion rule was not applied" in s for s in found) == 7


def test_the_report_lists_what_deviates(
    study: Any, tmp_path: Path, draw_only: Callable[..., None]
) -> None:
    for number in (1, 2):
        study.write_session(f"p00{number}", number)
    draw_only()
    path = written(preregister(DEMO, tmp_path / "plan.md", 3))
    out = tmp_path / "report"
    command = ["report", str(study.folder), "--out", str(out), "--preregistration", str(path)]
    assert main(command) == 0
    page = (out / "report.html").read_text(encoding="utf-8")
    assert '<h2 id="preregistration">' in page
    assert "<li>1 fewer participants completed a session than preregistered" in page
