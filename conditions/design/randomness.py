"""Random choices of a design, the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np

Item = TypeVar("Item")


class Seeded(Protocol):
    """A design, of which random choices need the seed alone."""

    @property
    def seed(self) -> int:
        """Seed of every random choice."""
        ...


def generator(design: Seeded, *labels: object) -> np.random.Generator:
    """Return the random generator that belongs to a purpose of a design.

    The same seed and labels give the same generator on every machine.
    """
    # stimgen derives its seeds otherwise. Both derivations stay as they are: condition tables and
    # stimulus sets that people have must come out the same when they are made again.
    digest = hashlib.sha256("/".join(map(str, labels)).encode()).digest()
    return np.random.default_rng([design.seed, int.from_bytes(digest[:8], "big")])


def shuffle(design: Seeded, items: Sequence[Item], *labels: object) -> list[Item]:
    """Return items in the random order that belongs to a purpose of a design."""
    return [items[i] for i in generator(design, *labels).permutation(len(items))]
