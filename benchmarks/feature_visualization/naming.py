"""How well images tell which unit they are of, by an observer that compares colours and edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from benchmarks.feature_visualization.demo_units import DemoUnits, Images, Made
from experiments.runner.similarity import image_features
from unitscope.vocabulary import POLES


@dataclass(frozen=True)
class Quality:
    """What feature visualizations of some units are worth.

    Parameters
    ----------
    two_afc
        Proportion correct in trials that show the synthetic images of both poles as references and
        ask which of two natural images, one of each extreme, activates the unit more; over all
        pairs of the natural images.
    naming
        Proportion of the other units whose natural images resemble the unit's synthetic images
        less than its own do; chance is .5.
    beyond
        Proportion of images that activate their unit further than every natural image.
    saturated
        Proportion of values within 2 % of black or white.
    variation
        Mean difference of neighbouring pixels, down and to the right.
    """

    two_afc: float
    naming: float
    beyond: float
    saturated: float
    variation: float


def quality(of: DemoUnits, made: Made, n_natural: int = 60) -> Quality:
    """Measure synthetic images against each unit's ``n_natural`` natural images of each pole."""
    keys = [(unit, pole) for pole in POLES for unit in of.units]
    natural = {key: directions(of.extremes(*key, n_natural)) for key in keys}
    synthetic = {key: directions(made[key]) for key in keys}
    correct = []
    for unit in of.units:
        # The similarity observer's rule: nearer to references of max, farther from those of min.
        high, low = (
            (natural[unit, pole] @ synthetic[unit, "max"].T).mean(1)
            - (natural[unit, pole] @ synthetic[unit, "min"].T).mean(1)
            for pole in ("max", "min")
        )
        correct.append((high[:, None] > low).mean())
    named = [
        _named(
            np.array(
                [
                    [(synthetic[one, pole] @ natural[other, pole].T).mean() for other in of.units]
                    for one in of.units
                ]
            )
        )
        for pole in POLES
    ]
    pixels = np.stack([image for images in made.values() for image in images]) / 255
    return Quality(
        two_afc=float(np.mean(correct)),
        naming=float(np.mean(named)),
        beyond=_beyond(of, made),
        saturated=float(((pixels < 0.02) | (pixels > 0.98)).mean()),
        variation=float(sum(np.abs(np.diff(pixels, axis=axis)).mean() for axis in (1, 2))),
    )


def _named(alike: np.ndarray) -> float:
    """Return how often a row's own column is above the row's other ones, relative to their means.

    Some units' natural images resemble any synthetic image; so columns are centred.
    """
    centred = alike - alike.mean(0)
    own = np.diag(centred)[:, None]
    return float((own > centred).sum() / (len(alike) * (len(alike) - 1)))


def _beyond(of: DemoUnits, made: Made) -> float:
    found = []
    for (unit, pole), images in made.items():
        values, natural = of.activations_of(images)[unit], of.activations[unit]
        found.append((values > natural.max()) if pole == "max" else (values < natural.min()))
    return float(np.mean(found))


def directions(images: Images | Sequence[np.ndarray]) -> np.ndarray:
    """Return images' features, scaled to unit length: images x features."""
    with TemporaryDirectory() as folder:
        found = []
        for image in images:
            file = Path(folder) / "image.png"
            Image.fromarray(image).save(file, compress_level=1)
            found.append(image_features(file))
    vectors = np.array(found)
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
