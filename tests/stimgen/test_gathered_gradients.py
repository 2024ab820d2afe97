"""Operations whose gradients are summed in one order equal torch's, and are used off the CPU."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from stimgen import loops
from stimgen.networks import compute_device
from stimgen.networks.compute_device import same_each_time
from stimgen.networks.network import Network
from stimgen.networks.preprocessing import resize
from stimgen.networks.registry import load_network
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.prior_settings import PriorSettings
from stimgen.studies.synthetic_settings import MacoSettings, SyntheticSettings
from stimgen.visualization.ascend import ascend
from stimgen.visualization.augment import GatheredResampling, Transforms, reached, transform
from stimgen.visualization.counted_noise import noise_keys
from stimgen.visualization.crops import Crops
from stimgen.visualization.goals import Goal
from stimgen.visualization.lucid_transforms import LucidDraw, LucidTransforms, as_numbers
from stimgen.visualization.priors import blur
from stimgen.visualization.rendering_methods import open_method
from tests.conftest import some
from tests.stimgen.apart import moved, second_device

MODULES = (
    "networks.preprocessing",
    "visualization.augment",
    "visualization.crops",
    "visualization.lucid_transforms",
    "visualization.priors",
)

SCATTERED = {
    "grid_sampler_2d_backward",
    "_upsample_bilinear2d_aa_backward",
    "upsample_bilinear2d_backward",
    "upsample_bicubic2d_backward",
    "_adaptive_avg_pool2d_backward",
    "adaptive_max_pool2d_backward",
    "reflection_pad2d_backward",
    "avg_pool3d_backward",
    "nll_loss2d_forward",
    "histc",
    "put_",
    "median",
}
"""Operations that torch lists as without a deterministic way on CUDA."""
SORTED = {"index_put", "_index_put_impl_", "index_add", "scatter_add", "embedding_dense_backward"}
"""Operations that CUDA does in one order by sorting first, in some ten kernels."""


@pytest.fixture
def as_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the CPU compute as other devices do."""
    for module in MODULES:
        monkeypatch.setattr(f"stimgen.{module}.sums_in_order", lambda tensor: False)
    monkeypatch.setattr("stimgen.visualization.augment.can_loop", lambda *tensors: False)


@pytest.fixture(autouse=True)
def strictly() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def gradients_of(output: torch.Tensor, of: torch.Tensor) -> torch.Tensor:
    weights = torch.rand(output.shape, generator=torch.Generator().manual_seed(1))
    return torch.autograd.grad((output * weights.to(output.dtype)).sum(), of)[0]


def test_an_operation_without_a_way_is_named_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compute_device, "_say_once", cache(compute_device._say_once.__wrapped__))
    for _ in range(2):
        with pytest.warns(UserWarning) as others, same_each_time(torch.device("cuda")):
            warnings.simplefilter("default")
            assert torch.is_deterministic_algorithms_warn_only_enabled()
            # As torch puts it.
            lacking = "does not have a deterministic implementation, but you set"
            warnings.warn(f"adaptive_max_pool2d_backward_cuda {lacking} ...", stacklevel=1)
            warnings.warn("something else", stacklevel=1)
        assert [str(other.message) for other in others] == ["something else"]
    told = capsys.readouterr().err
    assert told.count("no way of doing adaptive_max_pool2d_backward_cuda that gives the same") == 1
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("seen_px", [20, 33])
@pytest.mark.parametrize(
    "transforms",
    [
        Transforms((0, 0), (1.0,), 0),
        Transforms((4, 2)),
        Transforms((8, 4), (0.7, 1.6), 90, 5),
        Transforms((200, 0)),
    ],
)
def test_resampling(transforms: Transforms, seen_px: int, as_elsewhere: None) -> None:
    matrices = transforms.draw([1, 2, 3], 1, 40)[0]
    images = torch.rand(3, 3, 40, 40, requires_grad=True)
    grid = F.affine_grid(matrices, [3, 3, seen_px, seen_px], align_corners=False)
    expected = F.grid_sample(images - 0.5, grid, align_corners=False) + 0.5
    found = transform(images, matrices, seen_px)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        gradients_of(found, images), gradients_of(expected, images), atol=1e-4, rtol=0
    )
    small = torch.rand(1, 2, 6, 6, dtype=torch.float64, requires_grad=True)
    turned = replace(transforms, jitter_px=(2, 0), pad_px=0).draw([5], 1, 6)[0].double()
    n = reached(turned, 7, 6)
    assert torch.autograd.gradcheck(
        lambda x: GatheredResampling.apply(x, turned, 7, n), small, atol=1e-6
    )


@pytest.mark.parametrize("degrees", [0, 1, -7, 30, 45, 89, 180])
@pytest.mark.parametrize("offset_px", [(0, 0), (3, 1)])
def test_turning(degrees: int, offset_px: tuple[int, int], as_elsewhere: None) -> None:
    transforms = LucidTransforms(jitter_px=(4, 3), scales=(0.9,), pad_px=1)
    draw = LucidDraw((1, 2), 0.9, degrees, offset_px)
    images = torch.rand(2, 3, 27, 27, requires_grad=True)
    expected = transforms.apply(images.detach(), draw)
    numbers = as_numbers([draw])[0]
    found = transforms.apply_numbers(images, numbers, 0.9)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stimgen.visualization.lucid_transforms.sums_in_order", lambda tensor: True)
        usual = transforms.apply_numbers(images, numbers, 0.9)
    assert torch.equal(found, usual)
    torch.testing.assert_close(gradients_of(found, images), gradients_of(usual, images))


