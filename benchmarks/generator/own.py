"""The tasks of :mod:`benchmarks.generator.usual`, done by stimgen."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.generator.limits import counted_flops
from benchmarks.generator.sides import Work
from stimgen.networks.network import Network, Precision
from stimgen.networks.preprocessing import to_tensor
from stimgen.networks.registry import load_network
from stimgen.occlusion.activation_maps import activation_maps
from stimgen.occlusion.patch_forward import PatchForward
from stimgen.occlusion.patches import Occlusion, Patch, apply, offsets
from stimgen.studies.build_settings import ActivationSettings, ImagesSettings
from stimgen.studies.synthetic_settings import SyntheticSettings
from stimgen.sweeps.image_reading import Batch, read_batches
from stimgen.sweeps.image_sources import open_source
from stimgen.sweeps.sweep import batch_on, recorded, summary, sweep
from stimgen.sweeps.tally import Tally
from stimgen.sweeps.workers import with_network
from stimgen.visualization.ascend import ascend
from stimgen.visualization.goals import Goal

LAYER = "inception4a"
PATCH_PX = 90
MERGED = 1024
"""Images whose activations a sweep records together."""

SEEN = 10 * MERGED + MERGED // 2
"""Images that a sweep has recorded before the measurement, as in the middle of a sweep."""


def _noise(n: int, size_px: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    return tuple(rng.integers(0, 256, (n, size_px, size_px, 3), dtype=np.uint8))


IMAGES = _noise(8, 224)
"""Images of both ways, repeated; they are not decoded, so that only the networks are measured."""


class NoiseCrops:
    """A source of any number of images: crops of a noise image in memory."""

    sha256 = ""

    def __init__(self, n_images: int, size_px: int = 224) -> None:
        self._whole = Image.fromarray(_noise(1, 2 * size_px)[0])
        self._size_px, self._n_images = size_px, n_images

    def __len__(self) -> int:
        """Return the number of images."""
        return self._n_images

    def name(self, index: int) -> str:
        """Return an image's name."""
        return f"noise-{index}"

    def load(self, index: int) -> Image.Image:
        """Return an image."""
        # The first images all differ, because equal activations would not be sorted.
        y, x = divmod(7919 * index % self._size_px**2, self._size_px)
        return self._whole.crop((x, y, x + self._size_px, y + self._size_px))


@dataclass(frozen=True)
class Asked:
    """Network whose speed is asked for, and one of its layers."""

    network: str = "googlenet"
    layer: str = LAYER


def _untrained(
    device: torch.device, precision: Precision, px: int | None = None, name: str = "googlenet"
) -> Network:
    return load_network(name, "random", input_px=px, device=device, precision=precision)


def sweep_images(device: torch.device, precision: Precision, n_images: int, k: int) -> Work:
    """Prepare a sweep of all units; its work returns the number of operations of a pass."""
    network, source = _untrained(device, precision), NoiseCrops(n_images)
    layers = [layer.name for layer in network.layers]
    flops = counted_flops(lambda: network.activations(_blank(device), layers, "pre", "mean"))

    def work() -> float:
        shown = ImagesSettings(resize_px=224)
        sweep(network, source, layers, k, shown, ActivationSettings(), quiet=True)
        return flops

    return work


def sweep_files(
    device: torch.device, precision: Precision, folder: Path, k: int, asked: Asked
) -> Work:
    """Prepare a sweep of all units over a folder of files, decoded as by default."""
    network = _untrained(device, precision, name=asked.network)
    source, shown = open_source(folder), ImagesSettings()
    layers = [layer.name for layer in network.layers]

    def work() -> None:
        sweep(network, source, layers, k, shown, ActivationSettings(), quiet=True)

    return work


def sweep_end(device: torch.device, k: int) -> Work:
    """Prepare the end of a sweep, whose duration does not depend on the number of images."""
    network = _untrained(device, "fp32")
    units = tuple(unit.name for unit in network.units())
    tally = Tally(len(units), k, 1, device)
    tally.add(torch.randn(len(units), 4 * k, device=device), torch.arange(4 * k, device=device))
    tally.flush()

    def work() -> None:
        summary(tally, units)

    return work


