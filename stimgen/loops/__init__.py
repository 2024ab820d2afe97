"""Loops that are slow in torch, compiled by numba if it is installed.

They are for CPUs; callers use torch in all other cases.
"""

from __future__ import annotations

from functools import cache

import torch


@cache
def has_numba() -> bool:
    """Return whether numba is installed and works with the other installed packages."""
    try:
        import numba  # noqa: F401
    except ImportError:
        return False
    return True


def can_loop(*tensors: torch.Tensor) -> bool:
    """Return whether compiled loops can process these tensors."""
    return all(tensor.device.type == "cpu" for tensor in tensors) and has_numba()


def can_loop_over(maps: torch.Tensor) -> bool:
    """Return whether loops can process maps: float32 or bfloat16, channels last in memory."""
    is_known = maps.dtype in (torch.float32, torch.bfloat16) and maps.ndim == 4
    is_last = is_known and maps.is_contiguous(memory_format=torch.channels_last)
    return is_last and maps.numel() > 0 and can_loop(maps)
