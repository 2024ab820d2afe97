import dataclasses
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image

import stimgen.sets.build
import stimgen.sets.build_inputs
import stimgen.sets.exemplars
import stimgen.sweeps.image_sources
from stimgen.networks.compute_device import pick_device
from stimgen.networks.network import Network
from stimgen.sets.build import Build
from stimgen.sets.measure import measure
from stimgen.studies.build_settings import (
    BuildSettings,
    ImagesSettings,
    NetworkSettings,
    SampleSettings,
    SyntheticSettings,
    UnitsSettings,
)
from stimgen.studies.natural_settings import NaturalSettings
from tests.conftest import manifest_rows, some
from tests.stimgen.conftest import NoiseImages, make_toy
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet, sha256_of

SETTINGS = BuildSettings(
    name="tiny",
    network=NetworkSettings("toy"),
    units=UnitsSettings(sample=SampleSettings(3)),
    images=ImagesSettings(resize_px=40, crop_px=32),
    natural=NaturalSettings(n_batches=2, n_bins=10),
    synthetic=SyntheticSettings(
        per_pole=3, steps=2, image_px=48, margin_px=4, jitter_px=(4, 2), batch=6
    ),
)


def make_build(photographs: Path, out: Path, settings: BuildSettings = SETTINGS) -> Build:
    build = Build(settings, images=photographs, out=out, quiet=True)
    build.network = make_toy()  # type: ignore[misc]
    return build


@pytest.fixture
def built(photographs: Path, tmp_path: Path) -> Build:
    build = make_build(photographs, tmp_path / "stimuli")
    build.run()
    return build


def test_further_images_are_optimised_apart_and_are_batches_of_their_own(
    photographs: Path, tmp_path: Path, built: Build
) -> None:
    settings = dataclasses.replace(
        SETTINGS,
        natural=NaturalSettings(n_batches=2, n_bins=10, pair_batches=2),
        synthetic=dataclasses.replace(SETTINGS.synthetic, further_per_pole=(2, 1)),
    )
    build = make_build(photographs, tmp_path / "further", settings)
    stimuli = StimulusSet.open(build.run())
    plain = StimulusSet.open(built.folder)
    for unit in some(stimuli.units):
        assert stimuli.batches(unit) == (0, 1)
        assert stimuli.pair_batches(unit) == (2, 3)
        assert plain.pair_batches(unit) == ()
        for pole in ("min", "max"):
            # A trial takes the smallest group that is large enough.
            sizes = {n: len(stimuli.synthetic(unit, pole, n)) for n in (1, 2, 3)}
            assert sizes == {1: 1, 2: 2, 3: 3}
            assert len(plain.synthetic(unit, pole, 1)) == 3
            groups = [stimuli.batch(unit, "synthetic", pole, batch) for batch in (None, 1, 2)]
            assert [len(group) for group in groups] == [3, 2, 1]
            seeds = [image.seed for group in groups for image in group]
            assert len(set(seeds)) == 6
            # The others are not affected.
            before = [image.seed for image in plain.ranked(unit, "synthetic", pole)]
            assert [image.seed for image in groups[0]] == before
        assert len(stimuli.most_activating(unit, "natural")) == 20
        assert len(stimuli.most_activating(unit, "synthetic")) == 3
    on_disk = {p.relative_to(build.folder).as_posix() for p in build.folder.rglob("*.png")}
    assert on_disk == set(stimuli.manifest["path"])
    with pytest.raises(BadInput, match="has 3 synthetic max images, expected 4 or more"):
        stimuli.synthetic(stimuli.units[0], "max", 4)


