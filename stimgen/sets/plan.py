"""What a build will do and how long it will take, by trying a little of each step."""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from stimgen.networks.network import Network
from stimgen.occlusion.activation_maps import activation_maps
from stimgen.occlusion.occlusion_maps import FEW_POSITIONS, n_positions
from stimgen.occlusion.patches import Occlusion
from stimgen.settings import BuildSettings
from stimgen.sweeps.images import ImageSource, crop
from stimgen.sweeps.sweep import sweep
from stimgen.sweeps.workers import with_network
from stimgen.visualization.ascend import Goal, ascend

if TYPE_CHECKING:
    from stimgen.sets.build import Build

_N_TRIED, _N_TRIED_CUDA = 32, 512
_STEPS_TRIED = 2
_POSITIONS_TRIED = 64


@dataclass(frozen=True)
class Step:
    """One step of a build.

    Parameters
    ----------
    name, what
        Of the step, and what it works on.
    n_passes
        Images that go through the network.
    seconds
        It will take about so long.
    """

    name: str
    what: str
    n_passes: int
    seconds: float


@dataclass(frozen=True)
class Plan:
    """Everything that a build will do.

    Parameters
    ----------
    name, n_units, n_images
        Of the finished set.
    steps
        In order.
    n_files, n_bytes
        Of the finished set.
    device
        For which the seconds hold.
    """

    name: str
    n_units: int
    n_images: int
    steps: tuple[Step, ...]
    n_files: int
    n_bytes: int
    device: str

    def lines(self) -> Iterator[str]:
        """Yield the plan as text."""
        units = "unit" if self.n_units == 1 else "units"
        yield f"{self.name} will hold {self.n_images:,} images of {self.n_units} {units}"
        width = max(len(step.what) for step in self.steps)
        for step in self.steps:
            yield (
                f"  {step.name:<10} {step.what:<{width}}  {step.n_passes:>13,} passes  "
                f"about {duration(step.seconds)}"
            )
        total = sum(step.seconds for step in self.steps)
        yield (
            f"about {duration(total)} in all on {self.device}, as it is busy now; "
            f"{self.n_files:,} files, {self.n_bytes / 1e6:,.0f} MB on disk; nothing is written yet"
        )


