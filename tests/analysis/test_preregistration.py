"""A preregistration says what the design says, and what a study did otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.__main__ import main
from analysis.exclusions import Rule, rules_of
from analysis.groups import groups_of
from analysis.load import load_log
from analysis.part import Settings
from analysis.preregistration import (
    TO_WRITE,
    deviations,
    preregister,
    read_preregistration,
)
from analysis.results import Results
from conditions.design import read_design, shipped_designs
from conditions.errors import BadInput

DEMO = read_design("demo_two_afc")


@pytest.fixture
def results(study: Any) -> Results:
    """Three completed sessions and one that was not, by the rules of the design."""
    for number in (1, 2, 3):
        study.write_session(f"p00{number}", number)
    study.write_session("p004", 4, trials=12, end_reason="aborted")
    log = load_log(study.folder)
    rules = {"": rules_of(DEMO.exclusions.rules())}
    return Results(log, Settings(), tuple(groups_of(log.trials)), log.trials, {}, rules)


def written(path: Path) -> Path:
    """Fill in what the authors are to write."""
    path.write_text(path.read_text(encoding="utf-8").replace(TO_WRITE, "Done"), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", shipped_designs())
def test_every_shipped_design_can_be_preregistered(name: str, tmp_path: Path) -> None:
    design = read_design(name)
    path = preregister(design, tmp_path / "new" / "plan.md", 10)
    text = path.read_text(encoding="utf-8")
    assert text.count(TO_WRITE) == 5
    assert not any(line != line.rstrip() for line in text.splitlines())
    read = read_preregistration(path)
    assert (read.design, read.design_sha256) == (name, design.sha256)
    assert (read.participants, read.ci_unit, read.smallest_effect) == (10, "crossed", 0.1)


def test_the_document_tells_of_trials_groups_and_rules(tmp_path: Path) -> None:
    design = read_design("zimmermann2021_occlusion")
    text = preregister(design, tmp_path / "plan.md").read_text(encoding="utf-8")
    assert "| natural | natural | 18 | 3 | 4 | 0 |" in text
    assert "| none | none | 18 | 3 | 0 | 0 |" in text
    assert "- catch trials: share of catch trials answered rightly: at least 0.6" in text
    assert "total time: seconds from the first page to the last trial: 40 to 900" in text
    assert design.sha256 in text


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
    assert all("was not preregistered" in sentence for sentence in rest)


def test_other_rules_and_settings(results: Results, tmp_path: Path) -> None:
    path = written(preregister(DEMO, tmp_path / "plan.md", 3))
    rule = Rule("catch trials", "catch_share_right", 0.8)
    settings = Settings(ci_unit="paper", smallest_effect=0.05)
    other = replace(results, settings=settings, rules={"": (rule,)})
    found = deviations(other, results.log, path)
    assert [sentence for sentence in found if "was not applied" not in sentence] == [
        "A rule of exclusion was not preregistered "
        "(catch trials: share of catch trials answered rightly: at least 0.8).",
        "Intervals speak for paper, preregistered was crossed (ci_unit).",
        "The smallest effect of interest is 0.05, preregistered was 0.1 (smallest_effect).",
    ]


def test_a_rule_that_was_dropped_for_a_group(results: Results, tmp_path: Path) -> None:
    path = written(preregister(read_design("zimmermann2021_occlusion"), tmp_path / "plan.md"))
    found = deviations(replace(results, rules={"": ()}), results.log, path)
    dropped = [s for s in found if "for group none was not applied" in s]
    assert len(dropped) == 4
    assert sum("exclusion was not applied" in s for s in found) == 5


def test_bad_input_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "plan.md"
    assert main(["preregister", "demo_two_afc", "--out", str(out), "--participants", "20"]) == 0
    assert TO_WRITE in capsys.readouterr().out
    before = out.read_bytes()
    assert main(["preregister", "demo_two_afc", "--out", str(out)]) == 2
    assert "none is overwritten" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert main(["preregister", "demo_two_afc", "--out", "x.md", "--participants", "999"]) == 2
    assert "cannot be counterbalanced, expected 1 to 200" in capsys.readouterr().err
    for command in ("preregister demo_two_afc --out x.md", "report data"):
        assert main([*command.split(), "--smallest-effect", "0"]) == 2
        assert "--smallest-effect is 0, expected between 0 and 1" in capsys.readouterr().err


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


def test_the_report_lists_what_deviates(
    study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        study.write_session(f"p00{number}", number)
    monkeypatch.setattr("analysis.figures.DRAWINGS", ())
    path = written(preregister(DEMO, tmp_path / "plan.md", 3))
    out = tmp_path / "report"
    command = ["report", str(study.folder), "--out", str(out), "--preregistration", str(path)]
    assert main(command) == 0
    page = (out / "report.html").read_text(encoding="utf-8")
    assert '<h2 id="preregistration">' in page
    assert "<li>1 fewer participants completed a session than preregistered" in page
