"""The examples of the documentation run, smaller than they stand there."""

import re
from pathlib import Path

import pytest
import yaml
from PIL import Image

from stimgen.__main__ import main
from unitscope.settings import read_yaml

DOCS = Path(__file__).parents[2] / "docs" / "feature_visualization_methods.md"
EXAMPLES = {
    example["synthetic"]["preset"]: example
    for block in re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    if "name" in (example := yaml.safe_load(block))
}


@pytest.mark.parametrize("preset", ["nguyen2016", "fel2023"])
def test_an_example_builds_a_set_and_its_images_drive_the_unit(preset: str, tmp_path: Path) -> None:
    example = EXAMPLES[preset]
    example["images"] |= {"n": 60, "resize_px": 64, "crop_px": 64}
    example["units"]["sample"] |= {"n": 1}
    example["natural"] = {"n_batches": 2, "n_bins": 3}
    example["synthetic"] |= {"per_pole": 2, "steps": 24}
    settings = tmp_path / "example.yaml"
    settings.write_text(yaml.safe_dump(example), encoding="utf-8")
    assert main(["build", str(settings), "--out", str(tmp_path), "--quiet"]) == 0
    folder = tmp_path / example["name"]
    assert main(["verify", str(folder), "--quiet"]) == 0
    facts = read_yaml(folder / "set.yaml")
    images = sorted((folder / "images").rglob("synthetic_*.png"))
    masks = sorted((folder / "transparency").rglob("*.png"))
    if preset == "fel2023":
        assert [path.relative_to(folder / "transparency") for path in masks] == [
            path.relative_to(folder / "images") for path in images
        ]
        with Image.open(masks[0]) as mask:
            assert (mask.mode, mask.size) == ("L", (64, 64)) and len(set(mask.tobytes())) > 20
        assert (folder / "spectrum.npz").is_file()
        assert "generator" not in facts
    else:
        assert not masks and len(facts["generator"]["weights_sha256"]) == 64
    values = _activations(folder)
    assert min(values["synthetic", "max"]) > max(values["synthetic", "min"])
    middle = (min(values["natural", "max"]) + max(values["natural", "min"])) / 2
    assert min(values["synthetic", "max"]) > middle > max(values["synthetic", "min"])


def _activations(folder: Path) -> dict[tuple[str, str], list[float]]:
    import pandas as pd

    manifest = pd.read_csv(folder / "manifest.csv")
    return {
        (kind, pole): rows["activation"].tolist()
        for (kind, pole), rows in manifest.groupby(["kind", "pole"])
    }
