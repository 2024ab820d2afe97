from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from stimgen.networks.inception_v1 import (
    InceptionV1,
    SameConv2d,
    inception_v1_layers,
    max_pool,
    normalise,
    same_padding,
)
from stimgen.networks.network import Network
from stimgen.networks.registry import load_network, network_layers
from stimgen.networks.weights import randomise
from unitscope.errors import BadInput

# Where each branch ends: 1x1, 3x3, 5x5, pool.
CHANNEL_ENDS = {
    "mixed3a": [64, 192, 224, 256],
    "mixed3b": [128, 320, 416, 480],
    "mixed4a": [192, 396, 444, 508],
    "mixed4b": [160, 384, 448, 512],
    "mixed4c": [128, 384, 448, 512],
    "mixed4d": [112, 400, 464, 528],
    "mixed4e": [256, 576, 704, 832],
    "mixed5a": [256, 576, 704, 832],
    "mixed5b": [384, 768, 896, 1024],
}


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network("inception_v1", "random")


def test_channels_of_the_branches() -> None:
    layers = {layer.name: layer for layer in inception_v1_layers()}
    assert list(layers) == ["conv2d0", "conv2d1", "conv2d2", *CHANNEL_ENDS]
    for name, ends in CHANNEL_ENDS.items():
        assert [branch.name for branch in layers[name].branches] == ["1x1", "3x3", "5x5", "pool"]
        assert [branch.channels.stop for branch in layers[name].branches] == ends
        assert layers[name].aliases == (name.replace("mixed", "inception"),)
    assert network_layers("inception_v1") == tuple(layers.values())


def test_units_bear_lucids_names(network: Network) -> None:
    assert network.unit("inception4a", "", 245).name == "mixed4a-3x3-0245"
    assert network.unit("conv2d1", "", 3).name == "conv2d1-0003"
    with pytest.raises(BadInput, match="did you mean 'mixed4a'"):
        network.unit("mixd4a", "3x3", 245)
    with pytest.raises(BadInput, match="no channel 508, only 0..507"):
        network.unit("mixed4a", "pool", 508)


def test_sizes_of_the_maps(network: Network) -> None:
    sides = {"conv2d0": 112, "conv2d2": 56, "mixed3b": 28, "mixed4a": 14, "mixed5b": 7}
    maps = network.maps(torch.rand(1, 3, 224, 224), list(sides))
    for name, side in sides.items():
        assert maps[name].shape == (1, network.layer(name).n_channels, side, side)
    assert network.module(torch.rand(2, 3, 96, 64)).shape == (2, 1008)


def test_images_are_brought_to_the_range_it_was_trained_on(network: Network) -> None:
    conv = network.module.conv2d0_pre_relu_conv
    assert isinstance(conv, nn.Conv2d)
    images = torch.rand(1, 3, 64, 64)
    bytes_ = F.pad(images * 255 - 117, (2, 3, 2, 3))
    expected = F.conv2d(bytes_, conv.weight, conv.bias, stride=2)
    torch.testing.assert_close(
        network.maps(images, ["conv2d0"])["conv2d0"], expected, rtol=1e-4, atol=1e-3
    )