def test_settings_without_later_ones_have_the_fingerprint_that_they_had(
    photographs: Path, tmp_path: Path
) -> None:
    first = make_build(photographs, tmp_path)
    further = dataclasses.replace(
        SETTINGS, synthetic=dataclasses.replace(SETTINGS.synthetic, further_per_pole=(2,))
    )
    assert first.fingerprint != make_build(photographs, tmp_path, further).fingerprint
    settings = dataclasses.asdict(SETTINGS)
    del settings["network"]["weights"], settings["synthetic"]["generator"]["checkpoint"]
    for key in ("further_per_pole", "transforms"):
        del settings["synthetic"][key]
    for key in ("mean", "sd", "layers"):
        del settings["network"][key]
    settings["images"]["decode"] = "cpu"
    del settings["images"]["decode_processes"]
    content = {
        "format": stimgen.sets.build_inputs.FORMAT,
        "settings": settings,
        "units": [unit.name for unit in first.units],
        "weights_sha256": first.network.weights_sha256,
        "images_sha256": first.source.sha256,
        "generator_sha256": None,
    }
    expected = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    assert first.fingerprint == expected


def test_a_whole_set_opens_and_is_complete(built: Build) -> None:
    stimuli = StimulusSet.open(built.folder)
    assert stimuli.units == built.units
    assert len(stimuli.manifest) == 3 * 2 * (20 + 3)
    for unit in stimuli.units:
        assert stimuli.batches(unit) == (0, 1)
        for pole in ("min", "max"):
            synthetic = manifest_rows(stimuli, unit, "synthetic", pole)
            assert synthetic["rank"].tolist() == [0, 1, 2]
            assert synthetic["activation"].is_monotonic_increasing
            assert synthetic["seed"].notna().all() and synthetic["batch"].isna().all()
            for batch in (0, 1):
                natural = manifest_rows(stimuli, unit, "natural", pole, batch)
                assert natural["rank"].tolist() == list(range(10))
                assert natural["activation"].is_monotonic_increasing
                assert natural["source_image"].notna().all()
    assert {path.name for path in built.folder.iterdir()} == {
        "images",
        "manifest.csv",
        "set.yaml",
        "units.csv",
        "index.html",
        "checksums.json",
    }
    on_disk = {p.relative_to(built.folder).as_posix() for p in built.folder.rglob("*.png")}
    assert on_disk == set(stimuli.manifest["path"])
    assert not built.partial.path.exists()


def test_manifest_holds_what_is_measured_again(built: Build) -> None:
    stimuli = StimulusSet.open(built.folder)
    by_name = {unit.name: unit for unit in stimuli.units}
    files = [(stimuli.file(p), by_name[Path(p).parent.name]) for p in stimuli.manifest["path"]]
    again = measure(built.network, files, SETTINGS.activation, quiet=True)
    np.testing.assert_allclose(stimuli.manifest["activation"], again, atol=1e-6)
    assert [sha256_of(file) for file, _ in files] == stimuli.manifest["sha256"].tolist()


def test_a_natural_stimulus_is_its_source_image(built: Build, photographs: Path) -> None:
    manifest = StimulusSet.open(built.folder).manifest
    natural = manifest[(manifest["kind"] == "natural") & manifest["source_image"].str.len().eq(11)]
    row = natural.iloc[0]
    with Image.open(built.folder / row["path"]) as ours:
        assert (ours.mode, ours.size) == ("RGB", (32, 32))
        with Image.open(photographs / row["source_image"]) as source:
            assert ours.tobytes() == source.crop((4, 4, 36, 36)).tobytes()


def test_provenance_says_what_was_skipped_and_holds_no_path(built: Build, tmp_path: Path) -> None:
    text = (built.folder / "set.yaml").read_text()
    provenance = yaml.safe_load(text)
    assert [entry.split(":")[0] for entry in provenance["images"]["skipped"]] == [
        "broken.png",
        "words.jpg",
    ]
    assert provenance["images"]["n_read"] == 44
    assert provenance["network"]["weights_sha256"] == "toy0"
    assert provenance["settings"]["synthetic"]["per_pole"] == 3
    assert set(provenance["seconds"]) == {"sweep", "render", "natural", "measure"}
    assert str(tmp_path) not in text


