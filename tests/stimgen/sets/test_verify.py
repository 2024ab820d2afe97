"""A real set, spoilt in every way that verify must see."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from stimgen.__main__ import main
from unitscope.columns import MANIFEST_COLUMNS
from unitscope.stimulus_set import sha256_of
from unitscope.tables import read_csv, write_csv


@pytest.fixture(scope="module")
def built(tiny_set):
    return tiny_set


@pytest.fixture
def copy(built, tmp_path):
    shutil.copytree(built, tmp_path / "tiny")
    return tmp_path / "tiny"


def change(folder: Path, edit) -> None:
    """Edit a set's manifest as a frame."""
    frame = read_csv(folder / "manifest.csv", MANIFEST_COLUMNS)
    write_csv(edit(frame), folder / "manifest.csv", MANIFEST_COLUMNS)


def faults(folder, capsys, *options):
    code = main(["verify", str(folder), "--quiet", *options])
    printed = capsys.readouterr()
    assert code == 1, printed
    assert "faults" in printed.out.splitlines()[-1]
    return printed.out


def first(folder, column="path", **wanted):
    frame = read_csv(folder / "manifest.csv", MANIFEST_COLUMNS)
    for name, value in wanted.items():
        frame = frame[frame[name] == value]
    return frame[column].iloc[0]


def test_a_sound_set_has_no_faults(built, capsys):
    assert main(["verify", str(built), "--quiet"]) == 0
    assert "32 images of 2 units: no faults" in capsys.readouterr().out


def test_a_changed_image(copy, capsys):
    path = first(copy)
    with Image.open(copy / path) as image:
        pixels = 255 - np.asarray(image)
    Image.fromarray(pixels).save(copy / path)
    printed = faults(copy, capsys)
    assert f"{path}: has changed" in printed
    assert f"{path}: activation is" in printed


def test_a_missing_and_a_stray_file(copy, capsys):
    path = first(copy)
    (copy / path).rename(copy / path.replace(".png", "_old.png"))
    printed = faults(copy, capsys)
    assert f"{path}: is missing" in printed
    assert "_old.png: is not in the manifest" in printed


def test_a_image_of_another_size(copy, capsys):
    path = first(copy, kind="synthetic")
    Image.new("RGB", (100, 80)).save(copy / path)
    assert f"{path}: is 100 x 80 px, others 224 x 224" in faults(copy, capsys, "--files-only")


def test_a_query_among_its_references(copy, capsys):
    query = first(copy, kind="natural", pole="max", rank=2)
    reference = query.replace("r02", "r01")
    shutil.copyfile(copy / query, copy / reference)

    def edit(frame):
        frame.loc[frame["path"] == reference, "sha256"] = sha256_of(copy / query)
        return frame

    change(copy, edit)
    assert "is the same image as" in faults(copy, capsys, "--files-only")


def test_ranks_that_do_not_rise(copy, capsys):
    path = first(copy, kind="natural", pole="max", rank=2)

    def edit(frame):
        frame.loc[frame["path"] == path, "activation"] -= 100
        return frame

    change(copy, edit)
    printed = faults(copy, capsys)
    assert f"{path}: has a lower activation than the rank below" in printed
    assert "the min query's activation" in printed
    assert f"{path}: activation is" in printed


def test_a_missing_row(copy, capsys):
    path = first(copy, kind="natural", pole="min", rank=2)

    def edit(frame):
        return frame[frame["path"] != path]

    change(copy, edit)
    printed = faults(copy, capsys, "--files-only")
    assert "batch 0: has 2 natural min images, expected 3" in printed
    assert f"{path}: is not in the manifest" in printed


@pytest.mark.parametrize("name", ["units.csv", "index.html", "set.yaml"])
def test_a_changed_file_beside_the_images(copy, capsys, name):
    with (copy / name).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert f"{name}: has changed" in faults(copy, capsys, "--files-only")
    (copy / name).unlink()
    if name != "set.yaml":
        assert f"{name}: is missing" in faults(copy, capsys, "--files-only")


def test_a_file_more_or_no_checksums(copy, capsys):
    (copy / "notes.txt").write_text("", encoding="utf-8")
    (copy / "Thumbs.db").write_text("", encoding="utf-8")
    printed = faults(copy, capsys, "--files-only")
    assert "notes.txt: is not in checksums.json" in printed and "Thumbs" not in printed
    for content in ("", "[1]", "[" * 100_000, "{}"):
        (copy / "checksums.json").write_text(content, encoding="utf-8")
        assert "checksums.json: is missing or damaged" in faults(copy, capsys, "--files-only")


def test_a_page_that_is_written_again_counts(copy, capsys):
    (copy / "index.html").write_text("an older page", encoding="utf-8")
    assert main(["gallery", str(copy)]) == 0
    assert main(["verify", str(copy), "--quiet", "--files-only"]) == 0
    assert "no faults" in capsys.readouterr().out


def test_other_weights_are_bad_input(copy, capsys):
    facts = yaml.safe_load((copy / "set.yaml").read_text(encoding="utf-8"))
    facts["network"]["weights_sha256"] = "0" * 64
    (copy / "set.yaml").write_text(yaml.safe_dump(facts), encoding="utf-8")
    assert main(["verify", str(copy)]) == 2
    assert "built with other weights" in capsys.readouterr().err
    (copy / "set.yaml").write_text("name: tiny\n", encoding="utf-8")
    assert main(["verify", str(copy)]) == 2
    assert "not written by stimgen build" in capsys.readouterr().err


def test_diff_names_settings_and_images(built, copy, capsys):
    assert main(["diff", str(built), str(copy)]) == 0
    assert "the sets are the same" in capsys.readouterr().out
    path = first(copy)

    def edit(frame):
        frame.loc[frame["path"] == path, "activation"] += 1
        return frame.iloc[:-1]

    change(copy, edit)
    facts = yaml.safe_load((copy / "set.yaml").read_text(encoding="utf-8"))
    facts["settings"]["seed"] = 99
    (copy / "set.yaml").write_text(yaml.safe_dump(facts), encoding="utf-8")
    assert main(["diff", str(built), str(copy)]) == 1
    printed = capsys.readouterr().out
    assert "settings.seed: 0 | 99" in printed
    assert f"{path}: activation" in printed
    assert "only in the first set" in printed
