"""How well images tell which unit they are of, by observers that know nothing of the network."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from math import comb
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

from benchmarks.feature_visualization.measured_units import Images, Made, MeasuredUnits
from experiments.runner.similarity import image_features
from stimgen.networks.network import Network
from stimgen.networks.preprocessing import resize, to_tensor
from stimgen.networks.registry import load_network
from unitscope.vocabulary import POLES, Unit

Key = tuple[Unit, str]
"""A unit and a pole."""

_SIGNS = {"max": 1, "min": -1}
_RESAMPLES = 10_000
_IMAGES_AT_ONCE = 50


@dataclass(frozen=True)
class Naming:
    """What feature visualizations tell an observer of each unit: one value a unit.

    Parameters
    ----------
    two_afc
        Proportion correct in trials that show the synthetic images of both poles as references and
        ask which of two natural images, one of each extreme, activates the unit more; over all
        pairs of the natural images.
    naming
        Proportion of the other units whose natural images resemble the unit's synthetic images
        less than its own do, mean of both poles; chance is .5.
    of_ten
        Probability that, of ten units, its own natural images resemble them most; chance is .1.
    """

    two_afc: np.ndarray
    naming: np.ndarray
    of_ten: np.ndarray


@dataclass(frozen=True)
class Looks:
    """How synthetic images look, and whether they do what they are for.

    Parameters
    ----------
    beyond
        Proportion of images that activate their unit further than every natural image.
    saturated
        Proportion of values within 2 % of black or white.
    variation
        Mean difference of neighbouring pixels, down and to the right.
    """

    beyond: float
    saturated: float
    variation: float


@dataclass(frozen=True)
class Observer:
    """Compares images by the cosine of their features.

    Parameters
    ----------
    of
        The units whose natural images it knows.
    features
        Describes images: images x features.
    centred
        Whether features are taken relative to their means over the natural images.
    """

    of: MeasuredUnits
    features: Callable[[Images], np.ndarray]
    centred: bool = False

    def directions(self, images: Images) -> np.ndarray:
        """Return images' features, scaled to unit length."""
        return _unit_length(self.features(images) - self._usual)

    @cached_property
    def natural(self) -> np.ndarray:
        """Those of all natural images."""
        return _unit_length(self._natural - self._usual)

    @cached_property
    def _natural(self) -> np.ndarray:
        return self.features(self.of.natural)

    @cached_property
    def _usual(self) -> np.ndarray | float:
        mean: np.ndarray | float = self._natural.mean(0) if self.centred else 0.0
        return mean


def naming(
    observer: Observer, made: Made, natural: Mapping[Key, np.ndarray] | None = None
) -> Naming:
    """Measure synthetic images, by default against the usual number of extreme natural images.

    Parameters
    ----------
    observer
        Compares the images.
    made
        Synthetic images of each unit, of one or both poles.
    natural
        Indices of each unit's most and least activating natural images.
    """
    of = observer.of
    chosen = natural or extremes(of)
    known = {key: observer.natural[indices] for key, indices in chosen.items()}
    synthetic = {key: observer.directions(images).mean(0) for key, images in made.items()}
    poles = [pole for pole in POLES if (of.units[0], pole) in made]
    correct = []
    for unit in of.units:
        # The similarity observer's rule: nearer to references of max, farther from those of min.
        shown = sum(_SIGNS[pole] * synthetic[unit, pole] for pole in poles)
        high, low = known[unit, "max"] @ shown, known[unit, "min"] @ shown
        correct.append((high[:, None] > low).mean())
    above = np.array([_n_above(of, pole, synthetic, known) for pole in poles])
    n_others = len(of.units) - 1
    drawn = min(9, n_others)
    # It is the first of ten where all nine others are drawn from those below it.
    first = [[comb(int(n_others - n), drawn) / comb(n_others, drawn) for n in row] for row in above]
    return Naming(
        two_afc=np.array(correct),
        naming=1 - above.mean(0) / n_others,
        of_ten=np.array(first).mean(0),
    )


