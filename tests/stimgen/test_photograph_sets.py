"""A set from real photographs and torchvision's GoogLeNet, by the user's command."""

from pathlib import Path

import pytest
import skimage
from PIL import Image

from stimgen.__main__ import main
from tests.conftest import manifest_rows
from unitscope.stimulus_set import StimulusSet

SETTINGS = """
name: photographs
network: {name: googlenet, weights: random}
units:
  sample: {n: 3, layers: [inception3a, inception3b]}
natural: {n_batches: 2, n_bins: 5}
synthetic: {per_pole: 2, steps: 4, image_px: 96, margin_px: 8, jitter_px: [8, 4]}
"""


@pytest.fixture
def photographs(tmp_path):
    """Crops of the photographs that scikit-image installs."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for path in sorted((Path(skimage.__file__).parent / "data").iterdir()):
        if path.suffix not in {".png", ".jpg"}:
            continue
        with Image.open(path) as image:
            if min(image.size) < 256:
                continue
            width, height = image.size
            for i, left in enumerate(range(0, width - 255, 128)):
                crop = image.crop((left, (height - 256) // 2, left + 256, (height + 256) // 2))
                crop.save(folder / f"{path.stem}_{i}.png")
    return folder


@pytest.mark.slow
def test_any_folder_of_photographs_becomes_a_set(photographs, tmp_path, capsys):
    settings = tmp_path / "photographs.yaml"
    settings.write_text(SETTINGS, encoding="utf-8")
    out = tmp_path / "stimuli"
    command = ["build", str(settings), "--images", str(photographs), "--out", str(out), "--quiet"]
    assert main(command) == 0
    assert "72 images of 3 units" in capsys.readouterr().out
    built = StimulusSet.open(out / "photographs")
    for unit in built.units:
        low = manifest_rows(built, unit, "natural", "min", 0)["activation"]
        high = manifest_rows(built, unit, "natural", "max", 0)["activation"]
        assert low.is_monotonic_increasing
        assert high.is_monotonic_increasing
        assert low.max() < high.min()
    assert main(command) == 0
    assert "already exists" in capsys.readouterr().out
