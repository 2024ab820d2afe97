"""Devices by name."""

from __future__ import annotations

import platform

import torch

from stimgen.sweeps.ranks import local_device
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
