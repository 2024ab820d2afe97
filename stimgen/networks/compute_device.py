"""Devices by name."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from functools import cache

import torch

from unitscope.errors import BadInput


def pick_device(name: str) -> torch.device:
    """Return a device; ``auto`` takes CUDA where there is one, each rank its own.

    Raises
    ------
    BadInput
        If the device asked for is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = local_device(torch.device(name))
    except RuntimeError:
        raise BadInput(f"no device {name!r}; expected auto, cpu or cuda") from None
    n_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.type == "cuda" and (device.index or 0) >= n_devices:
        raise BadInput(f"device {name!r} is not there: torch finds {n_devices} CUDA devices")
    return device


def device_model(device: torch.device) -> str:
    """Return what the maker calls a device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine()


def compute_in_full() -> None:
    """Let CUDA devices use all bits of a 32-bit number, and the same algorithms in every run.

    By default convolutions there keep 11 of 24 bits (TF32), which is more than a set's checks
    allow, and may take another algorithm whenever they are asked.
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
"""Numbers by which glibc knows its parameters (``malloc.h``)."""

_NEVER = 2**31 - 1


@cache
def keep_freed_memory() -> bool:
    """Let the process keep large blocks of memory that it frees, where the C library is glibc.

    Else it gives the blocks of each activation back, and the kernel must clear every page of the
    next one. One arena serves all threads, for the others take no block above 64 MB. Results do not
    change; other C libraries are left alone.

    Returns
    -------
    bool
        Whether the library took it.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  # raises where it is not glibc
        wanted = {_MMAP_MAX: 0, _TRIM_THRESHOLD: _NEVER, _ARENA_MAX: 1}
        return all(library.mallopt(what, value) == 1 for what, value in wanted.items())
    except (OSError, AttributeError):
        return False


def local_device(device: torch.device) -> torch.device:
    """Return the CUDA device of this process's own, where torchrun started several."""
    if device.type != "cuda" or device.index is not None or "LOCAL_RANK" not in os.environ:
        return device
    return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
