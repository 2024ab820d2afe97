import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import stimgen.occlusion_set
from conditions.errors import BadInput
from conditions.stimulus_set import StimulusSet
from stimgen.__main__ import main
from stimgen.npz import load_npz
from stimgen.patches import blur, occlude
from stimgen.png import read_png

SETTINGS = """
name: small
network: {name: demo}
units: {sample: {n: 2, layers: [mixed3a]}}
images: {source: demo, n: 40}
natural: {n_batches: 2, n_bins: 3}
synthetic: {per_pole: 0}
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(SETTINGS)
    out = tmp_path / "stimuli"
    assert main(["build", str(tmp_path / "small.yaml"), "--out", str(out), "--quiet"]) == 0
    return out / "small"


def test_a_sets_occlusion_stimuli(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (source / "manifest.csv").read_bytes()
    command = ["occlude", str(source), "--stride", "32", "--blur", "--quiet"]

    def interrupt(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(stimgen.occlusion_set, "measure", interrupt)
        assert main(command) == 130
    folder = source.with_name("small-occlusion")
    assert not folder.exists()

    def fail(*args: object, **kwargs: object) -> None:
        raise AssertionError("maps that are there are computed again")

    with monkeypatch.context() as patched:
        patched.setattr(stimgen.occlusion_set, "activation_maps", fail)
        assert main(command) == 0
    assert (source / "manifest.csv").read_bytes() == before
    made, natural = StimulusSet.open(folder), StimulusSet.open(source).manifest
    rows = made.manifest
    assert rows["kind"].value_counts().to_dict() == {"blur": 8, "occluded": 8, "base": 4}
    best = natural[(natural["pole"] == "max") & (natural["rank"] == 2)]
    for unit in made.units:
        images = folder / "images" / unit.name
        ours = rows[rows["channel"] == unit.channel]
        base = ours[ours["kind"] == "base"].sort_values("batch")
        theirs = best[best["channel"] == unit.channel].sort_values("activation")
        # The last batch has the very best image, the one before it the second best.
        assert list(base["source_image"]) == list(theirs["source_image"])
        for row in ours[ours["kind"] == "occluded"].itertuples():
            whole = read_png(images / f"base_max_b{row.batch:02d}.png")
            hidden = occlude(whole, row.occluder_x_px, row.occluder_y_px, 90)
            assert np.array_equal(read_png(folder / row.path), hidden)
            place = folder / "maps" / unit.name / f"occluded_b{row.batch:02d}.npz"
            values = load_npz(place, "a map")["activations"]
            extreme = values.max() if row.pole == "max" else values.min()
            assert row.activation == pytest.approx(extreme, abs=1e-5)
        for row in ours[ours["kind"] == "blur"].itertuples():
            reference = natural[
                (natural["channel"] == unit.channel)
                & (natural["pole"] == "max")
                & (natural["batch"] == row.batch)
                & (natural["rank"] == row.rank)
            ]
            sharp = read_png(source / reference["path"].iloc[0])
            expected = blur(sharp, 21, 3.5)
            x, y = row.occluder_x_px, row.occluder_y_px
            expected[y : y + 90, x : x + 90] = sharp[y : y + 90, x : x + 90]
            assert np.array_equal(read_png(folder / row.path), expected)
    queries = pd.read_csv(folder / "queries.csv")
    difference = queries["max_activation"] - queries["min_activation"]
    relative = queries["relative_activation_difference"]
    np.testing.assert_allclose(relative, difference / queries["base_activation"], rtol=1e-6)
    assert {"centre_correct", "variance_correct", "saliency_correct"} <= set(queries)
    assert main(command) == 2
    assert "is there already" in capsys.readouterr().err


def test_mistakes(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["occlude", str(source), "--stride", "64", "--batches", "1", "--quiet"]
    for more, message in (
        (["--max-overlap", "2"], "max_overlap is 2.0"),
        (["--saliency", "nothing"], "saliency 'nothing' is neither"),
        (["--weights", "random"], "built with other weights"),
        (["--min-effect", "1e9"], "no base image allows a query pair"),
        (["--size", "300"], "patch of 300 px"),
    ):
        assert main([*command, *more]) == 2
        assert message in capsys.readouterr().err
    shutil.rmtree(source)
    assert main(command) == 2


def test_another_picture_in_the_partial_folder_is_noticed(source: Path) -> None:
    from stimgen.occlusion import OcclusionSettings
    from stimgen.occlusion_set import OcclusionSet
    from stimgen.registry import load_network
    from stimgen.settings import ActivationSettings

    folder = source.with_name("own")
    stimuli, network = StimulusSet.open(source), load_network("demo")
    task = OcclusionSet(
        stimuli,
        network,
        ActivationSettings(),
        OcclusionSettings(stride_px=64),
        folder,
        n_batches=1,
        quiet=True,
    )
    task.run()
    shutil.move(folder, task.partial)
    (task.partial / "fingerprint.json").write_text(f'"{task.fingerprint}"')
    first, second = sorted(task.partial.rglob("occluded_*.png"))[:2]
    shutil.copy(first, second)
    with pytest.raises(BadInput, match="but its map says"):
        task.run()