def convolved(image: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """Convolve one channel as TensorFlow documents SAME: n / stride places, rounded up."""
    n, k = len(image), len(kernel)
    n_out = int(np.ceil(n / stride))
    missing = max((n_out - 1) * stride + k - n, 0)
    first = -(missing // 2)
    out = np.zeros((n_out, n_out))
    for row in range(n_out):
        for column in range(n_out):
            for i in range(k):
                for j in range(k):
                    y, x = first + row * stride + i, first + column * stride + j
                    if 0 <= y < n and 0 <= x < n:
                        out[row, column] += image[y, x] * kernel[i, j]
    return out


@pytest.mark.parametrize("size_px", [8, 9, 13])
@pytest.mark.parametrize(("kernel", "stride"), [(7, 2), (3, 1), (5, 1), (1, 1), (3, 2)])
@torch.no_grad()
def test_same_padding_is_tensorflows(size_px: int, kernel: int, stride: int) -> None:
    conv = SameConv2d(1, 1, kernel, stride)
    image = np.random.default_rng(size_px).normal(size=(size_px, size_px))
    ours = conv(torch.tensor(image, dtype=torch.float32)[None, None])[0, 0] - conv.bias
    expected = convolved(image, conv.weight[0, 0].double().numpy(), stride)
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-5)


def test_padding_of_the_first_layer_is_uneven() -> None:
    assert same_padding(224, 7, 2) == (2, 3)
    assert same_padding(225, 7, 2) == (3, 3)
    assert same_padding(4, 1, 1) == (0, 0)


def test_padding_is_never_the_maximum() -> None:
    x = -torch.rand(1, 2, 6, 6) - 1
    assert torch.equal(max_pool(x, 1), F.max_pool2d(x, 3, 1, padding=1))
    halved = max_pool(x, 2)
    assert halved.shape == (1, 2, 3, 3)
    assert torch.equal(halved[..., 0, 0], x[..., :3, :3].amax((-2, -1)))
    assert torch.equal(halved[..., -1, -1], x[..., 4:, 4:].amax((-2, -1)))


def test_response_normalisation_is_tensorflows() -> None:
    x = 100 * torch.randn(2, 20, 3, 3, dtype=torch.double)
    expected = torch.empty_like(x)
    for channel in range(20):
        near = x[:, max(channel - 5, 0) : channel + 6]
        expected[:, channel] = x[:, channel] / (2 + 1e-4 * near.square().sum(1)).sqrt()
    torch.testing.assert_close(normalise(x), expected)
    # torch's takes the mean of the whole window's squares where TensorFlow's takes their sum.
    torch.testing.assert_close(normalise(x), nn.LocalResponseNorm(11, 11e-4, 0.5, 2.0)(x))


@torch.no_grad()
def test_a_block_puts_its_branches_together(network: Network) -> None:
    module = network.module
    assert isinstance(module, InceptionV1)
    images = torch.rand(1, 3, 64, 64)
    x = network.maps(images, ["mixed4b"], "post")["mixed4b"]

    def conv(part: str, x: torch.Tensor, padding: int = 0) -> torch.Tensor:
        of = module.get_submodule(f"mixed4c_{part}_pre_relu_conv")
        return F.conv2d(x, of.weight, of.bias, padding=padding)

    expected = [
        conv("1x1", x),
        conv("3x3", conv("3x3_bottleneck", x).relu(), 1),
        conv("5x5", conv("5x5_bottleneck", x).relu(), 2),
        conv("pool_reduce", F.max_pool2d(x, 3, 1, 1)),
    ]
    found = network.maps(images, ["mixed4c"])["mixed4c"]
    torch.testing.assert_close(found, torch.cat(expected, 1), rtol=1e-4, atol=1e-3)
    assert (found < 0).any()


def test_untrained_weights_follow_their_seed_and_keep_the_signal(network: Network) -> None:
    assert network.weights_sha256 == load_network("inception_v1", "random").weights_sha256
    assert network.weights_sha256 != load_network("inception_v1", "random", seed=1).weights_sha256
    activations = network.activations(torch.rand(2, 3, 224, 224), ["mixed5b"], "post", "max")
    assert 0.1 < activations.mean() < 1000


def test_the_pass_stops_at_the_layer(network: Network) -> None:
    begun = set()
    handles = [
        part.register_forward_pre_hook(lambda module, inputs, path=path: begun.add(path))
        for path, part in network.module.named_children()
    ]
    network.maps(torch.rand(1, 3, 64, 64), ["mixed3b"])
    for handle in handles:
        handle.remove()
    assert "mixed3b_pool_reduce_pre_relu_conv" in begun
    assert not any(path.startswith(("mixed4", "mixed5", "softmax2")) for path in begun)
    assert not any(part._forward_hooks for part in network.module.modules())
    assert not any(p.requires_grad for p in network.module.parameters())


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_checkpoint_makes_the_round_trip(tmp_path: Path, suffix: str) -> None:
    module = InceptionV1()
    randomise(module, 7)
    state = module.state_dict()
    path = tmp_path / f"inception5h{suffix}"
    if suffix == ".pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    loaded = load_network("inception_v1", str(path))
    assert loaded.weights_sha256 == load_network("inception_v1", "random", seed=7).weights_sha256


def test_keys_are_those_of_the_public_conversion() -> None:
    state = InceptionV1().state_dict()
    assert len(state) == 2 * (3 + 9 * 6 + 1)
    shapes = {
        "conv2d0_pre_relu_conv.weight": (64, 3, 7, 7),
        "mixed3a_1x1_pre_relu_conv.weight": (64, 192, 1, 1),
        "mixed4a_3x3_bottleneck_pre_relu_conv.weight": (96, 480, 1, 1),
        "mixed4a_3x3_pre_relu_conv.weight": (204, 96, 3, 3),
        "mixed4b_1x1_pre_relu_conv.weight": (160, 508, 1, 1),
        "mixed5b_5x5_bottleneck_pre_relu_conv.bias": (48,),
        "mixed5b_pool_reduce_pre_relu_conv.bias": (128,),
        "softmax2_pre_activation_matmul.weight": (1008, 1024),
    }
    assert {key: tuple(state[key].shape) for key in shapes} == shapes


def test_without_a_checkpoint_it_says_what_to_give() -> None:
    with pytest.raises(BadInput, match="comes without weights: give the path of a checkpoint"):
        load_network("inception_v1")


def test_a_checkpoint_that_does_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    state = InceptionV1().state_dict()
    torch.save({"conv1.weight": torch.zeros(1)}, path)
    with pytest.raises(BadInput, match=r"missing conv2d0_pre_relu_conv\.weight, .* and 113 more"):
        load_network("inception_v1", str(path))
    wide = state | {"mixed4a_3x3_pre_relu_conv.weight": torch.zeros(208, 96, 3, 3)}
    torch.save(wide, path)
    with pytest.raises(BadInput, match=r"misshapen mixed4a_3x3_pre_relu_conv\.weight$"):
        load_network("inception_v1", str(path))
    torch.save(state | {"conv2d1_pre_relu_conv.bias": torch.full((64,), torch.nan)}, path)
    with pytest.raises(BadInput, match=r"conv2d1_pre_relu_conv\.bias holds values that are not"):
        load_network("inception_v1", str(path))
