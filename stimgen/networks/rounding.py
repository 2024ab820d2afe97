"""How far two computations of the same activation may differ by rounding."""

from __future__ import annotations

from stimgen.networks.network import Precision

_SAME_MACHINE = {"fp32": 1e-4, "bf16": 3e-2}
_ANY_MACHINE = {"fp32": 1e-3, "bf16": 6e-2}
_ONE_BATCH_OR_ANOTHER = {"fp32": 1e-5, "bf16": 3e-2}


def agree(one: float, other: float, precision: Precision) -> bool:
    """Return whether two values computed on one machine in different ways agree."""
    return abs(one - other) <= _SAME_MACHINE[precision] * max(1.0, abs(other))


def agree_anywhere(one: float, other: float, precision: Precision) -> bool:
    """Return whether values computed on different machines or with other libraries agree.

    These sum in different orders; another image or network makes a far larger difference.
    """
    return abs(one - other) <= _ANY_MACHINE[precision] * (1 + abs(other))


def slack(precision: Precision) -> float:
    """Return how far a value may change with its batch, relative to 1 plus its absolute value."""
    return _ONE_BATCH_OR_ANOTHER[precision]
