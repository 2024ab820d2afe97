"""A machine observer that compares the images of a trial."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from experiments.runner.answers import Answer, Choice, Pairing
from experiments.runner.likeness import Likeness, by_features
from experiments.runner.simulated import best_matching, generator
from unitscope.image_files import open_image
from unitscope.row_types import TrialRow
from unitscope.rows import half_row, references
from unitscope.vocabulary import POLES, TASKS


def image_features(path: Path) -> np.ndarray:
    """Describe an image by its colours and edges.

    Parameters
    ----------
    path
        An image file.

    Returns
    -------
    numpy.ndarray
        Shape (100,): over a 2 x 2 grid of fields, mean and spread of lightness and two colour
        axes, a histogram of hue weighted by chroma, and the energy of edges in eight directions
        at two scales, each part scaled to unit size overall.
    """
    with open_image(path) as image:
        rgb = np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.BOX), float) / 255
    light = rgb @ [0.3, 0.59, 0.11]
    axes = np.stack([light, rgb[..., 0] - rgb[..., 1], rgb[..., 2] - rgb[..., :2].mean(-1)], -1)
    hue = np.arctan2(axes[..., 2], axes[..., 1])
    parts = [
        [f(field[..., i]) for field in _fields(axes) for i in range(3) for f in (np.mean, np.std)],
        _histogram(hue, np.hypot(axes[..., 1], axes[..., 2]), 2 * np.pi, 12),
    ]
    for scale in (1, 2):
        small = light.reshape(64 // scale, scale, 64 // scale, scale).mean((1, 3))
        dy, dx = np.gradient(small)
        direction, strength = np.arctan2(dy, dx) % np.pi, np.hypot(dx, dy)
        for field, weight in zip(_fields(direction), _fields(strength), strict=True):
            parts.append(_histogram(field, weight, np.pi, 8))
    flat = [np.asarray(part, float) for part in parts]
    return np.concatenate([part / (np.linalg.norm(part) + 1e-9) for part in flat])


def _fields(values: np.ndarray) -> list[np.ndarray]:
    return [half for row in np.array_split(values, 2, 0) for half in np.array_split(row, 2, 1)]


def _histogram(values: np.ndarray, weights: np.ndarray, period: float, bins: int) -> np.ndarray:
    places = np.floor(values % period / period * bins).astype(int).ravel() % bins
    return np.bincount(places, weights.ravel(), minlength=bins)


class SimilarityObserver:
    """A machine observer that compares the images of a trial by their features.

    It knows nothing of the answer. It chooses the query that resembles the most activating
    references more, and the least activating ones less, than the other query does; an occluded
    query resembles them less where its patch hides what they share. Without references it guesses.
    In exemplar matching it takes the pairs whose halves resemble each other most, all together.

    Parameters
    ----------
    seed
        Fixes guesses and reaction times.
    file
        Turns an image name of the table into its file.
    likeness
        How much alike two groups of images are; by colours and edges if None.
    """

    name = "similarity"
    kind = "machine"
    tasks: tuple[str, ...] = TASKS

    def __init__(
        self,
        seed: int,
        file: Callable[[str], Path],
        likeness: Likeness | None = None,
    ) -> None:
        self._seed = seed
        self._file = file
        self._compare = likeness or by_features(image_features)

    def respond(self, row: TrialRow) -> Answer:
        """Return the answer to one trial."""
        rng = generator(self._seed, "trial", row["trial_number"])
        rt_s = float(0.5 + rng.gamma(2, 0.1))
        if row["task"] == "exemplar_matching":
            return Pairing(best_matching(self._fits(row)), rt_s)
        shown = {pole: self._files(references(row, pole)) for pole in POLES}
        if not any(shown.values()):
            return Choice("ab"[rng.integers(2)], 1, rt_s)
        a, b = (
            self._likeness(query, shown["max"]) - self._likeness(query, shown["min"])
            for query in (self._files([row["query_a"]]), self._files([row["query_b"]]))
        )
        choice = "a" if a > b or (a == b and rng.integers(2)) else "b"
        return Choice(choice, 1 + int(abs(a - b) > 0.05) + int(abs(a - b) > 0.15), rt_s)

    def _fits(self, row: TrialRow) -> np.ndarray:
        """Return how well each row's left half fits each right half."""
        left, right = (
            [self._files(half_row(row, side, number)) for number in range(row["n_rows"])]
            for side in ("left", "right")
        )
        return np.array([[self._likeness(one, other) for other in right] for one in left])

    def _files(self, images: Iterable[str]) -> list[Path]:
        return [self._file(image) for image in images]

    def _likeness(self, some: list[Path], others: list[Path]) -> float:
        """Return the mean similarity between two groups of images, 0 where one is empty."""
        return self._compare(some, others) if some and others else 0.0
