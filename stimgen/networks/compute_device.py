"""Devices by name, and how they compute: precision, and memory that is used again."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import torch

from unitscope.errors import BadInput


def pick_device(name: str) -> torch.device:
    """Return a device by name; ``auto`` is CUDA if available, with one device for each rank.

    A CUDA device becomes the process's own, so that nothing takes memory of the others.

    Raises
    ------
    BadInput
        If there is no such device, or it cannot be used, as when other programs fill its memory.
    """
    compute_in_full()  # before CUDA starts
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = local_device(torch.device(name))
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise BadInput(f"no device {name!r}; expected auto, cpu or cuda")
    n_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.type == "cuda" and (device.index or 0) >= n_devices:
        raise BadInput(f"no device {name!r}: torch finds {n_devices} CUDA devices")
    if device.type == "cuda":
        _take(device)
    return device


def _take(device: torch.device) -> None:
    try:
        torch.cuda.set_device(device)
        torch.zeros(1, device=device)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise BadInput(
            f"device {str(device)!r} cannot be used ({reason}); if other programs use it, wait "
            "for them, or take another or --device cpu"
        ) from None


def device_model(device: torch.device) -> str:
    """Return the model name of a device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine()


def own_cores(*, shared: bool = True) -> int:
    """Return the number of CPU cores for this process, among those that torchrun started here.

    Parameters
    ----------
    shared
        Whether all of these processes are at work, so that each has an equal share.
    """
    everywhere = os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else everywhere
    neighbours = int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if shared else 1
    return max(1, min(allowed, everywhere // neighbours))


def compute_in_full() -> None:
    """Make CUDA devices compute with full 32-bit precision and the same algorithms in every run.

    By default their convolutions keep 11 of 24 bits (TF32), an error larger than the checks of a
    set allow, and may choose another algorithm in each run.
    """
    # Read when CUDA's matrix products are first used; without it they may differ between runs.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    # Products of 16-bit matrices are summed in 32 bits throughout.
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def memory_gib(device: torch.device) -> float:
    """Return the memory of a CUDA device, from which the sizes of batches follow.

    All of it counts, not only what is free: the batch may change how results are rounded, which
    must not depend on what else runs.
    """
    return float(torch.cuda.get_device_properties(device).total_memory) / 2**30


def free_gib(device: torch.device) -> float:
    """Return the memory of a CUDA device that this process has or can get now."""
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return float(torch.cuda.mem_get_info(device)[0] + unused) / 2**30


def sums_in_order(tensor: torch.Tensor) -> bool:
    """Return whether every gradient is summed in the same order each time: on CPUs, not on CUDA.

    Elsewhere resampling and mirrored borders are computed by operations of ours whose gradients are
    gathered instead of scattered. Max pools need none: torch's gradient adds up, for each pixel,
    the windows that it wins, one after the other.
    """
    return tensor.device.type == "cpu"


def is_waited_for(device: torch.device) -> bool:
    """Return whether a device works on its own, so that reading its values means waiting for it."""
    return device.type != "cpu"


@contextmanager
def same_each_time(device: torch.device) -> Iterator[None]:
    """Have all of torch's operations give the same result each time, within a block.

    Of an operation for which torch knows no such way one sentence says so; no network of
    torchvision has one before the last of its layers.
    """
    if device.type != "cuda":
        yield
        return
    before = torch.get_deterministic_debug_mode()
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        with warnings.catch_warnings():
            warnings.showwarning = partial(_name_operation, warnings.showwarning)
            yield
    finally:
        torch.set_deterministic_debug_mode(before)
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]


def _name_operation(otherwise: Callable[..., None], message: Warning | str, *more: Any) -> None:
    """Say which operation is not the same each time; show other warnings as they are."""
    operation, is_one, _ = str(message).partition(" does not have a deterministic implementation")
    if is_one:
        _say_once(operation)
    else:
        otherwise(message, *more)


@cache
def _say_once(operation: str) -> None:
    what = f"CUDA has no way of doing {operation} that gives the same each time"
    print(f"{what}, so the same seeds may give other images", file=sys.stderr)


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
