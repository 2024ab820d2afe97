import dataclasses
from pathlib import Path

import pytest

from stimgen.__main__ import main
from stimgen.sets.plan import duration, plan_of
from stimgen.studies.natural_settings import NaturalSettings
from stimgen.studies.occlusion_settings import OcclusionSettings
from tests.conftest import some
from tests.stimgen.sets.test_build import SETTINGS, make_build
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet


@pytest.mark.parametrize("occlusion", [None, OcclusionSettings(16, 4, blur=True, batches=1)])
def test_a_plan_counts_what_the_build_makes(
    photographs: Path, tmp_path: Path, occlusion: OcclusionSettings | None
) -> None:
    natural = NaturalSettings(2, 5, pair_batches=1)
    settings = dataclasses.replace(SETTINGS, natural=natural, occlusion=occlusion)
    build = make_build(photographs, tmp_path / "stimuli", settings)
    plan = plan_of(build)
    assert not (tmp_path / "stimuli").exists()
    folder = build.run()
    assert plan.n_images == len(StimulusSet.open(folder).manifest)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert plan.n_files == len(files)
    assert plan.n_units == 3
    steps = {step.name: step for step in plan.steps}
    assert steps["sweep"].n_passes == 46
    assert steps["render"].n_passes == 2 * 18 * 2
    if occlusion is not None:
        assert steps["occlusion"].what == "15 maps of 5 x 5 positions"
        assert steps["occlusion"].n_passes == 15 * 25
    assert all(step.seconds > 0 for step in some(plan.steps))


def test_a_build_that_could_not_begin_says_so(photographs: Path, tmp_path: Path) -> None:
    many = dataclasses.replace(SETTINGS, natural=NaturalSettings(20, 10))
    with pytest.raises(BadInput, match="need at least 400"):
        plan_of(make_build(photographs, tmp_path, many))


def test_dry_run_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "small.yaml").write_text(
        "name: small\nnetwork: {name: demo}\nunits: {sample: {n: 1, layers: [mixed3a]}}\n"
        "images: {source: demo, n: 40}\nnatural: {n_batches: 1, n_bins: 3}\n"
        "synthetic: {per_pole: 0}\n"
    )
    command = ["build", str(tmp_path / "small.yaml"), "--out", str(tmp_path / "out"), "--quiet"]
    assert main([*command, "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "small will hold 6 images of 1 unit" in printed
    assert "nothing is written yet" in printed
    assert not (tmp_path / "out").exists()
    assert main(command) == 0
    assert main([*command, "--dry-run"]) == 0
    assert "already exists" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.1, "1 s"), (80, "80 s"), (600, "10 min"), (7200, "2.0 h"), (4e5, "4.6 days")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
