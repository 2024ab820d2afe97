import dataclasses
from pathlib import Path

import pytest

from stimgen.studies.build_settings import presets, read
from stimgen.studies.prior_settings import PriorSettings
from tests.conftest import some
from unitscope.errors import BadInput

ROOT = Path(__file__).parents[3]
BASE = "name: mine\nnetwork: {name: demo}\nunits: {sample: {n: 1}}\n"


@pytest.mark.parametrize("name", presets())
def test_every_preset_is_valid(tmp_path: Path, name: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"{BASE}synthetic: {{preset: {name}}}\n")
    assert read(str(path)).synthetic.steps > 1


def test_what_is_given_replaces_what_the_preset_says(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"{BASE}synthetic: {{steps: 7, preset: borowski2021, rotate_deg: 1}}\n")
    settings = read(str(path)).synthetic
    assert (settings.steps, settings.rotate_deg) == (7, 1)
    assert (settings.diversity_weight, settings.activation_unit) == (100.0, "raw")
    assert (settings.per_pole, settings.jitter_px, settings.learning_rate) == (10, (16, 8), 0.05)


def test_the_guide_names_every_preset_and_every_prior() -> None:
    guide = (ROOT / "docs" / "feature_visualization.md").read_text(encoding="utf-8")
    for name in some(presets()):
        assert f"`{name}`" in guide, name
    for prior in some(dataclasses.fields(PriorSettings)):
        assert f"`{prior.name}: " in guide, prior.name


def test_unknown_presets_are_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"{BASE}synthetic: {{preset: borowsky2021}}\n")
    with pytest.raises(BadInput, match="synthetic.preset.*did you mean 'borowski2021'"):
        read(str(path))
