"""Devices by name."""

from __future__ import annotations

import platform

import torch

from conditions.errors import BadInput
from stimgen.sweeps.ranks import local_device


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
