import shutil
from pathlib import Path

import pandas as pd
import pytest

from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet


def test_opens_units_and_images_in_order(stimulus_set):
    opened = StimulusSet.open(stimulus_set)
    assert [unit.channel for unit in opened.units] == list(range(9))
    ranked = opened.ranked(opened.units[2], "natural", "max", 3)
    assert [stimulus.path[-7:] for stimulus in ranked] == [f"r{i:02d}.png" for i in range(10)]
    activations = [stimulus.activation for stimulus in ranked]
    assert activations == sorted(activations)
    assert opened.batches(opened.units[0]) == (0, 1, 2, 3, 4)
    assert len(opened.ranked(opened.units[0], "synthetic", "min")) == 9
    assert opened.ranked(opened.units[0], "blur", "min") == []


def test_the_most_activating_images_come_from_all_batches(stimulus_set):
    opened = StimulusSet.open(stimulus_set)
    best = opened.most_activating(opened.units[0], "natural")
    assert len(best) == 50
    activations = [stimulus.activation for stimulus in best]
    assert activations == sorted(activations)
    assert best[-1].path.endswith("natural_max_b04_r09.png")


def test_too_few_images_are_refused(stimulus_set):
    opened = StimulusSet.open(stimulus_set)
    with pytest.raises(BadInput, match="has 10 natural max images in batch 2, expected 11 or more"):
        opened.ranked(opened.units[0], "natural", "max", 2, at_least=11)
    # Synthetic images belong to no batch.
    assert len(opened.ranked(opened.units[0], "synthetic", "max", 2, at_least=9)) == 9


def test_a_folder_without_a_set_says_how_to_build_one(tmp_path):
    with pytest.raises(BadInput, match="no stimulus set there.*python -m stimgen build"):
        StimulusSet.open(tmp_path)


@pytest.mark.parametrize(
    "path", ["../secret.png", "/etc/passwd", "C:/x.png", "images\\x.png", "a/../../x"]
)
def test_paths_stay_in_the_set(stimulus_set, tmp_path, path):
    copy = tmp_path / "toy"
    copy.mkdir()
    text = (stimulus_set / "manifest.csv").read_text(encoding="utf-8")
    first = text.splitlines()[1].split(",")[0]
    (copy / "manifest.csv").write_text(text.replace(first, path, 1), encoding="utf-8")
    with pytest.raises(BadInput, match="leads out of the stimulus set"):
        StimulusSet.open(copy)


def test_a_file_is_listed_once(stimulus_set, tmp_path):
    copy = tmp_path / "toy"
    copy.mkdir()
    shutil.copy(stimulus_set / "manifest.csv", copy)
    lines = (copy / "manifest.csv").read_text(encoding="utf-8").splitlines()
    (copy / "manifest.csv").write_text("\n".join([*lines, lines[1]]) + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match=f"line {len(lines) + 1}.*listed twice"):
        StimulusSet.open(copy)


def test_batches_are_those_of_every_pole_there_is_and_whole(stimulus_set: Path) -> None:
    opened = StimulusSet.open(stimulus_set)
    manifest, unit = opened.manifest, opened.units[0]

    def of(frame: pd.DataFrame) -> tuple[int, ...]:
        return StimulusSet(opened.folder, frame).batches(unit)

    assert of(manifest[manifest["pole"] == "max"]) == (0, 1, 2, 3, 4)
    lost = (manifest["pole"] == "min") & (manifest["batch"] == 3)
    assert of(manifest[~lost.fillna(False)]) == (0, 1, 2, 4)
    pairs = (manifest["batch"] >= 3) & (manifest["rank"] >= 2)
    assert of(manifest[~pairs.fillna(False)]) == (0, 1, 2)
    assert of(manifest[manifest["kind"] == "synthetic"]) == ()


def test_a_link_that_leads_out_is_refused(stimulus_set, tmp_path):
    copy = tmp_path / "toy"
    shutil.copytree(stimulus_set, copy)
    path = StimulusSet.open(copy).manifest["path"].iloc[0]
    outside = tmp_path / "outside.png"
    outside.write_bytes((copy / path).read_bytes())
    (copy / path).unlink()
    try:
        (copy / path).symlink_to(outside)
    except OSError:
        pytest.skip("links cannot be made here")
    with pytest.raises(BadInput, match="a link that leads out of the stimulus set"):
        StimulusSet.open(copy).file(path)