def test_the_same_settings_give_the_same_manifest(
    built: Build, photographs: Path, tmp_path: Path
) -> None:
    other = make_build(photographs, tmp_path / "other")
    other.run()
    manifests = [(b.folder / "manifest.csv").read_bytes() for b in (built, other)]
    assert manifests[0] == manifests[1]


def test_another_seed_deals_and_renders_otherwise(
    built: Build, photographs: Path, tmp_path: Path
) -> None:
    unit = built.units[0]
    table = tmp_path / "units.csv"
    table.write_text(f"layer,branch,channel\n{unit.layer},{unit.branch},{unit.channel}\n")
    frames = []
    for seed in (0, 1):
        settings = dataclasses.replace(
            SETTINGS, name=f"seed{seed}", seed=seed, units=UnitsSettings(table=str(table))
        )
        folder = make_build(photographs, tmp_path / "stimuli", settings).run()
        frames.append(StimulusSet.open(folder).manifest)
    first, second = (set(f["source_image"].dropna()) for f in frames)
    assert first == second
    assert not frames[0]["source_image"].equals(frames[1]["source_image"])
    assert not frames[0]["seed"].equals(frames[1]["seed"])


def test_a_finished_set_is_never_overwritten(
    built: Build, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.folder.rglob("*")}
    monkeypatch.setattr(stimgen.sets.build, "sweep", None)
    again = make_build(photographs, built.out)
    assert again.is_done() and again.run() == built.folder
    longer = dataclasses.replace(SETTINGS.synthetic, steps=3)
    other = make_build(photographs, built.out, dataclasses.replace(SETTINGS, synthetic=longer))
    with pytest.raises(BadInput, match="built with other settings"):
        other.run()
    (photographs / "grey.JPG").unlink()
    with pytest.raises(BadInput, match="other settings, weights or images"):
        make_build(photographs, built.out).run()
    assert before == {path: path.stat().st_mtime_ns for path in built.folder.rglob("*")}


def test_a_folder_that_is_no_set_is_left_alone(photographs: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "thesis.txt").write_text("")
    with pytest.raises(BadInput, match="is not a stimulus set"):
        make_build(photographs, tmp_path).run()
    (tmp_path / "tiny" / "thesis.txt").unlink()


