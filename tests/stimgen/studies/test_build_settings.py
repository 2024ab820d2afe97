import dataclasses
import re
from pathlib import Path

import pytest

from stimgen.studies.build_settings import (
    ActivationSettings,
    BuildSettings,
    ImagesSettings,
    NetworkSettings,
    SampleSettings,
    UnitsSettings,
    find_settings,
    read,
    shipped,
)
from stimgen.studies.natural_settings import NaturalSettings, QuerySettings
from stimgen.studies.occlusion_settings import OcclusionSettings
from tests.conftest import some
from unitscope.errors import BadInput


@pytest.mark.parametrize("name", shipped())
def test_shipped_settings_are_valid_and_named_after_their_file(name: str) -> None:
    assert read(name).name == name


def test_unknown_name_names_the_nearest() -> None:
    with pytest.raises(BadInput, match="did you mean 'googlenet'"):
        find_settings("googlnet")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("units: {}", "expected either 'table' or 'sample'"),
        ("units: {table: a.csv, sample: {n: 1}}", "expected either 'table' or 'sample'"),
        ("units: {sample: {n: 0}}", "n is 0, expected 1 or more"),
        ("units: {sample: {n: 1}}\nsynthetic: {step: 3}", "did you mean 'steps'"),
        ("units: {sample: {n: 1}}\nsynthetic: {image_px: 60}", "image_px is 60"),
        ("units: {sample: {n: 1}}\nimages: {crop_px: 300}", "resize_px is 256"),
        ("units: {sample: {n: 1}}\nname: a/b", "twice"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"name: mine\nnetwork: {{name: demo}}\n{text}\n")
    with pytest.raises(BadInput, match=message):
        read(str(path))


def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: ../mine\nnetwork: {name: demo}\nunits: {sample: {n: 1}}\n")
    with pytest.raises(BadInput, match="it names a folder"):
        read(str(path))


def test_every_key_stands_in_the_guides() -> None:
    docs = Path(__file__).parents[3] / "docs"
    guides = "".join((docs / name).read_text("utf-8") for name in ("stimuli.md", "occlusion.md"))
    quoted = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`[^`]*`", guides))))
    for settings in (
        BuildSettings,
        NetworkSettings,
        ImagesSettings,
        SampleSettings,
        UnitsSettings,
        ActivationSettings,
        NaturalSettings,
        QuerySettings,
        OcclusionSettings,
    ):
        missing = {field.name for field in dataclasses.fields(settings)} - quoted
        assert not missing, f"{settings.__name__}: the guides do not mention {missing}"
    for name in some(shipped()):
        assert f"| `{name}` |" in guides
