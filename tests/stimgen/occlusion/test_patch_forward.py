from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from stimgen.networks.network import Branch, Layer, Network
from stimgen.networks.preprocessing import resize, to_tensor
from stimgen.networks.registry import load_network, randomise
from stimgen.occlusion.activation_maps import activation_maps
from stimgen.occlusion.patch_forward import PatchForward, resizing_weights
from stimgen.occlusion.patches import Occlusion, Patch, Sharpening, apply
from tests.stimgen.conftest import NoiseImages


def noise(size_px: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (size_px, size_px, 3), dtype=np.uint8)


def compare(
    network: Network, layers: list[str], size_px: int, patch_px: int, **activation: str
) -> None:
    """Hold both ways against each other at corners, edges and odd places, for two edits."""
    wanted = {"side": "pre", "reduction": "mean"} | activation
    units = [u for u in network.units(layers) if u.channel % 3 == 0]
    channels, start = [], 0
    for name in layers:
        channels += [start + u.channel for u in units if u.layer == name]
        start += network.layer(name).n_channels
    last = size_px - patch_px
    places = [
        (0, 0),
        (last, 0),
        (last // 2, last),
        (3, last // 3),
        (last, last),
        (last // 2 + 1, 5),
        (last // 2, last // 2),
    ]
    patches = [Patch(x, y, patch_px) for x, y in places]
    for edit in (Occlusion(noise(size_px)), Sharpening(noise(size_px))):
        images = to_tensor([apply(edit, patch) for patch in patches])
        plain = network.activations(images, layers, **wanted)[:, channels].numpy()
        forward = PatchForward(network, edit.base, units, **wanted)
        found = forward(patches, edit.inside(patches))
        scale = max(1.0, float(np.abs(plain).max()))
        assert np.abs(found - plain).max() < 1e-5 * scale
        # Some of the image's change must reach the units, or this shows nothing.
        assert plain.std(0).max() > 1e-4 * scale


@pytest.mark.parametrize("size_px", [32, 40, 56])
@pytest.mark.parametrize("side", ["pre", "post"])
@pytest.mark.parametrize("reduction", ["mean", "max", "centre"])
def test_toy(toy: Network, size_px: int, side: str, reduction: str) -> None:
    compare(toy, ["early", "late"], size_px, 17, side=side, reduction=reduction)


@pytest.mark.parametrize("layer", ["inception3a", "inception4b", "inception5b"])
@pytest.mark.parametrize("weights", ["DEFAULT", "random"])
def test_the_demo_network_which_sees_a_smaller_image(layer: str, weights: str) -> None:
    compare(load_network("demo", weights), [layer], 224, 90)


def test_layers_together() -> None:
    compare(load_network("demo"), ["inception3a", "inception4b", "inception4e"], 224, 66)


def test_googlenet() -> None:
    compare(load_network("googlenet", "random"), ["inception3b", "inception4a"], 224, 90)


def test_a_small_patch_in_googlenet() -> None:
    compare(load_network("googlenet", "random"), ["inception3a"], 224, 9)


def conv(n_in: int, n_out: int, size: int, **more: object) -> nn.Module:
    return nn.Conv2d(n_in, n_out, size, **more)  # type: ignore[arg-type]


class Residual(nn.Module):
    """Adds in place, halves without a kernel as wide as its stride, and gates channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(3, 8, 7, stride=2, padding=3)
        self.norm = nn.BatchNorm2d(8)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.body = conv(8, 8, 3, stride=2, padding=1, groups=4)
        self.short = conv(8, 8, 1, stride=2)
        self.gate = conv(8, 8, 1)
        self.target = conv(8, 5, 3, padding=2, dilation=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(F.relu(self.norm(self.stem(x)), inplace=True))
        y = self.body(x)
        y += self.short(x)
        y = torch.relu_(y)
        y = y * torch.sigmoid(self.gate(F.adaptive_avg_pool2d(y, 1)))
        return self.target(F.avg_pool2d(y, 2, 1))


class Padded(nn.Module):
    """Pads by hand and unevenly, as converted networks do, and normalises over channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(3, 8, 7, stride=2)
        self.pool = nn.MaxPool2d((3, 2), (2, 1), ceil_mode=True)
        self.target = conv(8, 5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.local_response_norm(F.relu(self.stem(F.pad(x, (2, 3, 2, 3)))), 5)
        x = self.pool(F.pad(x, (0, 1, 0, 1), value=-torch.inf))
        first, second = x.chunk(2, 1)
        return self.target(F.pad(torch.cat([second, first * 2 - 1], 1), (1, 1, 1, 1)))


@pytest.mark.parametrize("kind", [Residual, Padded])
@pytest.mark.parametrize("patch_px", [8, 40])
def test_other_structures(kind: Callable[[], nn.Module], patch_px: int) -> None:
    module = kind()
    randomise(module, 0)
    layers = [Layer("target", (Branch("", range(5), "target"),))]
    network = Network("other", module, layers, input_px=96, sd=(0.3, 0.2, 0.1))
    compare(network, ["target"], 96, patch_px)


def test_resizing_weights_do_what_resizing_does() -> None:
    image = to_tensor([np.asarray(NoiseImages(1, 50).load(0))])
    weights = resizing_weights(50, 20)
    expected = resize(image, 20)
    torch.testing.assert_close(weights @ image @ weights.T, expected, atol=1e-6, rtol=0)


class Reshaping(nn.Module):
    """Fixes the number of images while its operations are written down."""

    def __init__(self) -> None:
        super().__init__()
        self.target = conv(3, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.target(x.reshape(x.shape[0], -1).reshape(x.shape))


def test_what_cannot_be_followed_gets_full_passes() -> None:
    layers = [Layer("target", (Branch("", range(4), "target"),))]
    network = Network("other", Reshaping(), layers, input_px=32)
    edit, units = Occlusion(noise(32)), network.units()
    found, plain = (
        activation_maps(network, edit, units, size_px=12, stride_px=10, incremental=way)[0]
        for way in (True, False)
    )
    assert np.array_equal(found, plain)


class ChannelsLast(nn.Module):
    """Puts out maps with the channels last, as networks with attention do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(3, 4, 3)
        self.target = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.target(self.conv(x).movedim(1, -1))


def test_layers_after_attention_get_whole_passes_at_once_which_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    layer = Layer("target", (Branch("", range(4), "target"),), layout="maps, channels last")
    module = ChannelsLast()
    randomise(module, 0)
    network = Network("attentive", module, [layer], input_px=32)
    edit, units = Occlusion(noise(32)), network.units()
    plain, _ = activation_maps(network, edit, units, size_px=12, stride_px=10, incremental=False)
    assert capsys.readouterr().err == ""
    # Whoever tries it falls.
    monkeypatch.setattr("stimgen.occlusion.activation_maps.PatchForward", None)
    for _ in range(2):
        found, _ = activation_maps(network, edit, units, size_px=12, stride_px=10)
        assert np.array_equal(found, plain)
    assert capsys.readouterr().err.count("attentive") == 1


def test_a_lower_precision_is_followed_too() -> None:
    network = load_network("demo", precision="bf16")
    edit, units = Occlusion(noise(64)), network.units(["inception3b"])
    patches = [Patch(0, 0, 20), Patch(9, 30, 20), Patch(44, 44, 20)]
    expected = network.activations(
        to_tensor([apply(edit, patch) for patch in patches]), ["inception3b"], "pre", "mean"
    )
    found = PatchForward(network, edit.base, units)(patches, edit.inside(patches))
    assert np.abs(found - expected.numpy()).max() < 0.02 * expected.abs().max()
    maps = [
        activation_maps(network, edit, units, size_px=20, stride_px=22, incremental=way)[0]
        for way in (True, False)
    ]
    assert 0 < np.abs(maps[0] - maps[1]).max() < 0.02 * np.abs(maps[1]).max()