@pytest.mark.parametrize("stop_at", ["render", "measure", "write_gallery"])
def test_an_interrupted_build_goes_on(
    built: Build, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: str
) -> None:
    def stop(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "again"
    with monkeypatch.context() as patch:
        patch.setattr(stimgen.sets.build, stop_at, stop)
        with pytest.raises(KeyboardInterrupt):
            make_build(photographs, out).run()
    assert not (out / "tiny").exists()
    kept = {p: p.stat().st_mtime_ns for p in out.rglob("*.png")}
    monkeypatch.setattr(stimgen.sets.build, "sweep", stop)  # what was swept is not swept again
    rendered: list[int] = []
    ascend = stimgen.visualization.render.ascend
    monkeypatch.setattr(
        stimgen.visualization.render,
        "ascend",
        lambda *a, **k: rendered.append(1) or ascend(*a, **k),
    )
    folder = make_build(photographs, out).run()
    assert bool(rendered) == (stop_at == "render")
    moved = {folder / p.relative_to(out / ".tiny.partial"): t for p, t in kept.items()}
    assert [p for p, t in moved.items() if "natural" in p.name and p.stat().st_mtime_ns != t] == []
    ours, theirs = ((f / "manifest.csv").read_bytes() for f in (folder, built.folder))
    assert ours == theirs


def test_a_half_built_set_of_other_settings_is_not_mixed_in(
    photographs: Path, tmp_path: Path
) -> None:
    make_build(photographs, tmp_path).sweep()
    more = dataclasses.replace(SETTINGS, natural=NaturalSettings(n_batches=1, n_bins=10))
    assert make_build(photographs, tmp_path, more).sweep().top_indices.shape[1] == 20


def test_too_few_images(photographs: Path, tmp_path: Path) -> None:
    many = dataclasses.replace(SETTINGS, natural=NaturalSettings(n_batches=20, n_bins=10))
    with pytest.raises(BadInput, match="found 46 images, need at least 400"):
        make_build(photographs, tmp_path, many).run()


def test_where_nothing_can_be_written(photographs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="file.*cannot be written"):
        make_build(photographs, tmp_path / "file").run()


def test_a_full_disk_is_a_sentence(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stimgen.sets.exemplars, "save_png", full)
    with pytest.raises(BadInput, match="cannot be written .No space left"):
        make_build(photographs, tmp_path).run()


def test_no_synthetic_images_when_none_are_wanted(photographs: Path, tmp_path: Path) -> None:
    none = dataclasses.replace(SETTINGS, synthetic=SyntheticSettings(per_pole=0))
    folder = make_build(photographs, tmp_path, none).run()
    assert set(StimulusSet.open(folder).manifest["kind"]) == {"natural"}


def test_images_must_fit_the_settings(photographs: Path, tmp_path: Path) -> None:
    build = make_build(photographs, tmp_path)
    build.images = None
    with pytest.raises(BadInput, match="give a folder with --images"):
        build.run()
    demo = dataclasses.replace(SETTINGS, images=ImagesSettings("demo", n=50))
    with pytest.raises(BadInput, match="remove --images"):
        make_build(photographs, tmp_path, demo).run()


def test_devices() -> None:
    assert pick_device("cpu").type == "cpu"
    with pytest.raises(BadInput, match="no device 'gpu'"):
        pick_device("gpu")
    with pytest.raises(BadInput, match="no device 'cuda:99'"):
        pick_device("cuda:99")


def test_the_page_shows_every_image_and_escapes_names(
    photographs: Path, tmp_path: Path, toy: Network
) -> None:
    (photographs / "image00b.png").write_bytes((photographs / "image01.png").read_bytes())
    for file in sorted(photographs.glob("image*.png")):
        file.rename(file.with_name(f"<b>&{file.name}"))
    folder = make_build(photographs, tmp_path / "stimuli").run()
    page = (folder / "index.html").read_text()
    manifest = pd.read_csv(folder / "manifest.csv")
    assert page.count("<img") == page.count('loading="lazy"') == len(manifest)
    assert all(f'src="{path}"' in page for path in some(manifest["path"]))
    assert "&lt;b&gt;&amp;image" in page and "<b>" not in page
    assert "http" not in page
    digest = hashlib.sha256((folder / manifest["path"][0]).read_bytes()).hexdigest()
    assert digest == manifest["sha256"][0]


def test_an_image_that_is_there_twice_is_chosen_once(photographs: Path, tmp_path: Path) -> None:
    for file in sorted(photographs.glob("image*.png"))[:12]:
        with Image.open(file) as image:
            image.save(photographs / f"copy of {file.stem}.bmp")
    folder = make_build(photographs, tmp_path / "stimuli").run()
    stimuli = StimulusSet.open(folder)
    natural = stimuli.manifest[stimuli.manifest["kind"] == "natural"]
    for _, rows in some(list(natural.groupby(["layer", "branch", "channel"], dropna=False))):
        assert len(rows) == 40 and not rows["sha256"].duplicated().any()
    # Both were among the images, so without the check both would have been chosen somewhere.
    stems = natural["source_image"].str.replace(r"^copy of |\.\w+$", "", regex=True)
    assert (natural["source_image"].str.startswith("copy")).any()
    assert not natural.assign(stem=stems).duplicated(["layer", "branch", "channel", "stem"]).any()


def test_too_many_copies_are_a_sentence(photographs: Path, tmp_path: Path) -> None:
    for file in sorted(photographs.glob("image*.png"))[8:]:
        file.write_bytes((photographs / "image01.png").read_bytes())
    with pytest.raises(BadInput, match=r"show something else than the others, expected 20; give"):
        make_build(photographs, tmp_path).run()


def test_a_unit_that_never_responds_is_a_sentence(photographs: Path, tmp_path: Path) -> None:
    table = tmp_path / "units.csv"
    table.write_text("layer,branch,channel\nearly,,2\n")
    settings = dataclasses.replace(SETTINGS, units=UnitsSettings(table=str(table)))
    build = make_build(photographs, tmp_path / "stimuli", settings)
    with torch.no_grad():
        build.network.module.early.weight[2] = 0
        build.network.module.early.bias[2] = 0
    with pytest.raises(BadInput, match="activate early-0002 most and least all activate it by 0"):
        build.run()


@pytest.fixture
def bitmaps(tmp_path: Path) -> Path:
    """Photographs whose files all have the same size."""
    folder = tmp_path / "bitmaps"
    folder.mkdir()
    for index in range(44):
        NoiseImages(44).load(index).save(folder / f"{index:02d}.bmp")
    assert len({file.stat().st_size for file in folder.iterdir()}) == 1
    return folder


def swap(folder: Path, keep_times: bool) -> None:
    """Exchange the contents of each two files, which keep their names and sizes."""
    files = sorted(folder.iterdir())
    for first, second in zip(files[::2], files[1::2], strict=True):
        contents = first.read_bytes(), second.read_bytes()
        for file, content in zip((second, first), contents, strict=True):
            before = file.stat()
            file.write_bytes(content)
            if keep_times:
                os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(("keep_times", "n_sampled"), [(True, 1000), (False, 0)])
def test_a_sweep_is_not_used_for_other_photographs_of_the_same_names_and_sizes(
    bitmaps: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    keep_times: bool,
    n_sampled: int,
) -> None:
    sources = stimgen.sweeps.image_sources
    whole = sources.hash_of_list
    monkeypatch.setattr(
        sources, "hash_of_list", lambda sizes, content: whole(sizes, content, n_sampled)
    )
    first = make_build(bitmaps, tmp_path / "stimuli").sweep()
    again = make_build(bitmaps, tmp_path / "stimuli").sweep()
    assert (first.top_indices == again.top_indices).all()
    swap(bitmaps, keep_times)
    other = make_build(bitmaps, tmp_path / "stimuli").sweep()
    assert (first.top_indices != other.top_indices).any()
    np.testing.assert_array_equal(first.top_indices ^ 1, other.top_indices)


def test_photographs_that_change_after_the_sweep_unseen_are_found_by_their_activations(
    bitmaps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = stimgen.sweeps.image_sources.hash_of_list
    monkeypatch.setattr(
        stimgen.sweeps.image_sources,
        "hash_of_list",
        lambda sizes, content: whole(sizes, content, 0),
    )
    make_build(bitmaps, tmp_path / "stimuli").sweep()
    swap(bitmaps, keep_times=True)
    with pytest.raises(BadInput, match=r"bmp: activates .* by .*, but by .* in the sweep"):
        make_build(bitmaps, tmp_path / "stimuli").run()
    assert not (tmp_path / "stimuli" / "tiny").exists()


def test_a_build_ends_by_checking_what_it_wrote(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = stimgen.sets.build.write_gallery

    def write_and_damage(folder: Path) -> Path:
        image = sorted((folder / "images").rglob("*.png"))[5]
        image.write_bytes(image.read_bytes()[:-1])
        return write(folder)

    monkeypatch.setattr(stimgen.sets.build, "write_gallery", write_and_damage)
    with pytest.raises(BadInput, match=r"the set is not as it must be: images/.* has changed"):
        make_build(photographs, tmp_path).run()
    assert not (tmp_path / "tiny").exists()
