"""Settings of a build: what a settings file may say, and the defaults."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from conditions.errors import BadInput, nearest
from conditions.settings import build, read_yaml
from conditions.vocabulary import POLES
from stimgen.bounds import at_least
from stimgen.presets import with_preset
from stimgen.visualization.synthetic_settings import SyntheticSettings

FOLDER = Path(__file__).parent


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
    precision
        ``fp32``, or ``bf16``, which is faster where the processor knows it and rounds each
        activation to 2 or 3 digits.
    """

    name: str
    weights: str = "DEFAULT"
    seed: int = 0
    input_px: int | None = None
    precision: Literal["fp32", "bf16"] = "fp32"

    def __post_init__(self) -> None:
        if self.input_px is not None:
            at_least(32, input_px=self.input_px)


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
        at_least(1, n=self.n, crop_px=self.crop_px)
        at_least(self.crop_px, resize_px=self.resize_px)


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
        at_least(1, n=self.n)


@dataclass(frozen=True)
class UnitsSettings:
    """Units of the set: a table, or a rule to draw them by.

    Parameters
    ----------
    table
        CSV file with the columns ``layer``, ``branch`` and ``channel``, relative to the
        settings file; other columns are left alone.
    sample
        Rule instead of a table, or a list of rules, one after the other.
    """

    table: str | None = None
    sample: SampleSettings | tuple[SampleSettings, ...] | None = None

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
class QuerySettings:
    """Queries that are no extremes, and so harder (Zimmermann, Klein & Brendel, 2023).

    Parameters
    ----------
    percentile
        Of the max query among all images by their activation, above 50; the min query's is 100
        less it.
    window
        Number of images around that percentile from which the batches' queries are drawn; as
        many as there are batches if None.
    """

    percentile: float
    window: int | None = None

    def __post_init__(self) -> None:
        if not 50 < self.percentile <= 100:
            raise ValueError(f"percentile is {self.percentile:g}, expected more than 50, up to 100")


@dataclass(frozen=True)
class NaturalSettings:
    """Natural images of a unit: ``n_batches`` times ``n_bins`` at each pole.

    Parameters
    ----------
    n_batches, n_bins
        A pole's strongest images are cut into ``n_bins`` rank bins; each of ``n_batches`` batches
        gets one image of each.
    shuffle_top_bin
        Whether the bin of the very strongest images is shuffled as the others are. If not, batch
        b of n has the (n - b)-th best image as its last.
    pair_batches
        Further batches with one query and one reference a pole, from the strongest images of all
        as if there were but two bins; they are numbered after the others.
    queries
        If given, queries are drawn around a percentile, and only references are extremes.
    """

    n_batches: int = 20
    n_bins: int = 10
    shuffle_top_bin: bool = True
    pair_batches: int = 0
    queries: QuerySettings | None = None

    def __post_init__(self) -> None:
        at_least(1, n_batches=self.n_batches, n_bins=self.n_bins)
        at_least(0, pair_batches=self.pair_batches)
        if self.queries is not None:
            at_least(2, n_bins=self.n_bins)
            at_least(self.n_batches, **{"queries.window": self.n_queries_from})

    @property
    def n_dealt(self) -> int:
        """Images of a batch and pole that are among the extremes."""
        return self.n_bins - (self.queries is not None)

    @property
    def n_extremes(self) -> int:
        """Extreme images that are needed at each pole."""
        return max(self.n_batches * self.n_dealt, 2 * self.pair_batches)

    @property
    def n_queries_from(self) -> int:
        """Images from which the queries of a percentile are drawn."""
        window = self.queries.window if self.queries else None
        return self.n_batches if window is None else window


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
        at_least(1, size_px=self.size_px, stride_px=self.stride_px)
        if self.batches is not None:
            at_least(1, batches=self.batches)
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
    occlusion
        Occlusion stimuli, made from the batches' strongest images; none if left out.
    poles
        Poles of the natural and synthetic images: ``[min, max]``, or only one.
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
    occlusion: OcclusionSettings | None = None
    poles: tuple[Literal["min", "max"], ...] = ("min", "max")
    seed: int = 0

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", self.name):
            raise ValueError(
                f"name is {self.name!r}, expected letters, digits, '-' and '_' (it names a folder)"
            )
        if not self.poles or self.poles != tuple(p for p in POLES if p in self.poles):
            raise ValueError(f"poles are {list(self.poles)}, expected [min, max], [min] or [max]")
        if self.occlusion is not None:
            if "max" not in self.poles or self.natural.queries is not None:
                raise ValueError(
                    "occlusion needs the strongest images: pole max, and no natural.queries"
                )
            if self.occlusion.size_px > self.images.crop_px:
                raise ValueError(
                    f"occlusion.size_px is {self.occlusion.size_px}, but images have "
                    f"{self.images.crop_px} px (images.crop_px)"
                )
            if (self.occlusion.batches or 0) > self.natural.n_batches:
                raise ValueError(
                    f"occlusion.batches is {self.occlusion.batches}, but there are "
                    f"{self.natural.n_batches} (natural.n_batches)"
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
    """Read the settings of a build; see :func:`find_settings`.

    Under ``synthetic`` a preset may be named; see :func:`stimgen.presets.with_preset`.
    """
    path = find_settings(name_or_path)
    data = read_yaml(path)
    if isinstance(data.get("synthetic"), dict):
        data["synthetic"] = with_preset(data["synthetic"], str(path))
    return build(BuildSettings, data, str(path))
