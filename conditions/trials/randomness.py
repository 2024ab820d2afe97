"""Random choices that are the same on every machine."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from conditions.design.design import Design


def generator(design: Design, *labels: object) -> np.random.Generator:
    """Return the random generator that belongs to a purpose of a design.

    The same seed and labels give the same generator on every machine.
    """
    digest = hashlib.sha256("/".join(map(str, labels)).encode()).digest()
    return np.random.default_rng([design.seed, int.from_bytes(digest[:8], "big")])
