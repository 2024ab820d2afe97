"""Random choices of a design, the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from conditions.design.design import Design

Item = TypeVar("Item")


def generator(design: Design, *labels: object) -> np.random.Generator:
    """Return the random generator that belongs to a purpose of a design.

    The same seed and labels give the same generator on every machine.
    """
    # stimgen derives its seeds otherwise. Both derivations stay as they are: condition tables and
    # stimulus sets that people have must come out the same when they are made again.
    digest = hashlib.sha256("/".join(map(str, labels)).encode()).digest()
    return np.random.default_rng([design.seed, int.from_bytes(digest[:8], "big")])


def shuffle(design: Design, items: Sequence[Item], *labels: object) -> list[Item]:
    """Return items in the random order that belongs to a purpose of a design."""
    return [items[i] for i in generator(design, *labels).permutation(len(items))]
