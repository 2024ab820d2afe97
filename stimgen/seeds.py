"""Seeds and shuffles that are the same on every machine and with every library version."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TypeVar

Item = TypeVar("Item")


def seed_of(*parts: object) -> int:
    """Return a seed in 0..2**32 - 1 that depends only on the parts' text."""
    return int.from_bytes(_digest(*parts)[:4], "big")


def shuffled(items: Iterable[Item], *parts: object) -> list[Item]:
    """Return the items in an order determined by the parts; no two items may have the same text."""
    return sorted(items, key=lambda item: _digest(*parts, item))


def _digest(*parts: object) -> bytes:
    # Hashes instead of a random generator: no library guarantees its streams across versions.
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
