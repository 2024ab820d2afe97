"""Normal random numbers that the device computes by itself, from a key and by counting.

They depend on nothing but the key, so every device draws the same up to rounding, the processor
need not draw and copy them, and a captured step draws new ones wherever its key changes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from stimgen.seeds import seed_of

_BITS = 23
"""Of which a number consists: with half a step they are exact in 32-bit floating point."""


def noise_keys(seeds: Sequence[int], steps: int) -> torch.Tensor:
    """Return a key for each step and image, steps x images.

    Examples
    --------
    >>> noise_keys([1, 2], steps=3).shape
    torch.Size([3, 2])
    """
    keys = [[seed_of(seed, "noise", step) for seed in seeds] for step in range(steps)]
    return torch.tensor(keys).int()  # of which the bits count, not the sign


def normal(keys: torch.Tensor, n: int) -> torch.Tensor:
    """Return n standard normal numbers for each of some keys, keys x n, on the keys' device.

    They lie within 5.2 standard deviations.

    Parameters
    ----------
    keys
        Of :func:`noise_keys`.
    n
        At most 2**31.

    Examples
    --------
    >>> drawn = normal(noise_keys([7, 8], steps=1)[0], 1000)
    >>> round(drawn.mean().item(), 1), round(drawn.std().item(), 1)
    (0.0, 1.0)
    """
    counted = _mix(torch.arange(n, dtype=torch.int32, device=keys.device))
    whole = _right(_mix(counted ^ keys[:, None]), 32 - _BITS)
    # The inverse of the normal distribution at the middles of equal parts of -1..1.
    parts = (whole + 0.5).mul_(2 ** (1 - _BITS)).sub_(1)
    return parts.erfinv_().mul_(math.sqrt(2))


def _mix(values: torch.Tensor) -> torch.Tensor:
    """Map 32-bit numbers one to one, in place: each bit depends on all (the end of MurmurHash3)."""
    values ^= _right(values, 16)
    values *= 0x85EBCA6B - 2**32  # products keep their last 32 bits
    values ^= _right(values, 13)
    values *= 0xC2B2AE35 - 2**32
    values ^= _right(values, 16)
    return values


def _right(values: torch.Tensor, n_bits: int) -> torch.Tensor:
    """Shift bits to the right; torch repeats the sign, which is taken off."""
    return (values >> n_bits).bitwise_and_(2 ** (32 - n_bits) - 1)
