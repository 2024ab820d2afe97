"""Loops that torch has no fast way of, compiled by numba where it is installed.

They are for processors; whoever calls them has torch's own way for all else.
"""

from __future__ import annotations

from importlib.util import find_spec

import torch

HAS_NUMBA = find_spec("numba") is not None


def can_loop(*tensors: torch.Tensor) -> bool:
    """Say whether these tensors can be given to compiled loops."""
    return HAS_NUMBA and all(tensor.device.type == "cpu" for tensor in tensors)