def recording(device: torch.device, precision: Precision, n_images: int, k: int) -> Work:
    """Prepare to continue a sweep of all units that has recorded :data:`SEEN` images.

    Their activations are random: normal, with each unit's mean and standard deviation. The buffer
    is half full before and after, so that recording overlaps with passes as in the middle of a
    sweep.
    """
    network, source = _untrained(device, precision), NoiseCrops(n_images)
    layers, shown = [layer.name for layer in network.layers], ImagesSettings(resize_px=224)
    size = batch_on(device)

    def passed(n: int) -> Iterator[tuple[Batch, torch.Tensor]]:
        batches = read_batches(source, shown, size, range(-(-n // size)), quiet=True)
        return recorded(network, layers, ActivationSettings(), batches)

    some = torch.cat([values for _, values in passed(min(n_images, 128))])
    tally = Tally(some.shape[1], k, 1, device, wait=MERGED)
    generator = torch.Generator(device).manual_seed(0)
    for first in range(0, SEEN, MERGED // 2):
        drawn = torch.randn(len(some.T), MERGED // 2, device=device, generator=generator)
        values = some.mean(0)[:, None] + some.std(0)[:, None] * drawn
        tally.add(values, torch.arange(first, first + MERGED // 2, device=device))

    def work() -> None:
        for item, values in passed(n_images):
            tally.add(values.T, SEEN + torch.tensor(item.indices, device=device))

    return work


def bare_passes(device: torch.device, precision: Precision, n_images: int) -> Work:
    """Prepare to read a sweep's images and run the network on them, without recording."""
    network, source = _untrained(device, precision), NoiseCrops(n_images)
    size = batch_on(device)
    layers = [network.layers[-1].name]

    def work() -> None:
        def go(own: Network, item: Batch) -> None:
            # Up to the last layer, of which only the centre is read.
            own.activations(to_tensor(item.images, device), layers, "pre", "centre")

        shown, numbers = ImagesSettings(resize_px=224), range(-(-n_images // size))
        for _ in with_network(network, go, read_batches(source, shown, size, numbers, quiet=True)):
            pass

    return work


def sweep_memory(device: torch.device, n_images: int) -> Work:
    """Prepare a sweep of small images; its work returns the process's peak memory in bytes."""
    network, source = _untrained(device, "fp32", 64), NoiseCrops(n_images, 64)
    layers = [layer.name for layer in network.layers]

    def work() -> int | None:
        shown = ImagesSettings(resize_px=64, crop_px=64)
        sweep(network, source, layers, 200, shown, ActivationSettings(), quiet=True)
        if sys.platform == "win32":
            return None
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak

    return work


def render_units(
    device: torch.device, precision: Precision, steps: int, batch: tuple[int, int] | None = None
) -> Work:
    """Prepare to render units of a layer in batches; its work returns the number of images.

    Images have 224 px and are padded by 12 px; the network's input has 224 px, as in the usual way.
    ReLUs are redirected in one step of 32, as by default (16 of 512). There is no diversity term,
    as the usual way renders single images, except in a given batch, of a number of units and a
    number of images of each.
    """
    network = _untrained(device, precision)
    usual = (4 if device.type == "cpu" else 32), 4
    n_units, per_pole = batch or usual
    settings = SyntheticSettings(
        per_pole=per_pole,
        steps=steps,
        image_px=224,
        margin_px=0,
        pad_px=12,
        diversity_weight=0.2 if batch else 0.0,
        redirected_steps=steps // 32,
    )
    # Units of all branches in alternation, so that the whole layer is needed, as in the usual way.
    in_turn = zip(*(branch.channels for branch in network.layer(LAYER).branches), strict=False)
    units = [network.unit(LAYER, "", channel) for channels in in_turn for channel in channels]
    n_batches = torch.get_num_threads() if device.type == "cpu" else 1
    seeds = tuple(range(per_pole))
    batches = [
        [Goal(unit, "max", seeds) for unit in units[i * n_units : (i + 1) * n_units]]
        for i in range(n_batches)
    ]

    def work() -> int:
        def go(own: Network, goals: list[Goal]) -> int:
            return ascend(own, goals, settings, ActivationSettings())[:, :, 0, 0, 0].numel()

        return sum(with_network(network, go, batches))

    return work


@dataclass(frozen=True)
class Maps:
    """Result of an occlusion map.

    Parameters
    ----------
    n_positions
        Number of positions of the patch.
    error
        Largest difference from whole passes in fp32, relative to the largest activation.
    flops
        Number of operations per position on values that the patch can change.
    """

    n_positions: int
    error: float
    flops: float


@cache
def _places(n: int) -> tuple[Patch, ...]:
    places = offsets(224, PATCH_PX, 2)
    every = [Patch(x, y, PATCH_PX) for y in places for x in places]
    return tuple(every[:: len(every) // n][:n])


def occluded_images(n: int) -> tuple[np.ndarray, ...]:
    """Return an image with a patch at positions all over it."""
    edit = Occlusion(IMAGES[0])
    return tuple(apply(edit, patch) for patch in _places(n))


def occlusion_maps(device: torch.device, precision: Precision, stride_px: int) -> Work:
    """Prepare the occlusion map of a layer's first unit; its work returns :class:`Maps`."""
    network, edit = _untrained(device, precision), Occlusion(IMAGES[0])
    units, patches = network.units([LAYER])[:1], list(_places(32))
    forward = PatchForward(network, edit.base, units)
    inside = edit.inside(patches)
    flops = counted_flops(lambda: forward(patches, inside)) / len(patches)
    found = forward(patches, inside)[:, 0]
    exact = _untrained(device, "fp32")
    images = to_tensor(occluded_images(32), device)
    whole = exact.activations(images, [LAYER], "pre", "mean")[:, units[0].channel]
    whole = whole.cpu().numpy()
    error = float(np.abs(found - whole).max() / np.abs(whole).max())

    def work() -> Maps:
        maps, _ = activation_maps(network, edit, units, size_px=PATCH_PX, stride_px=stride_px)
        return Maps(maps[0].size, error, flops)

    return work


def maps_of_units(
    device: torch.device, precision: Precision, stride_px: int, n_units: int, asked: Asked
) -> Work:
    """Prepare occlusion maps of a layer's first units; its work returns the number of positions."""
    network, edit = _untrained(device, precision, name=asked.network), Occlusion(IMAGES[0])
    units = network.units([asked.layer])[:n_units]

    def work() -> int:
        maps, _ = activation_maps(network, edit, units, size_px=PATCH_PX, stride_px=stride_px)
        return maps[0].size

    return work


def _blank(device: torch.device) -> torch.Tensor:
    return torch.zeros(1, 3, 224, 224, device=device)
