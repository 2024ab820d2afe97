import pytest
import torch

from stimgen import loops
from stimgen.networks.network import Network, Reduction, Side, reduce_map
from stimgen.networks.registry import load_network
from tests.stimgen.conftest import ToyModule
from unitscope.errors import BadInput
from unitscope.vocabulary import Unit


def test_units_are_named_by_layer_branch_and_channel(toy: Network) -> None:
    names = [unit.name for unit in toy.units(["late"])]
    assert names[0] == "late-1x1-0000"
    assert names[4:] == ["late-3x3-0004", "late-3x3-0005", "late-3x3-0006"]
    assert len(toy.units()) == 13


def test_aliases_lead_to_the_layers_own_name(toy: Network) -> None:
    assert toy.unit("first", "", 2) == Unit("toy", "early", "", 2)
    assert toy.unit("late", "", 5).branch == "3x3"


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        (("earli", "", 0), "did you mean 'early'"),
        (("late", "2x2", 0), "no branch '2x2'"),
        (("late", "3x3", 0), "in branch '1x1', not '3x3'"),
        (("late", "1x1", 7), r"only 0\.\.6"),
        (("late", "1x1", -1), r"only 0\.\.6"),
    ],
)
def test_a_unit_that_is_not_there_is_named(
    toy: Network, unit: tuple[str, str, int], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        toy.unit(*unit)


def test_maps_are_pre_activations_though_the_relus_work_in_place(toy: Network) -> None:
    module = toy.module
    assert isinstance(module, ToyModule)
    images = torch.rand(2, 3, 32, 32)
    maps = toy.maps(images, ["early", "late"])
    early = module.early(images - 0.5)
    torch.testing.assert_close(maps["early"], early)
    late = torch.cat([module.left(early.relu()), module.right(early.relu())], 1)
    torch.testing.assert_close(maps["late"], late)
    torch.testing.assert_close(toy.maps(images, ["late"], "post")["late"], late.relu())


@pytest.mark.parametrize(
    ("channels", "kept"), [({1, 3}, range(4)), ({5}, range(4, 7)), ({0, 6}, range(7))]
)
@pytest.mark.parametrize("side", ["pre", "post"])
def test_branches_that_hold_no_unit_are_left_out(
    toy: Network, side: Side, channels: set[int], kept: range
) -> None:
    part = toy.layer("late").holding(channels)
    images = torch.rand(2, 3, 32, 32, requires_grad=True)
    found, whole = (toy.maps(images, [layer], side)["late"] for layer in (part, "late"))
    assert torch.equal(found, whole[:, kept])
    gradients = [
        torch.autograd.grad(maps.square().sum(), images)[0] for maps in (found, whole[:, kept])
    ]
    assert torch.equal(*gradients)


def test_the_pass_stops_at_the_last_branch_that_is_needed(toy: Network) -> None:
    assert isinstance(toy.module, ToyModule)
    calls: list[object] = []
    handle = toy.module.right.register_forward_hook(lambda *call: calls.append(call))
    toy.maps(torch.rand(1, 3, 32, 32), [toy.layer("late").holding({0})])
    assert not calls
    toy.maps(torch.rand(1, 3, 32, 32), [toy.layer("late").holding({4})])
    assert len(calls) == 1
    handle.remove()


@pytest.mark.parametrize("side", ["pre", "post"])
@pytest.mark.parametrize("reduction", ["mean", "max", "centre"])
def test_activations_are_the_reduced_maps(toy: Network, side: Side, reduction: Reduction) -> None:
    images = torch.rand(2, 3, 32, 32)
    maps = toy.maps(images, ["late", "early"], side)
    expected = torch.cat([reduce_map(maps[name], reduction) for name in ("late", "early")], 1)
    found = toy.activations(images, ["late", "early"], side, reduction)
    torch.testing.assert_close(found, expected)


def test_a_lower_precision_changes_little_and_still_lets_gradients_through() -> None:
    exact, rough = load_network("demo"), load_network("demo", precision="bf16")
    assert exact.weights_sha256 == rough.weights_sha256
    images = torch.rand(4, 3, 64, 64, requires_grad=True)
    layers = ["inception3a", "inception5b"]
    for found, wanted in zip(
        rough.maps(images, layers).values(), exact.maps(images, layers).values(), strict=True
    ):
        assert found.dtype == torch.float32
        error = (found - wanted).detach().square().mean().sqrt() / wanted.detach().std()
        assert 0 < error < 0.03
    rough.maps(images, ["inception3a"])["inception3a"].sum().backward()
    assert images.grad is not None
    assert images.grad.abs().amax((1, 2, 3)).min() > 0
    assert rough.activations(images, layers, "post", "max").dtype == torch.float32


def test_the_pass_stops_at_the_layer_and_leaves_no_hooks(toy: Network) -> None:
    assert isinstance(toy.module, ToyModule)
    toy.maps(torch.rand(1, 3, 32, 32), ["late"])
    assert toy.module.n_finished == 0
    assert not any(m._forward_hooks for m in toy.module.modules())


def test_weights_are_frozen(toy: Network) -> None:
    assert not any(p.requires_grad for p in toy.module.parameters())
    assert not toy.module.training


def test_activations_bring_images_to_the_networks_size(toy: Network) -> None:
    images = torch.rand(2, 3, 64, 64)
    activations = toy.activations(images, ["early", "late"], "pre", "mean")
    assert activations.shape == (2, 13)
    small = torch.nn.functional.interpolate(images, size=(32, 32), mode="bilinear", antialias=True)
    torch.testing.assert_close(
        activations, toy.activations(small, ["early", "late"], "pre", "mean")
    )


def test_reductions() -> None:
    map_ = torch.arange(9.0).view(1, 3, 3)
    assert [reduce_map(map_, r).item() for r in ("mean", "max", "centre")] == [4, 8, 4]


@pytest.mark.parametrize("has_numba", [True, False])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("shape", [(5, 8, 400, 200), (9, 3, 7, 7), (2, 1, 80, 90), (4, 6, 1, 1)])
def test_means_of_16_bits_are_added_up_in_32(
    shape: tuple[int, ...],
    layout: torch.memory_format,
    has_numba: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loops, "has_numba", lambda: has_numba)
    maps = (1 + torch.randn(shape)).to(torch.bfloat16, memory_format=layout)
    found = reduce_map(maps, "mean")
    assert found.dtype == torch.float32
    expected = maps.double().mean((-2, -1))
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=2e-5)
