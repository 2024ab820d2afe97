"""A preregistration says what the design says, and leaves the rest to the authors."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.planning.analysis_settings import Settings
from analysis.planning.preregistration import TO_WRITE, read_preregistration
from analysis.planning.preregistration_document import preregister
from conditions.design.reading import find_design, read_design, shipped_designs


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


def test_the_smallest_effect_is_the_designs_unless_another_is_given(tmp_path: Path) -> None:
    path = tmp_path / "demo_two_afc.yaml"
    text = find_design("demo_two_afc").read_text(encoding="utf-8")
    path.write_text(f"{text}\nsmallest_effect: 0.075\n", encoding="utf-8")
    stated = read_design(path)
    for design, settings, smallest, is_default in (
        (stated, Settings(), 0.075, False),
        (stated, Settings(smallest_effect=0.02), 0.02, False),
        (read_design("demo_two_afc"), Settings(), 0.1, True),
    ):
        out = preregister(design, tmp_path / f"{smallest}.md", settings=settings)
        assert read_preregistration(out).smallest_effect == smallest
        document = out.read_text(encoding="utf-8")
        assert f"difference of {smallest} in" in document
        assert ("states no smallest effect of interest" in document) == is_default


def test_the_document_tells_of_trials_groups_and_rules(tmp_path: Path) -> None:
    design = read_design("zimmermann2021_occlusion")
    text = preregister(design, tmp_path / "plan.md").read_text(encoding="utf-8")
    assert "| natural | natural | 18 | 3 | 4 | 0 |" in text
    assert "| none | none | 18 | 3 | 0 | 0 |" in text
    assert "- catch trials: proportion of catch trials answered correctly: at least 0.6" in text
    assert "total time: seconds from the first page to the end of the last trial: 40 to 900" in text
    assert design.sha256 in text


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