def ceiling(observer: Observer, n: int) -> Naming:
    """Measure natural images in place of n synthetic ones, against those of other photographs.

    The photographs are parted into two halves: images of each are measured against the other's,
    and the results averaged.
    """
    of = observer.of
    halves = [set(np.unique(of.photographs)[first::2].tolist()) for first in (0, 1)]
    parts = []
    for half, other in (halves, halves[::-1]):
        shown = {
            (unit, pole): of.extremes(unit, pole, n, half) for unit in of.units for pole in of.poles
        }
        parts.append(naming(observer, shown, extremes(of, of.n_natural // 2, other)))
    one, two = parts
    return Naming(**{name: (value + vars(two)[name]) / 2 for name, value in vars(one).items()})


def extremes(
    of: MeasuredUnits, n: int | None = None, among: Collection[int] | None = None
) -> dict[Key, np.ndarray]:
    """Return which natural images activate each unit most, and which least."""
    return {
        (unit, pole): of.which_extremes(unit, pole, n or of.n_natural, among)
        for unit in of.units
        for pole in POLES
    }


def _n_above(
    of: MeasuredUnits,
    pole: str,
    synthetic: Mapping[Key, np.ndarray],
    natural: Mapping[Key, np.ndarray],
) -> np.ndarray:
    """Return how many other units' natural images resemble a unit's synthetic ones more.

    Some units' natural images resemble any synthetic image; so likenesses are centred.
    """
    shown = np.array([synthetic[unit, pole] for unit in of.units])
    alike = shown @ np.array([natural[unit, pole].mean(0) for unit in of.units]).T
    centred = alike - alike.mean(0)
    above: np.ndarray = (centred >= np.diag(centred)[:, None]).sum(1) - 1
    return above


def looks(of: MeasuredUnits, made: Made) -> Looks:
    """Measure synthetic images by themselves."""
    pixels = np.stack([image for images in made.values() for image in images]) / 255
    beyond = []
    for (unit, pole), images in made.items():
        values, natural = of.activations_of(images)[unit], of.activations[unit]
        beyond.append((values > natural.max()) if pole == "max" else (values < natural.min()))
    return Looks(
        beyond=float(np.mean(beyond)),
        saturated=float(((pixels < 0.02) | (pixels > 0.98)).mean()),
        variation=float(sum(np.abs(np.diff(pixels, axis=axis)).mean() for axis in (1, 2))),
    )


def interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the mean of units' values, by resampling the units."""
    drawn = np.random.default_rng(0).integers(0, len(values), (_RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(1), (0.025, 0.975))
    return float(low), float(high)


def colours_and_edges(images: Images) -> np.ndarray:
    """Describe images as the similarity observer of the experiments does."""
    with TemporaryDirectory() as folder:
        found = []
        for image in images:
            file = Path(folder) / "image.png"
            Image.fromarray(image).save(file, compress_level=1)
            found.append(image_features(file))
    return np.array(found)


@dataclass(frozen=True)
class NetworkFeatures:
    """Describes images by some layers of a network.

    Features are the square roots of channels' mean responses, of each layer at unit length.
    """

    network: str
    layers: tuple[str, ...]
    seen_px: int

    def __call__(self, images: Images) -> np.ndarray:
        """Return images x features."""
        network = _loaded(self.network)
        layers = [network.layer(name) for name in self.layers]
        found = []
        for start in range(0, len(images), _IMAGES_AT_ONCE):
            some = resize(to_tensor(images[start : start + _IMAGES_AT_ONCE]), self.seen_px)
            with torch.no_grad():
                maps = network.maps(some, layers, "post")
            roots = [maps[layer.name].float().mean((2, 3)).clamp_min(0).sqrt() for layer in layers]
            found.append(np.concatenate([_unit_length(root.numpy()) for root in roots], 1))
        return np.concatenate(found)


IMAGENET_FEATURES = NetworkFeatures(
    "stimgen.networks.efficientnet_lite:lite0",
    ("_blocks.4._expand_conv", "_blocks.10._expand_conv"),
    128,
)
"""Of EfficientNet-Lite0, trained on photographs (extra ``efficientnet``)."""

DEMO_FEATURES = NetworkFeatures("demo", ("inception3b", "inception4a"), 64)
"""Of the demo's network, trained on drawn shapes and textures."""


def _unit_length(vectors: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


@cache
def _loaded(name: str) -> Network:
    return load_network(name)
