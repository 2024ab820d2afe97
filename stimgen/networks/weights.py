"""Weights of networks: random or from a file, and their hash."""

from __future__ import annotations

import hashlib
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from unitscope.errors import BadInput, nearest

Weights = dict[str, torch.Tensor]

CHECKPOINT_SUFFIXES = (".pt", ".pth", ".safetensors")


def randomise(module: nn.Module, seed: int) -> None:
    """Initialise random weights that preserve the signal's variance (He et al., 2015)."""
    # Var(w) = 2 / fan_in
    generator = torch.Generator().manual_seed(seed)
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu", generator=generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.BatchNorm2d):
            part.reset_running_stats()
            part.reset_parameters()


def read_checkpoint(path: str, published: tuple[str, ...] = ("DEFAULT",)) -> Weights:
    """Read a state dict from a file.

    Raises
    ------
    BadInput
        If there is no such file or it is not a state dict.
    """
    file = Path(path)
    if not file.is_file():
        if file.suffix in CHECKPOINT_SUFFIXES or len(file.parts) > 1:
            raise BadInput(f"{path}: no such checkpoint")
        names = (*published, "random")
        raise BadInput(
            f"weights {path!r} are neither a file nor one of {', '.join(names)}"
            f"{nearest(path, names)}"
        )
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(file)
        else:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise BadInput(f"{path}: not a checkpoint with weights only; save a state dict") from None
    except Exception as error:  # the readers raise many kinds of errors
        raise BadInput(f"{path}: not a checkpoint ({first_line(error)})") from None
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(w, torch.Tensor) for w in state.values()):
        raise BadInput(f"{path}: is not a state dict")
    return {key.removeprefix("module."): w for key, w in state.items()}


def load_weights(module: nn.Module, state: Weights, where: str) -> None:
    """Load a state dict that must fit exactly.

    Raises
    ------
    BadInput
        Naming the first keys that are missing, unknown, of another shape or not finite.
    """
    own: Any = module.state_dict()
    # Checkpoints from before torch 0.4.1 lack these counters, which are not used here.
    missing = [k for k in own if k not in state and not k.endswith("num_batches_tracked")]
    unknown = [k for k in state if k not in own]
    misshapen = [k for k, w in state.items() if k in own and w.shape != own[k].shape]
    for keys, what in ((missing, "missing"), (unknown, "unknown"), (misshapen, "misshapen")):
        if keys:
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            raise BadInput(f"{where}: does not fit the network: {what} {', '.join(keys[:3])}{more}")
    for key, weight in state.items():
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all()):
            raise BadInput(f"{where}: weight {key} holds values that are not finite")
    # Some modules check the version that saved the state; all keys fit the current one.
    current: Any = OrderedDict(state)
    current._metadata = own._metadata
    module.load_state_dict(current, strict=False)


def hash_weights(module: nn.Module) -> str:
    """Return the SHA-256 of the names, shapes and values of all weights, for any file format."""
    digest = hashlib.sha256()
    for key, weight in sorted(module.state_dict().items()):
        digest.update(f"{key} {tuple(weight.shape)} {weight.dtype}\n".encode())
        digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its class name if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
