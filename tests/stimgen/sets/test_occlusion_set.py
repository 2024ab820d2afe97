import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import stimgen.sets.occlusion_images
import stimgen.sets.occlusion_maps
from stimgen.__main__ import main
from stimgen.files import load_npz, read_png
from stimgen.occlusion.patches import Occlusion, Patch, apply, blur
from tests.conftest import manifest_rows
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet

SETTINGS = """
name: small
network: {name: demo}
units: {sample: {n: 2, layers: [mixed3a]}}
images: {source: demo, n: 40}
natural: {n_batches: 2, n_bins: 3, shuffle_top_bin: false}
synthetic: {per_pole: 1, steps: 1, image_px: 48, margin_px: 2, jitter_px: [2, 2]}
"""

OCCLUSION = "occlusion: {stride_px: 32, blur: true}\npoles: [max]\n"


def write(folder: Path, text: str) -> list[str]:
    """Write settings and return the command that builds their set."""
    (folder / "small.yaml").write_text(text)
    out = folder / "stimuli"
    return ["build", str(folder / "small.yaml"), "--out", str(out), "--quiet"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set without occlusion stimuli, never changed."""
    folder = tmp_path_factory.mktemp("built")
    assert main(write(folder, SETTINGS)) == 0
    return folder / "stimuli" / "small"


@pytest.fixture
def source(built: Path, tmp_path: Path) -> Path:
    """A copy of that set."""
    return Path(shutil.copytree(built, tmp_path / "stimuli" / "small"))


def check_contract(folder: Path) -> None:
    """What the tables of an occlusion experiment count on."""
    stimuli = StimulusSet.open(folder)
    for unit in stimuli.units:
        assert len(manifest_rows(stimuli, unit, "synthetic", "max")) == 1
        best = []
        for batch in (0, 1):
            natural = manifest_rows(stimuli, unit, "natural", "max", batch)
            assert natural["rank"].tolist() == [0, 1, 2]
            base, low, high, sharp = (
                manifest_rows(stimuli, unit, kind, pole, batch)
                for kind, pole in (
                    ("base", "max"),
                    ("occluded", "min"),
                    ("occluded", "max"),
                    ("blur", "max"),
                )
            )
            assert len(base) == len(low) == len(high) == 1
            assert sharp["rank"].tolist() == [0, 1]
            assert sharp["source_image"].tolist() == natural["source_image"].tolist()[:2]
            whole = read_png(stimuli.file(base["path"].iloc[0]))
            assert np.array_equal(whole, read_png(stimuli.file(natural["path"].iloc[2])))
            for hidden in (low.iloc[0], high.iloc[0]):
                patch = Patch(*(hidden[f"occluder_{name}_px"] for name in ("x", "y", "size")))
                expected = apply(Occlusion(whole), patch)
                assert np.array_equal(read_png(stimuli.file(hidden["path"])), expected)
            found = load_npz(folder / f"maps/{unit.name}/occluded_b{batch:02d}.npz", "a map")
            values = found["activations"]
            assert values.shape == (5, 5)
            assert low["activation"].iloc[0] == pytest.approx(values.min(), abs=1e-5)
            assert high["activation"].iloc[0] == pytest.approx(values.max(), abs=1e-5)
            for window, natural_row in zip(sharp.itertuples(), natural.itertuples(), strict=False):
                image = read_png(stimuli.file(natural_row.path))
                expected = blur(image, 21, 3.5)
                x, y = window.occluder_x_px, window.occluder_y_px
                expected[y : y + 90, x : x + 90] = image[y : y + 90, x : x + 90]
                assert np.array_equal(read_png(stimuli.file(window.path)), expected)
            best.append(base["activation"].iloc[0])
        # Of two batches, the last one has the very best image.
        assert best == sorted(best)
    queries = pd.read_csv(folder / "queries.csv")
    difference = queries["max_activation"] - queries["min_activation"]
    relative = queries["relative_activation_difference"]
    np.testing.assert_allclose(relative, difference / queries["base_activation"], rtol=1e-6)
    assert {"centre_correct", "variance_correct", "saliency_correct"} <= set(queries)


def test_one_build_holds_a_whole_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = write(tmp_path, SETTINGS + OCCLUSION)

    def interrupt(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(stimgen.sets.occlusion_images, "measure", interrupt)
        assert main(command) == 130

    def fail(*args: object, **kwargs: object) -> None:
        raise AssertionError("maps that are there are computed again")

    with monkeypatch.context() as patched:
        patched.setattr(stimgen.sets.occlusion_maps, "activation_maps", fail)
        assert main(command) == 0
    folder = tmp_path / "stimuli" / "small"
    check_contract(folder)
    kinds = StimulusSet.open(folder).manifest["kind"].value_counts().to_dict()
    assert kinds == {"natural": 12, "synthetic": 2, "base": 4, "occluded": 8, "blur": 8}
    assert main(["verify", str(folder), "--quiet"]) == 0
    assert main(["occlude", str(folder), "--quiet"]) == 2
    assert "already has occlusion stimuli" in capsys.readouterr().err


def test_a_finished_set_gets_occlusion_stimuli_in_a_copy(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {file: file.read_bytes() for file in source.rglob("*") if file.is_file()}
    command = ["occlude", str(source), "--stride", "32", "--blur", "--quiet"]
    assert main(command) == 0
    folder = source.with_name("small-occlusion")
    check_contract(folder)
    assert {file: file.read_bytes() for file in before} == before
    assert main(["verify", str(folder), "--quiet"]) == 0
    assert main(command) == 2
    assert "already exists" in capsys.readouterr().err


def test_only_some_batches(tmp_path: Path) -> None:
    text = SETTINGS + "occlusion: {stride_px: 64, batches: 1}\n"
    assert main(write(tmp_path, text)) == 0
    manifest = StimulusSet.open(tmp_path / "stimuli" / "small").manifest
    assert manifest[manifest["kind"] == "base"]["batch"].tolist() == [0, 0]
    assert "blur" not in set(manifest["kind"])


def test_a_unit_may_need_only_one_batch(tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text("layer,branch,channel,batch\nmixed3a,,3,\nmixed3a,,4,1\n")
    text = SETTINGS.replace("{sample: {n: 2, layers: [mixed3a]}}", "{table: units.csv}")
    assert main(write(tmp_path, text + "occlusion: {stride_px: 64, batches: 1}\n")) == 0
    manifest = StimulusSet.open(tmp_path / "stimuli" / "small").manifest
    base = manifest[manifest["kind"] == "base"]
    assert base[["channel", "batch"]].to_numpy().tolist() == [[3, 0], [4, 1]]
    assert len(manifest[manifest["kind"] == "natural"]) == 24


def test_mistakes(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["occlude", str(source), "--stride", "64", "--batches", "1", "--quiet"]
    for more, message in (
        (["--max-overlap", "2"], "max_overlap is 2.0"),
        (["--saliency", "nothing"], "saliency 'nothing' is not"),
        (["--objects", "nothing.csv"], "nothing.csv: no such file"),
        (["--weights", "random"], "built with other weights"),
        (["--min-effect", "1e9"], "no base image allows a query pair"),
        (["--size", "300"], "occlusion.size_px is 300, but images have 224 px"),
        (["--batches", "3"], "occlusion.batches is 3, but there are 2"),
    ):
        assert main([*command, *more]) == 2
        assert message in capsys.readouterr().err
    shutil.rmtree(source)
    assert main(command) == 2


def test_another_image_in_the_partial_folder_is_noticed(source: Path) -> None:
    from stimgen.networks.registry import load_network
    from stimgen.sets.occlusion_set import OcclusionSet
    from stimgen.studies.occlusion_settings import OcclusionSettings

    task = OcclusionSet(
        StimulusSet.open(source),
        load_network("demo"),
        OcclusionSettings(stride_px=64, batches=1),
        source.with_name("own"),
        quiet=True,
    )
    task.run()
    shutil.move(task.folder, task.partial.path)
    task.partial.path.joinpath("fingerprint.json").write_text(f'"{task.fingerprint}"')
    first, second = sorted(task.partial.path.rglob("occluded_*.png"))[:2]
    shutil.copy(first, second)
    with pytest.raises(BadInput, match="in its map"):
        task.run()


def test_a_set_of_lower_precision_is_in_order(tmp_path: Path) -> None:
    text = SETTINGS.replace("{name: demo}", "{name: demo, precision: bf16}")
    assert main(write(tmp_path, text + "occlusion: {stride_px: 64, batches: 1, blur: true}\n")) == 0
    assert main(["verify", str(tmp_path / "stimuli" / "small"), "--quiet"]) == 0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("occlusion: {size_px: 300}\n", "occlusion.size_px is 300, but images have 224 px"),
        ("occlusion: {saliency: nothing}\n", "saliency 'nothing' is not"),
        ("occlusion: {objects: none.csv}\n", "none.csv: no such file"),
        ("occlusion: {}\npoles: [min]\n", "occlusion needs the most activating images"),
        ("occlusion: {batches: 3}\n", "occlusion.batches is 3, but there are 2"),
        ("poles: [max, min]\n", "poles are .'max', 'min'., expected .min, max."),
    ],
)
def test_mistakes_show_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, message: str
) -> None:
    assert main(write(tmp_path, SETTINGS + more)) == 2
    error = capsys.readouterr().err
    assert re.search(message, error) and error.count("\n") == 1
    assert not (tmp_path / "stimuli").exists()


def test_a_batch_that_there_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "units.csv").write_text("layer,branch,channel,batch\nmixed3a,,4,2\n")
    text = SETTINGS.replace("{sample: {n: 2, layers: [mixed3a]}}", "{table: units.csv}")
    assert main(write(tmp_path, text)) == 2
    assert "has batch 2, but there are 2, from 0" in capsys.readouterr().err
