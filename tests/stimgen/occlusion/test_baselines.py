from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stimgen.occlusion.baselines import (
    Centre,
    PrimaryObject,
    SaliencyDensity,
    Variance,
    is_correct,
)
from stimgen.occlusion.patches import Patch
from stimgen.occlusion.saliency import NamedImage, find_saliency
from unitscope.errors import BadInput

LEFT, RIGHT = Patch(0, 0, 90), Patch(134, 134, 90)
MIDDLE = Patch(67, 67, 90)


def grey(level: int = 100) -> NamedImage:
    return NamedImage("birds/wren.jpg", np.full((224, 224, 3), level, np.uint8))


def test_centre_takes_the_farther_patch_and_knows_ties():
    assert Centre().choose(grey(), LEFT, MIDDLE) == "a"
    assert Centre().choose(grey(), MIDDLE, LEFT) == "b"
    assert Centre().choose(grey(), LEFT, RIGHT) is None
    assert not is_correct(Centre(), grey(), LEFT, RIGHT)
    assert not is_correct(Centre(), grey(), RIGHT, LEFT)


def test_centre_of_a_image_of_odd_size():
    image = NamedImage("odd", np.zeros((31, 31, 3), np.uint8))
    assert Centre().choose(image, Patch(0, 0, 10), Patch(21, 21, 10)) is None
    assert Centre().choose(image, Patch(0, 0, 10), Patch(20, 20, 10)) == "a"


def test_variance_takes_the_plainer_patch():
    image = grey()
    image.pixels[134:, 134:] = np.random.default_rng(0).integers(0, 256, (90, 90, 3))
    assert Variance().choose(image, LEFT, RIGHT) == "a"
    assert is_correct(Variance(), image, RIGHT, LEFT)
    assert Variance().choose(image, LEFT, Patch(2, 0, 90)) is None


def test_variance_counts_all_channels_together():
    image = grey()
    image.pixels[:90, :90] = [255, 0, 0]
    assert Variance().choose(image, LEFT, RIGHT) == "b"


def test_spectral_residual_finds_what_pops_out():
    y, x = np.mgrid[:224, :224]
    stripes = np.where((x // 8) % 2, 200, 60)
    stripes[40:70, 150:180] = np.where((y[40:70, 150:180] // 8) % 2, 200, 60)
    image = np.repeat(stripes[..., None], 3, 2).astype(np.uint8)
    image = NamedImage("stripes", image)
    baseline = SaliencyDensity(find_saliency("spectral_residual"))
    density = find_saliency("spectral_residual")(image)
    assert density.mean() == pytest.approx(1)
    assert density[40:70, 150:180].mean() > 3
    assert baseline.choose(image, Patch(130, 10, 90), Patch(10, 120, 90)) == "b"
    assert baseline.choose(grey(), LEFT, RIGHT) is None


@pytest.mark.parametrize("name", ["wren.npy", "wren.jpg.npy", "wren.png"])
def test_saved_maps(tmp_path: Path, name: str):
    values = np.zeros((224, 224), np.uint8)
    values[:90, :90] = 7
    (tmp_path / "birds").mkdir()
    if name.endswith(".npy"):
        np.save(tmp_path / "birds" / name, values)
    else:
        Image.fromarray(values).save(tmp_path / "birds" / name)
    baseline = SaliencyDensity(find_saliency(str(tmp_path)))
    assert baseline.choose(grey(), LEFT, RIGHT) == "b"


def test_saved_maps_without_pickles(tmp_path: Path):
    (tmp_path / "birds").mkdir()
    saliency = find_saliency(str(tmp_path))
    with pytest.raises(BadInput, match=r"no saliency map for 'birds/wren\.jpg'"):
        saliency(grey())
    np.save(tmp_path / "birds" / "wren.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(BadInput, match=r"wren\.npy: cannot be read"):
        saliency(grey())
    with pytest.raises(BadInput, match="leads out of"):
        saliency(NamedImage("../wren", grey().pixels))


def wrong_shape(image: np.ndarray) -> np.ndarray:
    return np.zeros((2, 2))


def undefined(image: np.ndarray) -> np.ndarray:
    return np.full(image.shape[:2], np.nan)


def test_any_function(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    lines = "def darkness(image):\n    return 255.0 - image.mean(2)\n"
    (tmp_path / "own_saliency.py").write_text(lines)
    monkeypatch.syspath_prepend(tmp_path)
    image = grey()
    image.pixels[:90, :90] = 0
    for name in ("own_saliency:darkness", "own_saliency.darkness"):
        assert SaliencyDensity(find_saliency(name)).choose(image, LEFT, RIGHT) == "b"


@pytest.mark.parametrize("name", ["", "nothing", "json:nothing", "no.such.module", "json:__doc__"])
def test_a_saliency_that_is_none(name: str):
    with pytest.raises(BadInput, match="saliency"):
        find_saliency(name)


def test_a_function_that_fails():
    # Standing for a user's: json.loads takes text, not pixels.
    with pytest.raises(BadInput, match=r"saliency 'json:loads' fails for the image .* \(TypeError"):
        find_saliency("json:loads")(grey())


def test_a_map_that_does_not_fit():
    with pytest.raises(BadInput, match=r"has shape \(2, 2\), expected \(224, 224\)"):
        SaliencyDensity(lambda image: wrong_shape(image.pixels)).choose(grey(), LEFT, RIGHT)
    with pytest.raises(BadInput, match="not finite"):
        SaliencyDensity(lambda image: undefined(image.pixels)).choose(grey(), LEFT, RIGHT)


def test_the_primary_object(tmp_path: Path):
    table = tmp_path / "objects.csv"
    header = "source_image,x_px,y_px,width_px,height_px\n"
    table.write_text(header + "birds/wren.jpg,10,10,30,30\nbirds/wren.jpg,200,-5,90,15\n")
    baseline = PrimaryObject(table)
    assert baseline.choose(grey(), LEFT, RIGHT) == "b"
    assert baseline.choose(grey(), Patch(134, 0, 90), LEFT) == "a"
    assert baseline.choose(grey(), LEFT, Patch(2, 2, 90)) is None
    with pytest.raises(BadInput, match="no row for image 'other'"):
        baseline.choose(NamedImage("other", grey().pixels), LEFT, RIGHT)
    table.write_text(header + "birds/wren.jpg,10,10,0,30\n")
    with pytest.raises(BadInput, match="line 2: found a box without area"):
        PrimaryObject(table)
