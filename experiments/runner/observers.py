"""Observers that are no people: simulated ones, and a machine that looks at the pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from conditions.columns import REFERENCE_COLUMN_NAMES
from conditions.errors import BadInput, nearest


@dataclass(frozen=True)
class Answer:
    """What an observer does in a trial: choice, confidence 1 to 3, reaction time in seconds."""

    choice: str
    confidence: int
    rt_s: float


class Observer(Protocol):
    """Responds to the rows of a condition table."""

    name: str
    kind: str

    def respond(self, row: Mapping[str, Any]) -> Answer:
        """Return the answer to one trial."""
        ...


def _generator(seed: int, *labels: object) -> np.random.Generator:
    digest = hashlib.sha256("/".join(map(str, labels)).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])


def _other(choice: str) -> str:
    return "b" if choice == "a" else "a"


class GradedObserver:
    """A simulated observer by signal detection: clearer trials are right, sure and fast.

    In each trial the evidence for the right query is normal with sd 1 and mean d'/sqrt(2), where
    d' depends on the reference condition, the participant's ability and the unit; its sign is the
    choice, its size gives confidence and reaction time.

    Parameters
    ----------
    seed
        Fixes ability and noise.
    d_prime
        Mean d' by reference condition.
    ability_sd, unit_sd
        Spread of d' over participants and over units.
    """

    name = "graded"
    kind = "simulated"

    def __init__(
        self,
        seed: int,
        d_prime: Mapping[str, float] | None = None,
        ability_sd: float = 0.3,
        unit_sd: float = 0.3,
    ) -> None:
        self._seed = seed
        self._d_prime = d_prime or {"natural": 2.0, "mixed": 1.7, "synthetic": 1.3, "blur": 1.3}
        self._unit_sd = unit_sd
        self._ability = ability_sd * float(_generator(seed, "ability").standard_normal())

    def respond(self, row: Mapping[str, Any]) -> Answer:
        """Return the answer to one trial, the same whenever the trial is asked again."""
        rng = _generator(self._seed, "trial", row["trial_number"])
        condition = row["reference_condition"]
        d_prime = self._d_prime.get(condition, 0.0)
        if d_prime:
            unit = (row["network"], row["layer"], row["channel"])
            d_prime += self._ability + self._unit_sd * float(_generator(0, *unit).standard_normal())
        if row["trial_role"] == "catch":
            d_prime += 2
        evidence = rng.normal(d_prime / np.sqrt(2), 1)
        right = str(row["correct_choice"])
        confidence = 1 + int(abs(evidence) > 0.6) + int(abs(evidence) > 1.4)
        median_s = 0.4 + 1.6 / (1 + abs(evidence))
        return Answer(
            right if evidence > 0 else _other(right),
            confidence,
            float(median_s * np.exp(rng.normal(0, 0.25))),
        )


class ChanceObserver:
    """A simulated observer that guesses.

    Parameters
    ----------
    seed
        Fixes the guesses.
    """

    name = "chance"
    kind = "simulated"

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def respond(self, row: Mapping[str, Any]) -> Answer:
        """Return a guess, the same whenever the trial is asked again."""
        rng = _generator(self._seed, "trial", row["trial_number"])
        choice = "ab"[rng.integers(2)]
        return Answer(choice, int(rng.integers(1, 4)), float(0.4 + rng.gamma(2, 0.3)))


@lru_cache(maxsize=50_000)
def picture_features(path: Path) -> np.ndarray:
    """Describe a picture by its colours and edges.

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
    with Image.open(path) as image:
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
    """A machine observer that compares each query with the references it is shown.

    It knows nothing of the answer: it chooses the query that resembles the most activating
    references more, and the least activating ones less, than the other query does. Without
    references it guesses.

    Parameters
    ----------
    seed
        Fixes guesses and reaction times.
    file
        Turns an image name of the table into its file.
    features
        Describes a picture by a vector.
    """

    name = "similarity"
    kind = "machine"

    def __init__(
        self,
        seed: int,
        file: Callable[[str], Path],
        features: Callable[[Path], np.ndarray] = picture_features,
    ) -> None:
        self._seed = seed
        self._file = file
        self._features = features

    def respond(self, row: Mapping[str, Any]) -> Answer:
        """Return the answer to one trial."""
        rng = _generator(self._seed, "trial", row["trial_number"])
        rt_s = float(0.5 + rng.gamma(2, 0.1))
        shown = {
            pole: [
                self._features(self._file(row[name]))
                for name in REFERENCE_COLUMN_NAMES
                if f"_{pole}_" in name and row[name]
            ]
            for pole in ("min", "max")
        }
        if not any(shown.values()):
            return Answer("ab"[rng.integers(2)], 1, rt_s)
        evidence = self._fit(row["query_a"], shown) - self._fit(row["query_b"], shown)
        choice = "a" if evidence > 0 or (evidence == 0 and rng.integers(2)) else "b"
        return Answer(choice, 1 + int(abs(evidence) > 0.05) + int(abs(evidence) > 0.15), rt_s)

    def _fit(self, query: str, shown: dict[str, list[np.ndarray]]) -> float:
        return self._likeness(query, shown["max"]) - self._likeness(query, shown["min"])

    def _likeness(self, query: str, references: list[np.ndarray]) -> float:
        """Return the mean cosine with the references, 0 without any."""
        if not references:
            return 0.0
        vector = self._features(self._file(query))
        sizes = np.linalg.norm(references, axis=1) * np.linalg.norm(vector)
        return float(np.mean(np.asarray(references) @ vector / sizes))


OBSERVERS = ("graded", "chance", "similarity")


def make_observer(name: str, seed: int, file: Callable[[str], Path]) -> Observer:
    """Make an observer by name.

    Parameters
    ----------
    name
        One of ``OBSERVERS``.
    seed
        Fixes whatever it draws.
    file
        Turns an image name of the table into its file.

    Raises
    ------
    BadInput
        If there is none of that name.
    """
    if name == "graded":
        return GradedObserver(seed)
    if name == "chance":
        return ChanceObserver(seed)
    if name == "similarity":
        return SimilarityObserver(seed, file)
    raise BadInput(f"no observer is named {name!r}{nearest(name, OBSERVERS)}")
