"""How far apart two ways of computing one activation may come out."""

from __future__ import annotations

from stimgen.networks.network import Precision

_SAME_MACHINE = {"fp32": 1e-4, "bf16": 3e-2}
_ANY_MACHINE = {"fp32": 1e-3, "bf16": 6e-2}
_ONE_BATCH_OR_ANOTHER = {"fp32": 1e-5, "bf16": 3e-2}


def agree(one: float, other: float, precision: Precision) -> bool:
    """Return whether two ways of one machine, such as maps and whole passes, agree."""
    return abs(one - other) <= _SAME_MACHINE[precision] * max(1.0, abs(other))


def agree_anywhere(one: float, other: float, precision: Precision) -> bool:
    """Return whether values of any two machines and libraries agree.

    They sum in another order; another picture or network differs by far more.
    """
    return abs(one - other) <= _ANY_MACHINE[precision] * (1 + abs(other))


def slack(precision: Precision) -> float:
    """Return how far a value may move, relative to 1 plus its size, with its batch."""
    return _ONE_BATCH_OR_ANOTHER[precision]
