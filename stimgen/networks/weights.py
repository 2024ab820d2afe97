"""Weights of networks: random or from a file, and their hash."""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from stimgen.networks.network import Layer
from unitscope.errors import BadInput, nearest

Weights = dict[str, torch.Tensor]

CHECKPOINT_SUFFIXES = (".pt", ".pth", ".safetensors")

CONTAINERS = ("state_dict", "model_state_dict", "model")
"""Keys under which training programs save the state of a network beside that of the training."""

WRAPPERS = ("module.", "_orig_mod.", "model.")
"""What data-parallel training, torch.compile and Lightning put before every key."""

HEADS = ("fc.", "classifier.", "head.", "heads.")
"""Beginnings of the keys of torchvision's classifiers, none of whose units is a layer here."""


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


def untrain(module: nn.Module, seed: int) -> list[str]:
    """Initialise random weights of a network that somebody may have trained.

    Modules of torch that :func:`randomise` does not know, such as attention and transposed
    convolutions, get torch's own initial weights.

    Returns
    -------
    list of str
        Parameters that keep their values, such as embeddings of positions; constants do not count.
    """
    before = {name: weight.clone() for name, weight in module.named_parameters()}
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        for part in module.modules():
            if type(part).__module__.startswith("torch.nn.modules."):
                for method in ("reset_parameters", "_reset_parameters"):
                    getattr(part, method, lambda: None)()
    randomise(module, seed)
    return [
        name
        for name, weight in module.named_parameters()
        if torch.equal(weight, before[name]) and not bool((weight == weight.flatten()[:1]).all())
    ]


def read_checkpoint(path: str, published: tuple[str, ...] = ("DEFAULT",)) -> Weights:
    """Read a state dict from a file, whatever the training program wrapped it in.

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
    other = _known_otherwise(file)
    if other:
        raise BadInput(f"{path}: {other}")
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(file)
        else:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise BadInput(f"{path}: not a checkpoint with weights only; save a state dict") from None
    except Exception as error:  # the readers raise many kinds of errors
        why = first_line(error)
        # torch advises to run whatever code the file holds.
        told = "" if "weights_only" in why else f" ({why})"
        raise BadInput(f"{path}: not a checkpoint{told}") from None
    while isinstance(state, dict):
        inner = next((state[key] for key in CONTAINERS if isinstance(state.get(key), dict)), None)
        if inner is None:
            break
        state = inner
    if not isinstance(state, dict):
        raise BadInput(f"{path}: is not a state dict, but {type(state).__name__}")
    others = [key for key, weight in state.items() if not isinstance(weight, torch.Tensor)]
    if others:
        raise BadInput(
            f"{path}: is not a state dict: it holds other things than weights "
            f"({', '.join(map(repr, others[:3]))}); save the network's state dict alone"
        )
    return _unwrapped(state)


def _unwrapped(state: Weights) -> Weights:
    """Return weights by their own keys: without wrappers' names, and the counter of averages."""
    state = {key: weight for key, weight in state.items() if key != "n_averaged"}
    while state:
        wrapper = next((w for w in WRAPPERS if all(key.startswith(w) for key in state)), None)
        if wrapper is None:
            break
        state = {key.removeprefix(wrapper): weight for key, weight in state.items()}
    return state


def _known_otherwise(file: Path) -> str:
    """Return what a file is that people take for a checkpoint; empty if it may be one."""
    with file.open("rb") as opened:
        start = opened.read(200).lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the file itself; fetch it with: git lfs pull"
    if start.startswith((b"<!doctype html", b"<html")):
        return "is a web page, not a checkpoint; the download did not give the file"
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            if any(Path(name).name == "constants.pkl" for name in archive.namelist()):
                return "is a TorchScript program, not a state dict; save model.state_dict()"
    return ""


def load_weights(
    module: nn.Module, state: Weights, where: str, unused: tuple[str, ...] = ()
) -> None:
    """Load a state dict that must fit exactly.

    Parameters
    ----------
    module
        Network that gets the weights.
    state
        Weights by key.
    where
        What errors name.
    unused
        Beginnings of keys of parts that are not used, such as a classifier with other classes:
        what does not fit there is left out, and 0.

    Raises
    ------
    BadInput
        Naming the first keys that are missing, unknown, of another shape or not finite.
    """
    own: Any = module.state_dict()
    if unused:
        state = _without_unused(state, own, unused)
    # Checkpoints from before torch 0.4.1 lack these counters, which are not used here.
    missing = [k for k in own if k not in state and not k.endswith("num_batches_tracked")]
    unknown = [k for k in state if k not in own]
    misshapen = [k for k, w in state.items() if k in own and w.shape != own[k].shape]
    wrong = {"missing": missing, "unknown": unknown, "misshapen": misshapen}
    told = [
        f"{what} {', '.join(keys[:3])}{f' and {len(keys) - 3} more' if len(keys) > 3 else ''}"
        for what, keys in wrong.items()
        if keys
    ]
    if told:
        raise BadInput(f"{where}: does not fit the network: {'; '.join(told)}")
    for key, weight in state.items():
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all()):
            raise BadInput(f"{where}: weight {key} holds values that are not finite")
    # Some modules check the version that saved the state; all keys fit the current one.
    current: Any = OrderedDict(state)
    current._metadata = own._metadata
    module.load_state_dict(current, strict=False)


def unused_heads(layers: Iterable[Layer]) -> tuple[str, ...]:
    """Return the beginnings of keys that belong to no layer: the classifier, with most networks."""
    names = [f"{layer.name}." for layer in layers]
    return tuple(head for head in HEADS if not any(name.startswith(head) for name in names))


def _without_unused(state: Weights, own: Weights, unused: tuple[str, ...]) -> Weights:
    """Return weights whose unused parts are those of the network, 0 where they do not fit."""
    fits = {key for key, w in state.items() if key in own and w.shape == own[key].shape}
    kept = {key: w for key, w in state.items() if key in fits or not key.startswith(unused)}
    filled = {key: torch.zeros_like(w) for key, w in own.items() if key.startswith(unused)}
    return filled | kept


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
