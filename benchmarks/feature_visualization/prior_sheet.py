"""Each prior at three weights, as images and by what it is meant to change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.feature_visualization.contact_sheet import Tile
from benchmarks.feature_visualization.demo_units import DemoUnits, demo_settings
from benchmarks.feature_visualization.measured_units import Made
from stimgen.networks.preprocessing import to_tensor
from stimgen.studies.prior_settings import PatchColourSettings
from stimgen.visualization import priors

Statistic = Callable[[torch.Tensor], torch.Tensor]
"""Of images x 3 x height x width in 0..1, one value for each; a prior decreases it."""


def _patch_colour(images: torch.Tensor) -> torch.Tensor:
    return priors.patch_colour(images, PatchColourSettings(1.0))


def _fine_share(images: torch.Tensor) -> torch.Tensor:
    return priors.high_frequency(images) / images.std((1, 2, 3))


@dataclass(frozen=True)
class ShownPrior:
    """A prior, three values of its key, the middle one that of the guide, and what they decrease.

    Filters of the gradient are shown with images that are pixels, for with spectra Adam undoes
    them; the other priors with spectra.
    """

    name: str
    values: tuple[Any, Any, Any]
    statistic: Statistic
    of_pixels: bool = False


SHOWN = (
    ShownPrior("total_variation", (4.0, 16.0, 64.0), priors.total_variation),
    ShownPrior("high_frequency", (10.0, 40.0, 160.0), priors.high_frequency),
    ShownPrior("l2", (2.0, 8.0, 32.0), lambda images: priors.distance_from_grey(images, 2)),
    ShownPrior("l6", (4.0, 16.0, 64.0), lambda images: priors.distance_from_grey(images, 6)),
    ShownPrior("patch_colour", tuple({"weight": w} for w in (0.1, 0.5, 2.5)), _patch_colour),
    ShownPrior(
        "blur",
        tuple({"sd_px": sd, "every": 4} for sd in (0.5, 1.0, 2.0)),
        priors.total_variation,
    ),
    ShownPrior(
        "gradient_blur",
        tuple({"first_sd_px": 3 * sd, "last_sd_px": sd} for sd in (0.5, 1.0, 2.0)),
        priors.total_variation,
        of_pixels=True,
    ),
    ShownPrior("gradient_octaves", (2, 4, 6), _fine_share, of_pixels=True),
)
"""Every prior."""


def without_prior(of: DemoUnits, of_pixels: bool) -> Made:
    """Return an image of each unit (pole max) without any prior."""
    return _render(of, of_pixels, {})


def with_prior(shown: ShownPrior, of: DemoUnits) -> list[Made]:
    """Return an image of each unit (pole max) at each of the prior's three values."""
    return [_render(of, shown.of_pixels, {shown.name: value}) for value in shown.values]


def _render(of: DemoUnits, of_pixels: bool, given: dict[str, Any]) -> Made:
    base = {"method": "pixels", "start_sd": 0.1} if of_pixels else {}
    return of.render(demo_settings({**base, "priors": given}), 1, ("max",))


def statistics(shown: ShownPrior, made: list[Made]) -> list[float]:
    """Return the mean of the prior's statistic in each of some renderings."""
    return [
        float(shown.statistic(to_tensor([i for images in one.values() for i in images])).mean())
        for one in made
    ]


def sheet_row(shown: ShownPrior, made: list[Made]) -> Iterator[Tile]:
    """Yield a tile for the images without the prior, and at each value."""
    titles = ["pixels, no prior" if shown.of_pixels else "no prior"]
    for value in shown.values:
        told = ", ".join(map(str, value.values())) if isinstance(value, dict) else value
        titles.append(f"{shown.name}: {told}")
    for title, one in zip(titles, made, strict=True):
        yield Tile(title, [image for images in one.values() for image in images])
