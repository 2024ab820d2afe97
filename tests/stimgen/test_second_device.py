"""Everything that computes keeps its tensors on the network's device, whichever that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stimgen import loops
from stimgen.networks.network import Network
from stimgen.networks.preprocessing import to_tensor
from stimgen.networks.registry import load_network
from stimgen.occlusion.activation_maps import activation_maps
from stimgen.occlusion.patch_forward import PatchForward
from stimgen.occlusion.patches import Occlusion, Patch, Sharpening
from stimgen.studies.build_settings import ActivationSettings, ImagesSettings
from stimgen.studies.prior_settings import (
    BlurSettings,
    GradientBlurSettings,
    PatchColourSettings,
    PriorSettings,
)
from stimgen.studies.synthetic_settings import MacoSettings, StopSettings, SyntheticSettings
from stimgen.sweeps.checkpoints import Checkpoints
from stimgen.sweeps.sweep import BATCH, Sweep, sweep
from stimgen.visualization.ascend import ascend
from stimgen.visualization.goals import Goal
from stimgen.visualization.layer_images import caricature, dream
from stimgen.visualization.render import render
from stimgen.visualization.rendering_methods import open_method
from tests.stimgen.apart import APART, Apart, in_this_thread, moved, second_device
from tests.stimgen.conftest import NoiseImages

SMALL = SyntheticSettings(per_pole=2, steps=4, image_px=80, margin_px=8, jitter_px=(4, 2))


@pytest.fixture(scope="module")
def demo() -> Network:
    return load_network("demo")


@pytest.fixture(autouse=True)
def like_the_second_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BATCH, APART.type, BATCH["cpu"])
    # Loops are for processors, and what they round otherwise grows from step to step.
    monkeypatch.setattr(loops, "has_numba", lambda: False)
    monkeypatch.setattr("stimgen.sweeps.workers.prefetch", in_this_thread)


@pytest.fixture
def there(demo: Network) -> Iterator[Network]:
    with second_device() as device:
        yield moved(demo, device)


def test_tensors_of_two_devices_do_not_mix() -> None:
    with second_device() as device:
        here, there = torch.ones(2), torch.ones(2, device=device)
        assert isinstance(there + 1, Apart)
        with pytest.raises(RuntimeError, match="same device"):
            here + there
        with pytest.raises(RuntimeError, match="numpy"):
            there.numpy()
        assert (here + there.cpu()).tolist() == [2, 2]


def test_a_sweep_is_the_same_even_if_interrupted(
    demo: Network, there: Network, tmp_path: Path
) -> None:
    def swept(network: Network, **more: Any) -> Sweep:
        layers = ["inception3a", "inception4a"]
        settings = (ImagesSettings(resize_px=64, crop_px=64), ActivationSettings())
        found = sweep(network, NoiseImages(40), layers, 3, *settings, batch=8, quiet=True, **more)
        assert found is not None
        return found

    def interrupt(indices: Sequence[int], values: np.ndarray) -> None:
        if 16 in indices:
            raise KeyboardInterrupt

    parts = Checkpoints(tmp_path, every_s=0)
    with pytest.raises(KeyboardInterrupt):
        swept(there, checkpoints=parts, observe=interrupt)
    one, other = swept(demo), swept(there, checkpoints=parts)
    assert np.array_equal(one.top_indices, other.top_indices)
    np.testing.assert_allclose(one.top_values, other.top_values, rtol=1e-4, atol=1e-5)
    assert np.array_equal(one.histogram, other.histogram)


METHODS = {
    "fourier": replace(SMALL, diversity_weight=0.1, redirected_steps=2),
    "priors": replace(
        SMALL,
        method="pixels",
        priors=PriorSettings(
            l2=0.1,
            total_variation=0.1,
            high_frequency=0.1,
            patch_colour=PatchColourSettings(weight=0.1),
            blur=BlurSettings(sd_px=0.5),
            gradient_blur=GradientBlurSettings(first_sd_px=1.0),
        ),
    ),
    "stopping": replace(SMALL, steps=9, stop=StopSettings(at_least=4, window=2, tolerance=1.0)),
    "generator": replace(SMALL, method="generator"),
    "maco": replace(
        SMALL, method="maco", steps=2, margin_px=0, image_px=64, maco=MacoSettings(crops=4)
    ),
}


def _close(one: torch.Tensor, other: torch.Tensor) -> bool:
    # Some pixels may differ by more: what is rounded otherwise grows from step to step.
    return float((one.detach() - other.detach().cpu()).abs().mean()) < 1e-3


@pytest.mark.parametrize("method", sorted(METHODS))
def test_rendering_is_the_same(method: str, demo: Network, there: Network) -> None:
    settings = METHODS[method]

    def rendered(network: Network) -> torch.Tensor:
        units = [network.unit("inception4a", "", channel) for channel in (0, 70)]
        goals = [Goal(unit, "max", (2 * i, 2 * i + 1)) for i, unit in enumerate(units)]
        start = open_method(settings, network, magnitude=np.ones((3, 64, 33), np.float32))
        return ascend(network, goals, settings, ActivationSettings(), start=start)

    one, other = rendered(demo), rendered(there)
    assert isinstance(other, Apart)
    assert _close(one, other)


def test_an_interrupted_rendering_goes_on(there: Network, tmp_path: Path) -> None:
    settings = METHODS["stopping"]
    goals = [Goal(there.unit("inception4a", "", 0), "max", (0, 1))]
    usual = open_method(settings, there)

    def files(folder: Path) -> list[bytes]:
        return [path.read_bytes() for path in sorted(folder.rglob("*.png"))]

    def start(seeds: object) -> object:
        parametrization = usual(seeds)  # type: ignore[arg-type]
        update = parametrization.update

        def stopped(step: int) -> None:
            update(step)
            if step == 2:
                raise KeyboardInterrupt

        parametrization.update = stopped  # type: ignore[method-assign]
        return parametrization

    work = (there, goals, settings, ActivationSettings(), 64)
    render(*work, tmp_path / "whole", quiet=True)
    with pytest.raises(KeyboardInterrupt):
        render(*work, tmp_path / "parts", start=start, every_s=0, quiet=True)  # type: ignore[arg-type]
    render(*work, tmp_path / "parts", quiet=True)
    assert files(tmp_path / "parts") == files(tmp_path / "whole") != []


@pytest.mark.parametrize("edit", [Occlusion, lambda base: Sharpening(base, 5, 1.0)])
def test_occlusion_maps_are_the_same(
    edit: Callable[[np.ndarray], Occlusion], demo: Network, there: Network
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)

    def mapped(network: Network) -> np.ndarray:
        units = [network.unit("inception3b", "", channel) for channel in (0, 70)]
        patches = [Patch(0, 0, 24), Patch(20, 30, 24)]
        own = edit(image)
        quick = PatchForward(network, own.base, units)(patches, own.inside(patches))
        maps, _ = activation_maps(network, own, units, size_px=24, stride_px=10)
        assert np.allclose(quick[0], maps[:, 0, 0], atol=1e-4)
        return maps

    np.testing.assert_allclose(mapped(demo), mapped(there), rtol=1e-4, atol=1e-5)


def test_layer_images_are_the_same(demo: Network, there: Network) -> None:
    image = to_tensor([np.asarray(NoiseImages(1, 64).load(0))])[0]
    for one, other in (
        (dream(demo, "inception3b", SMALL, [0]), dream(there, "inception3b", SMALL, [0])),
        (
            caricature(demo, "inception3b", image, SMALL, [0]),
            caricature(there, "inception3b", image, SMALL, [0]),
        ),
    ):
        assert _close(one, other)
