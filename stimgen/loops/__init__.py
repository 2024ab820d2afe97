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


def can_loop_over(maps: torch.Tensor) -> bool:
    """Say whether loops can go over maps: of 32 bits or bfloat16, with the channels last."""
    is_known = can_loop(maps) and maps.dtype in (torch.float32, torch.bfloat16)
    is_filled = maps.ndim == 4 and maps.numel() > 0
    return is_known and is_filled and maps.is_contiguous(memory_format=torch.channels_last)
