"""Networks whose modules must not be replaced carelessly, compared with their own passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, prune

from stimgen.networks.registry import load_network
from tests.conftest import some


class Two(nn.Module):
    """Two convolutions with batch norms, the first of which is a stem."""

    def __init__(self, treat: Callable[[nn.Conv2d], nn.Conv2d] = lambda conv: conv) -> None:
        super().__init__()
        self.first, self.first_norm = treat(nn.Conv2d(3, 8, 3, 2, 1)), nn.BatchNorm2d(8)
        self.second, self.second_norm = treat(nn.Conv2d(8, 6, 3)), nn.BatchNorm2d(6)
        for norm in (self.first_norm, self.second_norm):
            norm.running_mean.normal_(0, 0.2)
            norm.running_var.uniform_(0.5, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.first_norm(self.first(x)))
        return F.relu(self.second_norm(self.second(x)))


class NamedTwice(Two):
    """Calls its modules as parts of a sequence, and has them as attributes too."""

    def __init__(self) -> None:
        super().__init__()
        parts = self.first, self.first_norm, nn.ReLU(), self.second, self.second_norm, nn.ReLU()
        self.whole = nn.Sequential(*parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.whole(x)
        return result


def described(module: Any) -> nn.Module:
    module.input_px, module.mean, module.sd = 32, (0, 0, 0), (1, 1, 1)
    made: nn.Module = module
    return made


def named_twice() -> nn.Module:
    return described(NamedTwice())


def weight_normed() -> nn.Module:
    return described(Two(parametrizations.weight_norm))


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
def weight_normed_by_hooks() -> nn.Module:
    return described(Two(nn.utils.weight_norm))


def pruned() -> nn.Module:
    return described(Two(lambda conv: prune.l1_unstructured(conv, "weight", 0.5)))


def doubled() -> nn.Module:
    module = Two()
    for part in (module.first, module.second_norm):
        part.register_forward_hook(lambda part, inputs, output: 2 * output)
    return described(module)


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize(
    "make", [named_twice, weight_normed, weight_normed_by_hooks, pruned, doubled]
)
@torch.no_grad()
def test_activations_are_those_of_the_module(make: Callable[[], nn.Module]) -> None:
    network = load_network(f"{__name__}:{make.__name__}")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = make().eval()
    expected: dict[str, torch.Tensor] = {}
    for name in ("first", "second"):
        norm = module.get_submodule(f"{name}_norm")
        norm.register_forward_hook(
            lambda part, inputs, output, name=name: expected.update({name: output.clone()})
        )
    images = torch.rand(2, 3, 32, 32)
    module(images)
    assert [layer.name for layer in network.layers][:1] == ["first"]
    maps = network.maps(images, list(some(expected)))
    for name in expected:
        torch.testing.assert_close(maps[name], expected[name], rtol=1e-4, atol=1e-4)
    assert len(network.layers) == 2