def test_few_pixels_are_visited() -> None:
    """By default a pixel contributes to at most 3 x 3, and as many are looked at."""
    for transforms in (Transforms(), Transforms((8, 4), (0.9, 1.1), 10)):
        assert reached(transforms.draw(range(8), 64, 256), 232, 256) == 3


@pytest.mark.parametrize("shape", [(20, 20), (20, 31)])
@pytest.mark.parametrize("size_px", [7, 20, 33])
def test_resizing(shape: tuple[int, int], size_px: int, as_elsewhere: None) -> None:
    images = torch.rand(2, 3, *shape, requires_grad=True)
    expected = F.interpolate(images, size=(size_px,) * 2, mode="bilinear", antialias=True)
    found = resize(images, size_px)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    if shape != (size_px, size_px):
        assert type(found.grad_fn).__name__ == "UnsafeViewBackward0"
    torch.testing.assert_close(
        gradients_of(found, images), gradients_of(expected, images), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("sd_px", [0.4, 1.0, 5.0])
def test_blurring(sd_px: float, as_elsewhere: None) -> None:
    images = torch.rand(2, 3, 12, 17)
    expected = blur(images, sd_px)
    images.requires_grad_()
    found = blur(images, sd_px)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    # The mirror is its own oracle: the gradient of the sum is what each pixel adds to all others.
    plain = torch.stack(
        [blur(one, sd_px).sum() for one in torch.eye(12 * 17).view(-1, 1, 1, 12, 17)]
    )
    torch.testing.assert_close(
        torch.autograd.grad(found.sum(), images)[0][0, 0], plain.view(12, 17), atol=1e-5, rtol=1e-5
    )


def test_crops(monkeypatch: pytest.MonkeyPatch) -> None:
    crops = Crops(n=3, sides=(0.6, 0.1))
    boxes = crops.draw([1, 2], 3)
    images = torch.rand(2, 3, 40, 40, requires_grad=True)
    found = []
    for in_order in (True, False):
        monkeypatch.setattr("stimgen.visualization.crops.sums_in_order", lambda t, a=in_order: a)
        cut = crops.cut(images, boxes[1], crops.noise(noise_keys([1, 2], 1)[0], 24))
        found.append((cut.detach(), gradients_of(cut, images)))
    for usual, own in some(list(zip(*found, strict=True))):
        torch.testing.assert_close(own, usual, atol=1e-5, rtol=1e-4)


class Listening(TorchDispatchMode):
    """Hears the names of all operations, those of gradients too."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        self.names.add(function.overloadpacket.__name__)
        return function(*args, **(kwargs or {}))


SMALL = SyntheticSettings(
    per_pole=2, steps=2, image_px=80, margin_px=4, jitter_px=(4, 2), redirected_steps=1
)
METHODS = {
    "fourier": replace(SMALL, diversity_weight=0.1, colours="demo"),
    "pixels": replace(
        SMALL, method="pixels", priors=PriorSettings(total_variation=0.1, high_frequency=0.1)
    ),
    "generator": replace(SMALL, method="generator"),
    "maco": replace(SMALL, method="maco", margin_px=0, image_px=64, maco=MacoSettings(crops=4)),
    "lucid": replace(SMALL, transforms="lucid", pad_px=2),
}


@pytest.fixture(scope="module")
def demo() -> Network:
    return load_network("demo")


@pytest.mark.parametrize("method", sorted(METHODS))
def test_no_gradient_is_scattered_elsewhere(
    method: str, demo: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "has_numba", lambda: False)
    settings = METHODS[method]

    def heard(network: Network) -> tuple[set[str], torch.Tensor]:
        units = [network.unit("inception4a", "", 3), network.unit("inception3a", "", 0)]
        goals = [Goal(unit, "max", (2 * i, 2 * i + 1)) for i, unit in enumerate(units)]
        start = open_method(settings, network, magnitude=np.ones((3, 64, 33), np.float32))
        with Listening() as listening:
            images = ascend(network, goals, settings, ActivationSettings(), start=start)
        return listening.names, images

    on_cpu, one = heard(demo)
    assert on_cpu & SCATTERED  # as they are without our own
    with second_device() as device:
        elsewhere, other = heard(moved(demo, device))
        assert not elsewhere & (SCATTERED | SORTED)
        assert "nonzero" not in elsewhere  # for which the processor would wait
        assert float((one.detach() - other.detach().cpu()).abs().mean()) < 1e-3


def test_gains_belong_to_their_goals(demo: Network) -> None:
    """Goals of several layers in mixed order get what they get alone."""
    settings = replace(SMALL, per_pole=1, diversity_weight=0.0, redirected_steps=0)
    units = [("inception4a", 3), ("inception3a", 0), ("inception4b", 9), ("inception3a", 5)]
    goals = [
        Goal(demo.unit(layer, "", channel), "max", (i,)) for i, (layer, channel) in enumerate(units)
    ]
    together = ascend(demo, goals, settings, ActivationSettings())
    for i, goal in enumerate(some(goals)):
        alone = ascend(demo, [goal], settings, ActivationSettings())[0]
        torch.testing.assert_close(together[i], alone, atol=1e-3, rtol=0)
