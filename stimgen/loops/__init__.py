"""Loops that torch has no fast way of, compiled by numba where it is installed.

They are for processors; whoever calls them has torch's own way for all else.
"""

from __future__ import annotations

from functools import cache

import torch


@cache
def has_numba() -> bool:
    """Say whether numba is installed, and with packages that it works with."""
    try:
        import numba  # noqa: F401
    except ImportError:
        return False
    return True


def can_loop(*tensors: torch.Tensor) -> bool:
    """Say whether these tensors can be given to compiled loops."""
    return all(tensor.device.type == "cpu" for tensor in tensors) and has_numba()


def can_loop_over(maps: torch.Tensor) -> bool:
    """Say whether loops can go over maps: of 32 bits or bfloat16, with the channels last."""
    is_known = maps.dtype in (torch.float32, torch.bfloat16) and maps.ndim == 4
    is_last = is_known and maps.is_contiguous(memory_format=torch.channels_last)
    return is_last and maps.numel() > 0 and can_loop(maps)
