"""Crops of photographs, and that units of any network are measured by them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.feature_visualization.__main__ import main
from benchmarks.feature_visualization.photograph_crops import crop_photographs, photographs_in
from benchmarks.feature_visualization.photograph_units import PhotographUnits
from unitscope.errors import BadInput

SUBJECTS = "benchmarks.feature_visualization.subjects"


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six images of blotches, each of other colours and sizes, and one that is all grey."""
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for number in range(6):
        coarse = rng.integers(0, 256, (4 + 3 * number, 5 + 3 * number, 3), dtype=np.uint8)
        coarse[..., number % 3] //= 4
        Image.fromarray(coarse).resize((320, 240)).save(folder / f"{number}.png")
    Image.new("RGB", (300, 300), "grey").save(folder / "grey.png")
    return folder


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> type[PhotographUnits]:
    """Measure a tiny network in place of EfficientNet-Lite0."""
    network = "tests.stimgen.networks.test_made_networks:small"
    monkeypatch.setattr(PhotographUnits, "network_name", network)
    monkeypatch.setattr(PhotographUnits, "layers", ("stem", "scaled", "last"))
    return PhotographUnits


def test_crops_are_of_all_photographs_and_each_shows_something(photographs: Path) -> None:
    crops = crop_photographs(photographs_in([photographs]), 64, most=7)
    assert {image.shape for image in crops.images} == {(64, 64, 3)}
    numbers, counts = np.unique(crops.photographs, return_counts=True)
    assert numbers.tolist() == list(range(6)) and set(counts) == {7}
    assert min(image.mean(2).std() for image in crops.images) > 20
    again = crop_photographs(photographs_in([photographs]), 64, most=7)
    assert np.array_equal(crops.images, again.images)
    assert len({image.tobytes() for image in crops.images}) == len(crops.images)


def test_a_panorama_is_several_photographs(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (10, 40, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((8000, 500)).save(tmp_path / "panorama.png")
    crops = crop_photographs(photographs_in([tmp_path]), 32, most=2)
    assert crops.photographs.max() == 2


def test_photographs_without_contrast_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (200, 200)).save(tmp_path / "black.png")
    with pytest.raises(BadInput, match="no photograph has crops with any contrast"):
        crop_photographs(photographs_in([tmp_path]), 64)
    (tmp_path / "black.png").write_bytes(b"no image")
    with pytest.raises(BadInput, match=r"black\.png: "):
        crop_photographs(photographs_in([tmp_path]), 64)


def test_extreme_crops_are_few_of_each_photograph(
    photographs: Path, tiny: type[PhotographUnits]
) -> None:
    units = tiny(3, 1, files=tuple(photographs_in([photographs])))
    unit = units.units[0]
    chosen = units.which_extremes(unit, "max", 8)
    assert len(chosen) == 8
    assert np.bincount(units.photographs[chosen]).max() == units.per_photograph
    values = units.activations[unit]
    assert (np.diff(values[chosen]) <= 0).all() and values[chosen[0]] == values.max()
    some = units.which_extremes(unit, "max", 8, among={1, 4})
    assert set(units.photographs[some]) == {1, 4} and len(some) == 4


def test_units_that_nothing_activates_are_left_out(
    photographs: Path, tiny: type[PhotographUnits]
) -> None:
    units = tiny(3, 1, files=tuple(photographs_in([photographs])))
    dead = units.drawn[1]
    units.activations[dead][:] = 0
    assert units.units == (units.drawn[0], units.drawn[2])


def test_any_network_is_measured(
    photographs: Path,
    tiny: type[PhotographUnits],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    small = {"image_px": 80, "margin_px": 8, "jitter_px": [4, 2], "steps": 2}
    monkeypatch.setattr(f"{SUBJECTS}.tried", lambda name: {"few": small, "more": {**small}})
    monkeypatch.setattr(f"{SUBJECTS}.TUNED", {"photographs": (6, 1)})
    argv = ["quality", "--photographs", str(photographs), "--per-pole", "1"]
    assert main([*argv, "--sheet", str(tmp_path / "sheet.jpg")]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[0] for row in rows] == [
        *("| settings", "| natural images", "| few", "| more", "| more than the first")
    ]
    assert rows[2].split(" | ")[1:10] == rows[3].split(" | ")[1:10]
    assert rows[4].count("+0.000 (+0.000 to +0.000)") == 6
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.width == 10 + 2 * 3 * 170


def test_what_cannot_be_measured_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quality", "--photographs", "--imagenet"]) == 2
    assert "cannot judge itself" in capsys.readouterr().err
    assert main(["quality", "--photographs", str(tmp_path / "none")]) == 2
    assert "none" in capsys.readouterr().err
