"""Settings of a build: what a settings file may say, and the defaults."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from conditions.errors import BadInput, nearest
from conditions.settings import read_settings

FOLDER = Path(__file__).parent


def _at_least(low: float, **values: float) -> None:
    for name, value in values.items():
        if value < low:
            raise ValueError(f"{name} is {value}, expected at least {low:g}")


@dataclass(frozen=True)
class NetworkSettings:
    """Network and its weights.

    Parameters
    ----------
    name
        Name in the network registry.
    weights
        ``DEFAULT`` or another published name, ``random``, or the path of a checkpoint.
    seed
        Seed of random weights.
    input_px
        Side of the image that the network sees; the network's own if None.
    """

    name: str
    weights: str = "DEFAULT"
    seed: int = 0
    input_px: int | None = None

    def __post_init__(self) -> None:
        if self.input_px is not None:
            _at_least(32, input_px=self.input_px)


@dataclass(frozen=True)
class ImagesSettings:
    """Images from which the natural stimuli are taken.

    Parameters
    ----------
    source
        ``folder`` (given on the command line) or ``demo`` (drawn on the fly).
    n, seed
        How many demo images are drawn, and from which seed.
    resize_px, crop_px
        The short side is brought to ``resize_px``, then a central square of ``crop_px`` is cut.
    """

    source: Literal["folder", "demo"] = "folder"
    n: int = 4000
    seed: int = 0
    resize_px: int = 256
    crop_px: int = 224

    def __post_init__(self) -> None:
        _at_least(1, n=self.n, crop_px=self.crop_px)
        _at_least(self.crop_px, resize_px=self.resize_px)


@dataclass(frozen=True)
class SampleSettings:
    """Rule by which units are drawn: a layer's branch first, then a channel, all alike likely.

    Parameters
    ----------
    n
        Number of units.
    layers
        Layers to draw from; all if empty.
    exclude
        Names of units never to draw, such as ``inception4a-3x3-0245``.
    """

    n: int
    layers: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _at_least(1, n=self.n)


@dataclass(frozen=True)
class UnitsSettings:
    """Units of the set: a table, or a rule to draw them by.

    Parameters
    ----------
    table
        CSV file with the columns ``layer``, ``branch`` and ``channel``, relative to the
        settings file; other columns are left alone.
    sample
        Rule, instead of a table.
    """

    table: str | None = None
    sample: SampleSettings | None = None

    def __post_init__(self) -> None:
        if (self.table is None) == (self.sample is None):
            raise ValueError("expected either 'table' or 'sample'")


@dataclass(frozen=True)
class ActivationSettings:
    """What one number a unit's activation is.

    Parameters
    ----------
    side
        Before (``pre``) or after (``post``) the layer's nonlinearity.
    reduction
        ``mean`` or ``max`` over the map, or its ``centre``.
    """

    side: Literal["pre", "post"] = "pre"
    reduction: Literal["mean", "max", "centre"] = "mean"


@dataclass(frozen=True)
class NaturalSettings:
    """How many natural images a unit gets at each pole: ``n_batches`` times ``n_bins``."""

    n_batches: int = 20
    n_bins: int = 10

    def __post_init__(self) -> None:
        _at_least(1, n_batches=self.n_batches, n_bins=self.n_bins)


@dataclass(frozen=True)
class SyntheticSettings:
    """Feature visualizations.

    Parameters
    ----------
    per_pole
        Images a unit gets at each pole; 0 makes none.
    steps, learning_rate
        Length of the optimisation and Adam's learning rate.
    image_px, margin_px
        Side of the optimised image, and what is cut from each side of it at the end. What
        remains is brought to ``crop_px`` of the images if it differs.
    start_sd, decay
        Spread of the starting spectrum, and power of the frequency by which it is damped.
    jitter_px
        Largest shift before and after scaling and rotating.
    scales
        Scales drawn from.
    rotate_deg
        Largest rotation to either side, in whole degrees.
    activation_unit
        Whether activation counts in standard deviations over the natural images (``sd``), which
        makes the weights below comparable between units, or as it is (``raw``).
    diversity_weight, total_variation_weight
        Weights of what is subtracted from the mean activation of a unit's images.
    redirected_steps
        First steps in which gradients may pass a ReLU that lets none through.
    batch
        Most images optimised together; the images of one unit and pole are never parted.
    """

    per_pole: int = 9
    steps: int = 512
    learning_rate: float = 0.05
    image_px: int = 256
    margin_px: int = 16
    start_sd: float = 0.01
    decay: float = 1.0
    jitter_px: tuple[int, int] = (16, 8)
    scales: tuple[float, ...] = (1.0, 0.975, 1.025, 0.95, 1.05)
    rotate_deg: int = 5
    activation_unit: Literal["sd", "raw"] = "sd"
    diversity_weight: float = 0.2
    total_variation_weight: float = 0.0
    redirected_steps: int = 16
    batch: int = 36

    def __post_init__(self) -> None:
        _at_least(0, per_pole=self.per_pole, margin_px=self.margin_px, start_sd=self.start_sd)
        _at_least(0, rotate_deg=self.rotate_deg, redirected_steps=self.redirected_steps)
        _at_least(0, **{f"jitter_px[{i}]": value for i, value in enumerate(self.jitter_px)})
        _at_least(1, steps=self.steps, batch=self.batch)
        _at_least(32 + 2 * self.margin_px + sum(self.jitter_px), image_px=self.image_px)
        if self.learning_rate <= 0 or not self.scales or min(self.scales) <= 0:
            raise ValueError("learning_rate and scales must be above 0")

    @property
    def kept_px(self) -> int:
        """Side of the image once its margin is cut."""
        return self.image_px - 2 * self.margin_px


@dataclass(frozen=True)
class OcclusionSettings:
    """Occluded queries, and where their patches are put (Zimmermann et al., 2021).

    Parameters
    ----------
    size_px
        Side of the patch: 90, or 66 or 112, which are 40, 30 and 50 % of a picture of 224 px.
    stride_px
        Step from one position to the next.
    max_overlap
        Largest share of its area that a query's patch may have in common with the other's.
    min_effect
        Least relative activation difference that a base image must allow; None asks for none.
    blur_kernel_px, blur_sigma_px
        Gaussian of the blurred references.
    batches
        How many batches of natural images get occlusion stimuli, from batch 0; all if None.
    blur
        Whether the blurred references are made too: as many more maps as a batch has references.
    saliency
        ``spectral_residual``, a folder of maps, or a function ``package.module:function``.
    objects
        CSV file of boxes around primary objects, relative to the settings file.
    """

    size_px: int = 90
    stride_px: int = 2
    max_overlap: float = 1.0
    min_effect: float | None = None
    blur_kernel_px: int = 21
    blur_sigma_px: float = 3.5
    batches: int | None = None
    blur: bool = False
    saliency: str = "spectral_residual"
    objects: str | None = None

    def __post_init__(self) -> None:
        _at_least(1, size_px=self.size_px, stride_px=self.stride_px)
        if self.batches is not None:
            _at_least(1, batches=self.batches)
        if not 0 <= self.max_overlap <= 1:
            raise ValueError(f"max_overlap is {self.max_overlap}, expected 0 to 1")
        if self.blur_kernel_px < 1 or self.blur_kernel_px % 2 == 0:
            raise ValueError(f"blur_kernel_px is {self.blur_kernel_px}, expected an odd number")
        if not self.blur_sigma_px > 0:
            raise ValueError(f"blur_sigma_px is {self.blur_sigma_px}, expected more than 0")


@dataclass(frozen=True)
class BuildSettings:
    """Everything that decides what a stimulus set looks like.

    Parameters
    ----------
    name
        Name of the set, which its folder gets.
    network, images, units, activation, natural, synthetic
        See the classes of these names.
    seed
        Seed of the drawn units, of the shuffles and of the feature visualizations.
    """

    name: str
    network: NetworkSettings
    units: UnitsSettings
    images: ImagesSettings = field(default_factory=ImagesSettings)
    activation: ActivationSettings = field(default_factory=ActivationSettings)
    natural: NaturalSettings = field(default_factory=NaturalSettings)
    synthetic: SyntheticSettings = field(default_factory=SyntheticSettings)
    seed: int = 0

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", self.name):
            raise ValueError(
                f"name is {self.name!r}, expected letters, digits, '-' and '_' (it names a folder)"
            )


def shipped() -> list[str]:
    """Return the names of the settings files that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def find_settings(name_or_path: str) -> Path:
    """Return the settings file of that path or, among the shipped ones, of that name.

    Raises
    ------
    BadInput
        If there is neither, with the nearest shipped name.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    if name_or_path in shipped():
        return FOLDER / f"{name_or_path}.yaml"
    raise BadInput(
        f"{name_or_path}: no such settings file, and none of the shipped ones "
        f"({', '.join(shipped())}){nearest(name_or_path, shipped())}"
    )


def read(name_or_path: str) -> BuildSettings:
    """Read the settings of a build; see :func:`find_settings`."""
    return read_settings(find_settings(name_or_path), BuildSettings)