def duration(seconds: float) -> str:
    """Return a time as people say it: ``40 s``, ``12 min``, ``5.5 h`` or ``3.2 days``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def plan_of(build: Build) -> Plan:
    """Try a little of each step of a build, writing nothing.

    Raises
    ------
    BadInput
        If the build could not begin: units that are not there, too few images, and so on.
    """
    settings = build.settings
    natural = settings.natural
    build.check()
    tried = _First(build.source, _N_TRIED if build.network.device.type == "cpu" else _N_TRIED_CUDA)
    n_units, n_poles = len(build.units), len(settings.poles)
    n_natural = n_units * n_poles * (natural.n_batches * natural.n_bins + 2 * natural.pair_batches)
    n_synthetic = sum(len(goal.seeds) for goal in build.goals)
    n_bases, n_maps = _n_occluded(build)
    n_images = n_natural + n_synthetic + 3 * n_bases + (n_maps - n_bases)
    picture = _picture(tried, settings)
    per_image = _sweep_seconds(build, tried)
    steps = [
        Step(
            "sweep",
            f"{len(build.source):,} images",
            len(build.source),
            per_image * len(tried.source),
        )
    ]
    if n_synthetic:
        n_steps = settings.synthetic.longest
        seconds = _render_seconds(build) * n_steps
        what = f"{n_synthetic:,} images, up to {n_steps:,} steps each, there and back"
        steps.append(Step("render", what, 2 * n_synthetic * n_steps, seconds))
    side = 0
    if settings.occlusion is not None:
        side = round(n_positions(picture, settings.occlusion) ** 0.5)
        what = f"{n_maps:,} maps of {side} x {side} positions"
        seconds = _position_seconds(build, picture) * n_maps * side**2
        steps.append(Step("occlusion", what, n_maps * side**2, seconds))
    steps.append(Step("measure", f"{n_images:,} images", n_images, per_image * n_images))
    n_bytes = n_images * _png_bytes(tried, settings) + n_maps * (side**2 * 4 + 1000)
    return Plan(
        str(build.folder),
        n_units,
        n_images,
        tuple(steps),
        n_images + n_maps + n_bases + (5 if n_maps else 4),
        n_bytes,
        _device(build),
    )


class _First:
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


def _n_occluded(build: Build) -> tuple[int, int]:
    """Return the number of base images and of maps."""
    wanted = build.settings.occlusion
    if wanted is None:
        return 0, 0
    n_batches = build.settings.natural.n_batches
    n_all = min(n_batches, wanted.batches or n_batches)
    n_bases = sum(len(build.chosen.batches.get(unit, range(n_all))) for unit in build.units)
    return n_bases, n_bases * (build.settings.natural.n_bins if wanted.blur else 1)


def _picture(source: ImageSource, settings: BuildSettings) -> np.ndarray:
    for index in range(len(source)):
        try:
            image = source.load(index)
        except Exception:  # the sweep names those that cannot be read
            continue
        return np.asarray(crop(image, settings.images.resize_px, settings.images.crop_px))
    side = settings.images.crop_px
    return np.zeros((side, side, 3), dtype=np.uint8)


def _png_bytes(source: ImageSource, settings: BuildSettings) -> int:
    file = io.BytesIO()
    Image.fromarray(_picture(source, settings)).save(file, format="PNG", compress_level=3)
    return len(file.getvalue())


def _sweep_seconds(build: Build, source: _First) -> float:
    """Return the seconds an image takes."""
    settings = build.settings
    spent = []
    for _ in range(2):  # the first pass warms up
        start = time.perf_counter()
        sweep(
            build.network, source, build.layers, 1, settings.images, settings.activation, quiet=True
        )
        spent.append(time.perf_counter() - start)
    return min(spent) / len(source)


def _render_seconds(build: Build) -> float:
    """Return the seconds that a step of all goals takes."""
    wanted = build.settings.synthetic
    few = dataclasses.replace(
        wanted, steps=_STEPS_TRIED, stop=None, search=None, method="fourier", redirected_steps=0
    )
    activation, shown_px = build.settings.activation, build.settings.images.crop_px
    goals = build.goals[: max(1, wanted.batch // wanted.per_pole)]

    def work(own: Network, batch: list[Goal]) -> float:
        start = time.perf_counter()
        ascend(own, batch, few, activation, shown_px)
        return (time.perf_counter() - start) / _STEPS_TRIED

    (per_step,) = with_network(build.network, work, [goals])
    workers = torch.get_num_threads() if build.network.device.type == "cpu" else 1
    return per_step * len(build.goals) / len(goals) / workers


def _position_seconds(build: Build, picture: np.ndarray) -> float:
    """Return the seconds that a position of a map takes."""
    wanted = build.settings.occlusion
    assert wanted is not None
    n_wanted = n_positions(picture, wanted)
    # As many positions as were asked for, or a coarser grid of some of them.
    side = max(1, int(min(n_wanted, _POSITIONS_TRIED) ** 0.5))
    stride = max(wanted.stride_px, (picture.shape[0] - wanted.size_px) // side)
    start = time.perf_counter()
    maps, _ = activation_maps(
        build.network,
        Occlusion(picture),
        [build.units[-1]],
        build.settings.activation,
        size_px=wanted.size_px,
        stride_px=stride,
        incremental=n_wanted > FEW_POSITIONS,
    )
    return (time.perf_counter() - start) / maps.size


def _device(build: Build) -> str:
    if build.network.device.type == "cpu":
        return f"cpu with {torch.get_num_threads()} threads"
    return str(build.network.device)
