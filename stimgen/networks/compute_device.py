"""Devices by name, and how they compute: precision, and memory that is used again."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from functools import cache

import torch

from unitscope.errors import BadInput


def pick_device(name: str) -> torch.device:
    """Return a device by name; ``auto`` is CUDA if available, with one device for each rank.

    Raises
    ------
    BadInput
        If there is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = local_device(torch.device(name))
    except RuntimeError:
        raise BadInput(f"no device {name!r}; expected auto, cpu or cuda") from None
    n_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.type == "cuda" and (device.index or 0) >= n_devices:
        raise BadInput(f"no device {name!r}: torch finds {n_devices} CUDA devices")
    return device


def device_model(device: torch.device) -> str:
    """Return the model name of a device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine()


def compute_in_full() -> None:
    """Make CUDA devices compute with full 32-bit precision and the same algorithms in every run.

    By default their convolutions keep 11 of 24 bits (TF32), an error larger than the checks of a
    set allow, and may choose another algorithm in each run.
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
"""Numbers of glibc's allocation parameters (``malloc.h``)."""

_NEVER = 2**31 - 1


@cache
def keep_freed_memory() -> bool:
    """Keep large freed blocks of memory in the process, if the C library is glibc.

    By default glibc returns the memory of each activation to the kernel, which has to clear every
    page of the next one. A single arena is used because the others hold no block above 64 MB.
    Results do not change; nothing is done with other C libraries.

    Returns
    -------
    bool
        Whether glibc accepted the settings.
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
    """Return the CUDA device of this process if torchrun started several; else ``device``."""
    if device.type != "cuda" or device.index is not None or "LOCAL_RANK" not in os.environ:
        return device
    return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
