import re
from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.overrides import TorchFunctionMode
from torchvision.models import googlenet

from stimgen import loops
from stimgen.demo.demo_network import load_demo_network
from stimgen.loops import pooling_loops
from stimgen.networks.network import Network
from stimgen.networks.pooling import MaxPool2d, max_pool2d, pool_before_relu, replace_max_pools
from stimgen.networks.registry import fold_batch_norms, inception_layers, load_network
from stimgen.networks.weights import randomise
from tests.conftest import some


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
    assert all(torch.equal(before, after) for before, after in some(zip(*found, strict=True)))


def test_weights_keep_their_names() -> None:
    before, after = folded(load_demo_network), folded(load_demo_network)
    pool_before_relu(after)
    assert before.state_dict().keys() == after.state_dict().keys()


@pytest.mark.parametrize("name", ["googlenet", "demo"])
def test_networks_are_loaded_that_way(name: str) -> None:
    network = load_network(name, "random")
    pool = network.module.get_submodule("maxpool2")
    assert [type(part) for part in pool.children()] == [MaxPool2d, nn.ReLU]


def some_maps(shape: tuple[int, ...], dtype: torch.dtype, seed: int, levels: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    # Few levels make ties; sums of such gradients are exact in 32 bits.
    values = torch.randint(-levels, levels + 1, shape, generator=generator) / 8
    return values.to(dtype).contiguous(memory_format=torch.channels_last)


@given(
    st.tuples(
        st.integers(1, 3), st.sampled_from([1, 2, 16, 37]), st.integers(1, 11), st.integers(1, 11)
    ),
    st.sampled_from([1, 2]),
    st.sampled_from([0, 1]),
    st.booleans(),
    st.sampled_from([torch.float32, torch.bfloat16]),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 3, 100]),
)
def test_maxima_and_gradients_are_torchs(
    shape: tuple[int, ...],
    stride: int,
    padding: int,
    ceil_mode: bool,
    dtype: torch.dtype,
    seed: int,
    levels: int,
) -> None:
    maps = some_maps(shape, dtype, seed, levels)
    sizes = 3, stride, padding, 1, ceil_mode
    exact = maps.float().requires_grad_()
    try:
        expected = F.max_pool2d(exact, *sizes)
    except RuntimeError as error:  # no window fits
        with pytest.raises(RuntimeError, match=re.escape(str(error))):
            max_pool2d(exact.detach(), *sizes)
        return
    assert torch.equal(max_pool2d(maps, *sizes).float(), expected)
    own = maps.clone().requires_grad_()
    found = max_pool2d(own, *sizes)
    assert found.dtype == dtype
    assert torch.equal(found.float(), expected)
    gradient = some_maps(tuple(found.shape), dtype, seed + 1, levels)
    (expected,) = torch.autograd.grad(expected, exact, gradient.float())
    (spread,) = torch.autograd.grad(found, own, gradient)
    # Of equal values the first gets the gradient; what several windows give is rounded once.
    assert torch.equal(spread, expected.to(dtype))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the loops that were called."""

    called: list[str] = []

    def note(name: str, loop: Callable[..., None], *args: object) -> None:
        called.append(name)
        loop(*args)

    for name in ("highest", "highest_and_place", "spread_by_1", "spread_by_2"):
        monkeypatch.setattr(pooling_loops, name, partial(note, name, getattr(pooling_loops, name)))
    return called


@pytest.mark.parametrize(
    ("stride", "padding", "spread"), [(1, 1, "spread_by_1"), (2, 0, "spread_by_2")]
)
def test_loops_are_used_where_they_can_be(
    calls: list[str], stride: int, padding: int, spread: str
) -> None:
    maps = some_maps((1, 16, 8, 8), torch.float32, 0, 9)
    max_pool2d(maps, 3, stride, padding)
    assert calls == ["highest"]
    with torch.no_grad():
        max_pool2d(maps.requires_grad_(), 3, stride, padding)
    assert calls == ["highest"] * 2
    max_pool2d(maps, 3, stride, padding).sum().backward()
    assert calls[2:] == ["highest_and_place", spread]


@pytest.mark.parametrize(
    ("maps", "sizes"),
    [
        (torch.rand(1, 16, 8, 8), (3, 2, 0, 1)),  # channels first
        (some_maps((1, 16, 8, 8), torch.float64, 0, 9), (3, 2, 0, 1)),
        (some_maps((1, 16, 8, 8), torch.float32, 0, 9), (2, 2, 0, 1)),
        (some_maps((1, 16, 8, 8), torch.float32, 0, 9), (3, None, 0, 1)),
        (some_maps((1, 16, 8, 8), torch.float32, 0, 9), (3, (2, 1), 0, 1)),
        (some_maps((1, 16, 8, 8), torch.float32, 0, 9), (3, 2, (0, 1), 1)),
        (some_maps((1, 16, 8, 8), torch.float32, 0, 9), (3, 2, 0, 2)),
        (some_maps((1, 16, 8, 8), torch.float32, 0, 9), ((3, 2), 2, 0, 1)),
    ],
)
def test_all_else_is_left_to_torch(maps: torch.Tensor, sizes: tuple, calls: list[str]) -> None:
    assert torch.equal(max_pool2d(maps, *sizes), F.max_pool2d(maps, *sizes))
    assert not calls


def test_without_numba_torch_does_it(monkeypatch: pytest.MonkeyPatch, calls: list[str]) -> None:
    monkeypatch.setattr(loops, "has_numba", lambda: False)
    maps = some_maps((1, 16, 8, 8), torch.float32, 0, 9)
    assert torch.equal(max_pool2d(maps, 3, 2), F.max_pool2d(maps, 3, 2))
    assert not calls


def test_what_is_no_number_is_the_maximum_wherever_it_stands() -> None:
    for place in range(9):
        maps = torch.arange(9.0).repeat(20).view(1, 20, 3, 3)
        maps[:, :, place // 3, place % 3] = torch.nan
        maps = maps.contiguous(memory_format=torch.channels_last)
        assert max_pool2d(maps, 3, 2).isnan().all()
        pooled = max_pool2d(maps.requires_grad_(), 3, 2)
        assert pooled.isnan().all()
        (gradient,) = torch.autograd.grad(pooled.sum(), maps)
        assert gradient.flatten(2).argmax(2).eq(place).all()


def test_infinite_values_are_maxima_of_their_kind() -> None:
    maps = torch.full((1, 20, 5, 5), -torch.inf).contiguous(memory_format=torch.channels_last)
    assert torch.equal(max_pool2d(maps, 3, 1, 1), maps)
    maps[:, :, 2, 2] = torch.inf
    assert max_pool2d(maps, 3, 2, 1)[0, 0].isposinf().sum() == 1


def test_modes_see_the_function_by_its_name() -> None:
    names = []

    class Names(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            names.append(func.__name__)
            return func(*args, **(kwargs or {}))

    with Names():
        pooled = max_pool2d(some_maps((1, 16, 8, 8), torch.float32, 0, 9), 3, 2)
    assert "max_pool2d" in names
    assert pooled.shape == (1, 16, 3, 3)


def test_modules_keep_their_geometry() -> None:
    pools = [nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.MaxPool2d(2), nn.MaxPool2d(2, dilation=2)]
    module = nn.Sequential(*pools, nn.MaxPool2d(2, return_indices=True))
    replace_max_pools(module)
    assert [type(part) for part in module] == [MaxPool2d] * 3 + [nn.MaxPool2d]
    maps = torch.rand(1, 3, 9, 9)
    for own, pool in zip(module, pools, strict=False):
        assert torch.equal(own(maps), pool(maps))


def test_a_module_with_two_names_stays_one() -> None:
    module = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(3, 3, 1), nn.MaxPool2d(3))
    module.add_module("named", module[0])
    module[2].register_forward_hook(lambda pool, inputs, output: output * 2)
    replace_max_pools(module)
    assert type(module[0]) is MaxPool2d and module.named is module[0]
    assert type(module[2]) is nn.MaxPool2d  # what a hook does is kept


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_cuda_sums_gradients_in_the_order_of_the_cpu(memory: torch.memory_format) -> None:
    """So they are the same each time, and sets need no max pool of ours."""
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(4, 32, 40, 40, generator=generator).contiguous(memory_format=memory)
    for sizes in some([(3, 2, 0, 1, True), (3, 1, 1, 1, False), (5, 1, 2, 1, False)]):
        found = []
        for device in ("cpu", "cuda", "cuda"):
            own = maps.to(device).requires_grad_()
            pooled = F.max_pool2d(own, *sizes)
            gradient = torch.rand(pooled.shape, generator=torch.Generator().manual_seed(1))
            (spread,) = torch.autograd.grad(pooled, own, gradient.to(device))
            found.append(spread.cpu())
        assert torch.equal(found[0], found[1]) and torch.equal(found[1], found[2])
