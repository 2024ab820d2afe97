"""Estimates of the duration of each step of a build, by running a small part of it."""

from __future__ import annotations

import dataclasses
import io
import time
from typing import Any

import numpy as np
import torch
from PIL import Image

from stimgen.networks.network import Network
from stimgen.occlusion.activation_maps import activation_maps
from stimgen.occlusion.patches import Occlusion
from stimgen.sets.build import Build
from stimgen.sets.occlusion_maps import FEW_POSITIONS, n_positions
from stimgen.studies.build_settings import BuildSettings
from stimgen.sweeps.image_sources import ImageSource
from stimgen.sweeps.photographs import crop
from stimgen.sweeps.sweep import sweep
from stimgen.sweeps.workers import with_network
from stimgen.visualization.ascend import ascend
from stimgen.visualization.goals import Goal
from stimgen.visualization.render import images_together

_N_TRIED, _N_TRIED_CUDA = 32, 512
_STEPS_TRIED = 2
_POSITIONS_TRIED = 64


class FirstImages:
    """The first images of a source."""

    def __init__(self, source: ImageSource, n: int) -> None:
        self.source, self.n = source, min(n, len(source))

    def __len__(self) -> int:
        return self.n

    def name(self, index: int) -> str:
        return self.source.name(index)

    def load(self, index: int) -> Image.Image:
        return self.source.load(index)

    @property
    def encoded(self) -> Any:
        return getattr(self.source, "encoded", None)

    @property
    def sha256(self) -> str:
        return self.source.sha256

    @property
    def times(self) -> str:
        return self.source.times


def first_images(build: Build) -> FirstImages:
    """Return the images of a build for the estimates."""
    n = _N_TRIED if build.network.device.type == "cpu" else _N_TRIED_CUDA
    return FirstImages(build.source, n)


def first_crop(source: ImageSource, settings: BuildSettings) -> np.ndarray:
    """Return the crop of the first image that can be read, black if none can; (side, side, 3)."""
    for index in range(len(source)):
        try:
            image = source.load(index)
        except Exception:  # the sweep lists those that cannot be read
            continue
        return np.asarray(crop(image, settings.images.resize_px, settings.images.crop_px))
    side = settings.images.crop_px
    return np.zeros((side, side, 3), dtype=np.uint8)


def png_bytes(source: ImageSource, settings: BuildSettings) -> int:
    """Return the size of an image of the set on disk, in bytes."""
    file = io.BytesIO()
    Image.fromarray(first_crop(source, settings)).save(file, format="PNG", compress_level=3)
    return len(file.getvalue())


def sweep_seconds(build: Build, source: FirstImages) -> float:
    """Return the seconds that the sweep takes for an image."""
    settings = build.settings
    spent = []
    for _ in range(2):  # the first pass warms up
        start = time.perf_counter()
        sweep(
            build.network, source, build.layers, 1, settings.images, settings.activation, quiet=True
        )
        spent.append(time.perf_counter() - start)
    return min(spent) / len(source)


def render_seconds(build: Build) -> float:
    """Return the seconds that a step takes for all goals."""
    wanted = build.settings.synthetic
    few = dataclasses.replace(
        wanted, steps=_STEPS_TRIED, stop=None, search=None, method="fourier", redirected_steps=0
    )
    main = [goal for goal in build.goals if goal.batch is None]
    together = wanted.batch or images_together(
        build.network.device, sum(len(goal.seeds) for goal in build.goals)
    )
    goals = main[: max(1, together // wanted.per_pole)]

    def work(own: Network, batch: list[Goal]) -> float:
        start = time.perf_counter()
        ascend(own, batch, few, build.settings.activation)
        return (time.perf_counter() - start) / _STEPS_TRIED

    (per_step,) = with_network(build.network, work, [goals])
    workers = torch.get_num_threads() if build.network.device.type == "cpu" else 1
    n_all, n_tried = (sum(len(goal.seeds) for goal in some) for some in (build.goals, goals))
    return per_step * n_all / n_tried / workers


def position_seconds(build: Build, image: np.ndarray) -> float:
    """Return the seconds that a map takes for a position."""
    wanted = build.settings.occlusion
    assert wanted is not None
    n_wanted = n_positions(image, wanted)
    # All positions, or a coarser grid of them.
    side = max(1, int(min(n_wanted, _POSITIONS_TRIED) ** 0.5))
    stride = max(wanted.stride_px, (image.shape[0] - wanted.size_px) // side)
    start = time.perf_counter()
    maps, _ = activation_maps(
        build.network,
        Occlusion(image),
        [build.units[-1]],
        build.settings.activation,
        size_px=wanted.size_px,
        stride_px=stride,
        incremental=n_wanted > FEW_POSITIONS,
    )
    return (time.perf_counter() - start) / maps.size
