from collections.abc import Callable

import pytest
import torch
from torch import nn
from torchvision.models import googlenet

from stimgen.demo.network import load_demo_network
from stimgen.networks.network import Network
from stimgen.networks.pooling import pool_before_relu
from stimgen.networks.registry import fold_batch_norms, inception_layers, load_network
from stimgen.networks.weights import randomise


def make_googlenet() -> nn.Module:
    module: nn.Module = googlenet(weights=None, aux_logits=False, init_weights=False)
    randomise(module, 0)
    return module


def folded(make: Callable[[], nn.Module]) -> nn.Module:
    module = make().eval()
    fold_batch_norms(module)
    return module


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(("make", "n_pools"), [(make_googlenet, 2), (load_demo_network, 1)])
def test_maps_and_gradients_are_the_same_bit_for_bit(
    make: Callable[[], nn.Module], n_pools: int, precision: str
) -> None:
    found = []
    for is_changed in (False, True):
        module = folded(make)
        layers = inception_layers(module)
        if is_changed:
            pool_before_relu(module)
            assert sum(isinstance(part, nn.ReLU) for part in module.modules()) == n_pools
        network = Network("own", module, layers, input_px=64)
        if precision == "bf16":
            network.lower_precision()
        images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
        images.requires_grad_()
        maps = network.maps(images, ["inception3a", "inception4a"])
        (gradient,) = torch.autograd.grad(maps["inception4a"].square().mean(), images)
        assert gradient.any()
        found.append([*maps.values(), gradient])
    assert all(torch.equal(before, after) for before, after in zip(*found, strict=True))


def test_weights_keep_their_names() -> None:
    before, after = folded(load_demo_network), folded(load_demo_network)
    pool_before_relu(after)
    assert before.state_dict().keys() == after.state_dict().keys()


@pytest.mark.parametrize("name", ["googlenet", "demo"])
def test_networks_are_loaded_that_way(name: str) -> None:
    network = load_network(name, "random")
    pool = network.module.get_submodule("maxpool2")
    assert [type(part) for part in pool.children()] == [nn.MaxPool2d, nn.ReLU]
