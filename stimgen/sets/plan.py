"""What a build will do, how long it will take and how much it will write (``--dry-run``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from stimgen.sets.build import Build
from stimgen.sets.occlusion_maps import n_positions
from stimgen.sets.time_estimates import (
    first_crop,
    first_images,
    png_bytes,
    position_seconds,
    render_seconds,
    sweep_seconds,
)


@dataclass(frozen=True)
class Step:
    """One step of a build.

    Parameters
    ----------
    name, what
        Name of the step, and its items.
    n_passes
        Number of images that go through the network.
    seconds
        Estimated duration.
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
        Name and size of the finished set.
    steps
        Steps in order.
    n_files, n_bytes
        Number and total size of the set's files.
    device
        Device for which the durations are estimated.
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
            f"about {duration(total)} in total on {self.device} with its present load; "
            f"{self.n_files:,} files, {self.n_bytes / 1e6:,.0f} MB on disk; nothing is written yet"
        )


def duration(seconds: float) -> str:
    """Return a duration in readable units: ``40 s``, ``12 min``, ``5.5 h`` or ``3.2 days``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def plan_of(build: Build) -> Plan:
    """Estimate each step of a build by running a small part of it, without writing anything.

    Raises
    ------
    BadInput
        If the build could not start, for example because of unknown units or too few images.
    """
    settings = build.settings
    natural = settings.natural
    build.check()
    tried = first_images(build)
    n_units, n_poles = len(build.units), len(settings.poles)
    n_natural = n_units * n_poles * (natural.n_batches * natural.n_bins + 2 * natural.pair_batches)
    n_synthetic = sum(len(goal.seeds) for goal in build.goals)
    n_bases, n_maps = _n_occluded(build)
    n_images = n_natural + n_synthetic + 3 * n_bases + (n_maps - n_bases)
    image = first_crop(tried, settings)
    per_image = sweep_seconds(build, tried)
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
        seconds = render_seconds(build) * n_steps
        what = f"{n_synthetic:,} images, up to {n_steps:,} steps each, forward and backward"
        steps.append(Step("render", what, 2 * n_synthetic * n_steps, seconds))
    side = 0
    if settings.occlusion is not None:
        side = round(n_positions(image, settings.occlusion) ** 0.5)
        what = f"{n_maps:,} maps of {side} x {side} positions"
        seconds = position_seconds(build, image) * n_maps * side**2
        steps.append(Step("occlusion", what, n_maps * side**2, seconds))
    steps.append(Step("measure", f"{n_images:,} images", n_images, per_image * n_images))
    n_bytes = n_images * png_bytes(tried, settings) + n_maps * (side**2 * 4 + 1000)
    return Plan(
        str(build.folder),
        n_units,
        n_images,
        tuple(steps),
        n_images + n_maps + n_bases + (6 if n_maps else 5),
        n_bytes,
        _device(build),
    )


def _n_occluded(build: Build) -> tuple[int, int]:
    """Return the number of base images and of maps."""
    wanted = build.settings.occlusion
    if wanted is None:
        return 0, 0
    n_batches = build.settings.natural.n_batches
    n_all = min(n_batches, wanted.batches or n_batches)
    n_bases = sum(len(build.chosen.batches.get(unit, range(n_all))) for unit in build.units)
    return n_bases, n_bases * (build.settings.natural.n_bins if wanted.blur else 1)


def _device(build: Build) -> str:
    if build.network.device.type == "cpu":
        return f"cpu with {torch.get_num_threads()} threads"
    return str(build.network.device)
