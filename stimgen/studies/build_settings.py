"""Settings of a build: the keys of a settings file with their defaults, and the shipped files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from stimgen.studies.natural_settings import NaturalSettings
from stimgen.studies.occlusion_settings import OcclusionSettings
from stimgen.studies.synthetic_settings import SyntheticSettings
from unitscope.bounds import at_least, between
from unitscope.errors import BadInput, nearest
from unitscope.settings import build, read_yaml
from unitscope.vocabulary import POLES, Pole

FOLDER = Path(__file__).parent
PRESETS = FOLDER / "presets"


@dataclass(frozen=True)
class NetworkSettings:
    """Network and its weights.

    Parameters
    ----------
    name
        Name in the network registry, or ``package.module:function``, which makes the network.
    weights
        ``DEFAULT`` or another published name, ``random``, or the path of a checkpoint.
    seed
        Seed of random weights.
    input_px
        Side of the image that the network sees; the network's own if None.
    precision
        ``fp32``, or ``bf16``, which is faster on processors with bf16 instructions and rounds
        each activation to 2 or 3 digits.
    mean, sd
        Normalisation of red, green and blue in 0..1; the network's own if None.
    layers
        Layers of the network; all that are found if empty.
    """

    name: str
    weights: str = "DEFAULT"
    seed: int = 0
    input_px: int | None = None
    precision: Literal["fp32", "bf16"] = "fp32"
    mean: tuple[float, float, float] | None = None
    sd: tuple[float, float, float] | None = None
    layers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        at_least(32, input_px=self.input_px)


@dataclass(frozen=True)
class ImagesSettings:
    """Images from which the natural stimuli are chosen.

    Parameters
    ----------
    source
        ``folder`` (given on the command line) or ``demo`` (rendered by the package).
    n, seed
        Number and seed of the demo images.
    resize_px, crop_px
        The short side is resized to ``resize_px``, then a central square of ``crop_px`` is cropped.
    decode
        ``cpu``, or ``cuda``: plain JPEG photographs are decoded, resized and cropped on the
        network's device. Their pixels then differ by a few levels. ``auto`` is ``cuda`` where that
        is possible.
    decode_processes
        Number of processes that decode photographs on the CPU; threads decode if 0. If None, chosen
        by the numbers of CPU cores and of images. Their pixels are the same.
    """

    source: Literal["folder", "demo"] = "folder"
    n: int = 4000
    seed: int = 0
    resize_px: int = 256
    crop_px: int = 224
    decode: Literal["auto", "cpu", "cuda"] = "auto"
    decode_processes: int | None = None

    def __post_init__(self) -> None:
        at_least(1, n=self.n, crop_px=self.crop_px)
        at_least(0, seed=self.seed)
        between(0, 512, decode_processes=self.decode_processes)
        at_least(self.crop_px, resize_px=self.resize_px)
        if self.decode == "cuda" and self.source == "demo":
            raise ValueError(
                "decode is cuda, but demo images are rendered, not decoded; remove decode"
            )


@dataclass(frozen=True)
class SampleSettings:
    """Rule for sampling units: uniformly a branch of a layer, then uniformly a channel in it.

    Parameters
    ----------
    n
        Number of units.
    layers
        Layers to sample from; all if empty.
    exclude
        Names of units that are never sampled, such as ``inception4a-3x3-0245``.
    """

    n: int
    layers: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        at_least(1, n=self.n)


@dataclass(frozen=True)
class UnitsSettings:
    """Units of the set: a table, or a rule for sampling them.

    Parameters
    ----------
    table
        CSV file with the columns ``layer``, ``branch`` and ``channel``, relative to the
        settings file; other columns are ignored.
    sample
        Rule instead of a table, or a list of rules, applied one after the other.
    """

    table: str | None = None
    sample: SampleSettings | tuple[SampleSettings, ...] | None = None

    def __post_init__(self) -> None:
        if (self.table is None) == (self.sample is None):
            raise ValueError("expected either 'table' or 'sample'")


@dataclass(frozen=True)
class ActivationSettings:
    """How a unit's activation is read from its activation map.

    Parameters
    ----------
    side
        Before (``pre``) or after (``post``) the layer's nonlinearity.
    reduction
        ``mean`` or ``max`` over the map, or the value at its ``centre``.
    """

    side: Literal["pre", "post"] = "pre"
    reduction: Literal["mean", "max", "centre"] = "mean"


@dataclass(frozen=True)
class BuildSettings:
    """Everything that determines a stimulus set.

    Parameters
    ----------
    name
        Name of the set and of its folder.
    network, images, units, activation, natural, synthetic
        See the classes of these names.
    occlusion
        Occlusion stimuli, made from each batch's most activating image; none if None.
    poles
        Poles of the natural and synthetic images: ``[min, max]``, or only one.
    seed
        Seed of the sampled units, the shuffles and the feature visualizations.
    """

    name: str
    network: NetworkSettings
    units: UnitsSettings
    images: ImagesSettings = field(default_factory=ImagesSettings)
    activation: ActivationSettings = field(default_factory=ActivationSettings)
    natural: NaturalSettings = field(default_factory=NaturalSettings)
    synthetic: SyntheticSettings = field(default_factory=SyntheticSettings)
    occlusion: OcclusionSettings | None = None
    poles: tuple[Pole, ...] = POLES
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
                    "occlusion needs the most activating images: pole max, and no natural.queries"
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
    """Return the settings file with that path or, among the shipped ones, with that name.

    Raises
    ------
    BadInput
        If there is neither, naming the nearest shipped name.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    if name_or_path in shipped():
        return FOLDER / f"{name_or_path}.yaml"
    raise BadInput(
        f"{name_or_path}: no such settings file, and no shipped one of that name "
        f"({', '.join(shipped())}){nearest(name_or_path, shipped())}"
    )


def read(name_or_path: str) -> BuildSettings:
    """Read the settings of a build; see :func:`find_settings`.

    Under ``synthetic`` a preset may be named; see :func:`with_preset`.
    """
    path = find_settings(name_or_path)
    data = read_yaml(path)
    if isinstance(data.get("synthetic"), dict):
        data["synthetic"] = with_preset(data["synthetic"], str(path))
    return build(BuildSettings, data, str(path))


def presets() -> list[str]:
    """Return the names of all presets."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def with_preset(synthetic: dict[str, Any], where: str) -> dict[str, Any]:
    """Return settings filled up from the preset that they name with the key ``preset``.

    Parameters
    ----------
    synthetic
        Keys and values of ``SyntheticSettings``; each key given here replaces the preset's.
    where
        The settings file, for the error message.

    Raises
    ------
    BadInput
        If there is no such preset, naming the nearest one.
    """
    own = dict(synthetic)
    name = own.pop("preset", None)
    if name is None:
        return own
    if name not in presets():
        raise BadInput(
            f"{where}: 'synthetic.preset' is {name!r}, expected one of {', '.join(presets())}"
            f"{nearest(str(name), presets())}"
        )
    return {**read_yaml(PRESETS / f"{name}.yaml"), **own}
