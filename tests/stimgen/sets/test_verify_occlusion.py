"""A real set with occlusion stimuli, spoilt in every way that verify must see."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from stimgen.__main__ import main
from stimgen.demo.demo_images import DemoImages
from stimgen.files import load_npz, read_png, save_npz, save_png
from stimgen.sets.provenance import read_provenance
from stimgen.sets.verify import verify
from unitscope.columns import MANIFEST_COLUMNS
from unitscope.stimulus_set import StimulusSet, sha256_of
from unitscope.tables import read_csv, write_csv

SETTINGS = """
name: small
network: {name: demo}
images: {source: demo, n: 40}
units: {sample: {n: 1, layers: [inception4b]}}
poles: [max]
natural: {n_batches: 2, n_bins: 2}
synthetic: {per_pole: 0}
occlusion: {stride_px: 32, blur: true}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("occlusion")
    (folder / "small.yaml").write_text(SETTINGS, encoding="utf-8")
    assert main(["build", str(folder / "small.yaml"), "--out", str(folder), "--quiet"]) == 0
    return folder / "small"


@pytest.fixture
def copy(built, tmp_path):
    shutil.copytree(built, tmp_path / "small")
    return tmp_path / "small"


def faults(folder: Path) -> str:
    stimuli = StimulusSet.open(folder)
    found = verify(stimuli, read_provenance(folder).settings, quiet=True)
    return "\n".join(f"{fault.where}: {fault.what}" for fault in found)


def change(folder: Path, name: str, **values: object) -> str:
    """Change an image's row and return its path."""
    frame = read_csv(folder / "manifest.csv", MANIFEST_COLUMNS)
    (place,) = frame.index[frame["path"].str.endswith(name)]
    for column, value in values.items():
        frame.loc[place, column] = value
    write_csv(frame, folder / "manifest.csv", MANIFEST_COLUMNS)
    return str(frame["path"][place])


def repaint(folder: Path, name: str, edit) -> str:
    """Change an image's pixels, and its hash in the manifest, and return its path."""
    (file,) = folder.rglob(name)
    image = read_png(file).copy()
    edit(image)
    save_png(image, file)
    return change(folder, name, sha256=sha256_of(file))


def test_a_sound_set_has_no_faults(built):
    assert faults(built) == ""
    assert main(["verify", str(built), "--quiet"]) == 0


def test_a_patch_of_another_colour(copy):
    frame = read_csv(copy / "manifest.csv", MANIFEST_COLUMNS)
    row = frame[frame["path"].str.endswith("occluded_max_b01.png")].iloc[0]
    x, y = row["occluder_x_px"], row["occluder_y_px"]

    def edit(image):
        image[y : y + 90, x : x + 90, 0] ^= 1

    path = repaint(copy, "occluded_max_b01.png", edit)
    assert f"{path}: is not its base with the 90 px at x {x}, y {y} replaced by" in faults(copy)


def test_a_base_that_is_not_its_source(copy):
    path = repaint(copy, "base_max_b00.png", np.negative)
    (copy / path).unlink()
    shutil.copyfile(copy / path.replace("b00", "b01"), copy / path)
    change(copy, "base_max_b00.png", sha256=sha256_of(copy / path))
    assert f"{path}: is not the image" in faults(copy)


def test_a_patch_elsewhere_and_beyond_the_image(copy):
    path = change(copy, "occluded_min_b00.png", occluder_x_px=200)
    printed = faults(copy)
    assert f"{path}: occludes the 90 px at x 200" in printed
    assert f"{path}: its patch extends beyond the image of 224 px" in printed


def test_activations_that_are_not_the_maps(copy):
    low = change(copy, "occluded_min_b00.png", activation=90.0)
    base = change(copy, "base_max_b01.png", activation=91.0)
    blur = change(copy, "blur_max_b01_r00.png", activation=92.0)
    printed = faults(copy)
    assert f"{low}: activation is 90, but" in printed
    assert "the lower query's activation 90 is not below" in printed
    assert f"{base}: activation is 91, but" in printed
    assert f"{blur}: activation is 92, but" in printed


def test_a_map_of_something_else(copy):
    (path,) = copy.rglob("occluded_b00.npz")
    arrays = load_npz(path, "a map")
    arrays["activations"] = np.flip(arrays["activations"]).copy()
    save_npz(arrays, path)
    assert "its map gives the 90 px at" in faults(copy)
    path.unlink()
    assert "occluded_b00.npz: not an activation map" in faults(copy)


def test_a_window_that_is_not_sharp(copy):
    def edit(image):
        image[:, :, 1] //= 2

    path = repaint(copy, "blur_max_b00_r00.png", edit)
    assert f"{path}: is not its base with" in faults(copy)


def test_a_query_without_its_partner_and_stimuli_nobody_asked_for(copy):
    frame = read_csv(copy / "manifest.csv", MANIFEST_COLUMNS)
    lost = frame["path"].str.endswith("occluded_min_b01.png")
    write_csv(frame[~lost], copy / "manifest.csv", MANIFEST_COLUMNS)
    assert "batch 1: lacks its occluded min image" in faults(copy)
    facts = yaml.safe_load((copy / "set.yaml").read_text(encoding="utf-8"))
    facts["settings"]["occlusion"] = None
    (copy / "set.yaml").write_text(yaml.safe_dump(facts), encoding="utf-8")
    assert "batch 0: has occlusion stimuli, which the settings do not ask for" in faults(copy)


def test_a_batch_without_queries_has_no_blurred_references(built, tmp_path):
    effects = pd.read_csv(built / "queries.csv")["relative_activation_difference"]
    settings = yaml.safe_load(SETTINGS)
    settings["occlusion"]["min_effect"] = float(effects.mean())
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    assert main(["build", str(tmp_path / "small.yaml"), "--out", str(tmp_path), "--quiet"]) == 0
    frame = read_csv(tmp_path / "small" / "manifest.csv", MANIFEST_COLUMNS)
    batches = [set(frame["batch"][frame["kind"] == kind]) for kind in ("base", "blur")]
    assert batches[0] == batches[1] and len(batches[0]) == 1


def test_an_image_of_one_colour_stays_the_same_when_blurred(tmp_path):
    (tmp_path / "photographs").mkdir()
    for i in range(5):
        save_png(DemoImages(5, size_px=64).pixels(i), tmp_path / "photographs" / f"{i}.png")
    save_png(np.full((64, 64, 3), 127, np.uint8), tmp_path / "photographs" / "plain.png")
    settings = yaml.safe_load(SETTINGS)
    settings["images"] = {"resize_px": 64, "crop_px": 64}
    settings["natural"] = {"n_batches": 1, "n_bins": 6}
    settings["occlusion"] = {"size_px": 24, "stride_px": 20, "blur": True}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    options = ["--images", str(tmp_path / "photographs"), "--out", str(tmp_path), "--quiet"]
    assert main(["build", str(tmp_path / "small.yaml"), *options]) == 0
    frame = read_csv(tmp_path / "small" / "manifest.csv", MANIFEST_COLUMNS)
    assert len(set(frame["sha256"][frame["source_image"] == "plain.png"])) == 1
    assert "blur" in set(frame["kind"][frame["source_image"] == "plain.png"])
