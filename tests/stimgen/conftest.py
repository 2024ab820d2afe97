"""A network that is small enough to look through, and images for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from stimgen.__main__ import main
from stimgen.networks.network import Branch, Layer, Network
from stimgen.networks.weights import randomise

INPUT_PX = 32


class ToyModule(nn.Module):
    """Two layers, the second with two branches; ReLUs work in place, as torchvision's do."""

    def __init__(self) -> None:
        super().__init__()
        self.early = nn.Conv2d(3, 6, 5, padding=2, stride=2)
        self.left = nn.Conv2d(6, 4, 1)
        self.right = nn.Conv2d(6, 3, 3, padding=1)
        self.last = nn.Linear(7, 2)
        self.n_finished = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu_(self.early(x))
        x = torch.cat([torch.relu_(self.left(x)), torch.relu_(self.right(x))], 1)
        self.n_finished += 1
        return self.last(x.mean((2, 3)))


def make_toy(seed: int = 0) -> Network:
    module = ToyModule()
    randomise(module, seed)
    layers = [
        Layer("early", (Branch("", range(6), "early"),), ("first",)),
        Layer("late", (Branch("1x1", range(4), "left"), Branch("3x3", range(4, 7), "right"))),
    ]
    return Network(
        "toy", module, layers, input_px=INPUT_PX, mean=(0.5,) * 3, weights_sha256=f"toy{seed}"
    )


@pytest.fixture
def toy() -> Network:
    return make_toy()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: small tensors gain nothing, and test workers share the cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class NoiseImages:
    """Images of smooth random colours, each from its own index."""

    def __init__(self, n: int, size_px: int = 40) -> None:
        self.n, self.size_px = n, size_px

    def __len__(self) -> int:
        return self.n

    def name(self, index: int) -> str:
        return f"noise-{index}"

    @property
    def sha256(self) -> str:
        return f"noise {self.n} {self.size_px}"

    @property
    def times(self) -> str:
        return ""

    def load(self, index: int) -> Image.Image:
        coarse = np.random.default_rng(index).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        return Image.fromarray(coarse).resize((self.size_px, self.size_px))


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A folder with 44 readable images of many kinds, a broken one and one that is no image."""
    folder = tmp_path / "photographs"
    (folder / "More").mkdir(parents=True)
    source = NoiseImages(40)
    for index in range(40):
        where = folder / ("More" if index % 3 == 0 else "") / f"image{index:02d}.png"
        source.load(index).save(where)
    wide = NoiseImages(200, 60).load(199)
    wide.convert("L").save(folder / "grey.JPG")
    wide.convert("CMYK").save(folder / "cmyk.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    wide.crop((0, 0, 60, 40)).save(folder / "turned.jpeg", exif=exif)
    wide.convert("RGBA").save(folder / "clear.png")
    (folder / "broken.png").write_bytes((folder / "image01.png").read_bytes()[:200])
    (folder / "words.jpg").write_text("not an image")
    (folder / "notes.txt").write_text("left alone")
    return folder


TINY = """
name: tiny
network: {name: demo}
images: {source: demo, n: 40, resize_px: 224, crop_px: 224}
units:
  sample: {n: 2, layers: [inception4b]}
natural: {n_batches: 2, n_bins: 3}
synthetic: {per_pole: 2, steps: 2, image_px: 64, margin_px: 4, jitter_px: [4, 2]}
"""


@pytest.fixture(scope="session")
def tiny_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of two of the demo network's units, shared and never changed."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    command = ["build", str(folder / "tiny.yaml"), "--out", str(folder), "--quiet"]
    assert main(command) == 0
    return folder / "tiny"
