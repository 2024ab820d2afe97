"""Networks by name, and where their weights come from."""

from __future__ import annotations

import hashlib
import pickle
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from conditions.errors import BadInput, nearest
from stimgen.networks import Branch, Layer, Network

Weights = dict[str, torch.Tensor]

INCEPTION_BRANCHES = {"1x1": "branch1", "3x3": "branch2.1", "5x5": "branch3.1", "pool": "branch4.1"}
"""Branch names, and where GoogLeNet's blocks keep the last convolution of each."""

CHECKPOINT_SUFFIXES = (".pt", ".pth", ".safetensors")


def load_network(
    name: str,
    weights: str = "DEFAULT",
    *,
    seed: int = 0,
    input_px: int | None = None,
    device: torch.device | str = "cpu",
) -> Network:
    """Load a network, frozen and in evaluation mode, its batch norms folded away.

    Parameters
    ----------
    name
        ``demo`` or ``googlenet``.
    weights
        ``DEFAULT`` or another published name, ``random``, or a checkpoint's path (a state dict
        saved by torch or as safetensors).
    seed
        Seed of random weights.
    input_px
        Side of the images it sees; its own if None.
    device
        Where it runs.

    Raises
    ------
    BadInput
        If there is no such network, or its weights cannot be had, do not fit or are not finite.
    """
    if name not in _NETWORKS:
        raise BadInput(
            f"no network named {name!r}, only {', '.join(_NETWORKS)}{nearest(name, _NETWORKS)}"
        )
    return _NETWORKS[name](weights, seed, input_px, device)


def network_names() -> list[str]:
    """Return the names that :func:`load_network` knows."""
    return list(_NETWORKS)


def _demo(weights: str, seed: int, input_px: int | None, device: torch.device | str) -> Network:
    from stimgen.demo.network import INPUT_PX, load_demo_network

    module = load_demo_network()
    if weights == "random":
        randomise(module, seed)
    elif weights != "DEFAULT":
        load_weights(module, read_checkpoint(weights), weights)
    return inception_network("demo", module, input_px=input_px or INPUT_PX, device=device)


def _googlenet(
    weights: str, seed: int, input_px: int | None, device: torch.device | str
) -> Network:
    from torchvision.models import GoogLeNet_Weights, googlenet

    module = googlenet(weights=None, aux_logits=False, init_weights=False, transform_input=True)
    if weights == "random":
        randomise(module, seed)
    else:
        published = {w.name: w for w in GoogLeNet_Weights} | {"DEFAULT": GoogLeNet_Weights.DEFAULT}
        if weights in published:
            state = _download(lambda: published[weights].get_state_dict(check_hash=True), weights)
        else:
            state = read_checkpoint(weights, tuple(published))
        # The auxiliary classifiers serve training only.
        state = {key: w for key, w in state.items() if not key.startswith(("aux1.", "aux2."))}
        load_weights(module, state, weights)
    return inception_network(
        "googlenet",
        module,
        input_px=input_px or 224,
        mean=(0.485, 0.456, 0.406),
        sd=(0.229, 0.224, 0.225),
        device=device,
    )


_NETWORKS: dict[str, Callable[[str, int, int | None, torch.device | str], Network]] = {
    "demo": _demo,
    "googlenet": _googlenet,
}


def inception_network(
    name: str,
    module: nn.Module,
    *,
    input_px: int,
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0),
    sd: tuple[float, float, float] = (1.0, 1.0, 1.0),
    device: torch.device | str = "cpu",
) -> Network:
    """Wrap a module with GoogLeNet's blocks: ``inception3a`` and so on, four branches each."""
    weights_sha256 = hash_weights(module)
    module.eval()
    layers = []
    for path, block in module.named_children():
        if not path.startswith("inception"):
            continue
        branches: list[Branch] = []
        for branch, place in INCEPTION_BRANCHES.items():
            start = branches[-1].channels.stop if branches else 0
            n_channels = block.get_submodule(place).conv.out_channels  # type: ignore[union-attr]
            # Folding leaves an identity in the batch norm's place, so this path stays right.
            where = f"{path}.{place}.bn"
            branches.append(Branch(branch, range(start, start + int(n_channels)), where))  # type: ignore[arg-type]
        alias = path.replace("inception", "mixed")
        layers.append(Layer(path, tuple(branches), (alias,)))
    fold_batch_norms(module)
    return Network(
        name,
        module,
        layers,
        input_px=input_px,
        mean=mean,
        sd=sd,
        weights_sha256=weights_sha256,
        device=device,
    )


def fold_batch_norms(module: nn.Module) -> None:
    """Fold the batch norm of every ``conv``, ``bn`` pair into the convolution, in place."""
    for part in module.modules():
        conv, norm = getattr(part, "conv", None), getattr(part, "bn", None)
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            part.conv = fuse_conv_bn_eval(conv, norm)
            part.bn = nn.Identity()


def randomise(module: nn.Module, seed: int) -> None:
    """Give a module untrained weights that keep the signal's size (He et al., 2015)."""
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
        If there is no such file or it holds no state dict.
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
        raise BadInput(f"{path}: not a checkpoint of plain weights; save a state dict") from None
    except Exception as error:  # the readers raise a dozen kinds, down to the zip reader's
        raise BadInput(f"{path}: not a checkpoint ({_first_line(error)})") from None
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(w, torch.Tensor) for w in state.values()):
        raise BadInput(f"{path}: holds no state dict")
    return {key.removeprefix("module."): w for key, w in state.items()}


def load_weights(module: nn.Module, state: Weights, where: str) -> None:
    """Load a state dict that must fit exactly.

    Raises
    ------
    BadInput
        Naming the first keys that are missing, unknown or of another shape, or not finite.
    """
    own = module.state_dict()
    # Checkpoints from before torch 0.4.1 have no such counters, and nothing here reads them.
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
    module.load_state_dict(state, strict=False)


def hash_weights(module: nn.Module) -> str:
    """Return the SHA-256 of names, shapes and values of all weights; file formats do not matter."""
    digest = hashlib.sha256()
    for key, weight in sorted(module.state_dict().items()):
        digest.update(f"{key} {tuple(weight.shape)} {weight.dtype}\n".encode())
        digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _download(fetch: Callable[[], Weights], weights: str) -> Weights:
    try:
        return fetch()
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        raise BadInput(
            f"weights {weights!r} cannot be downloaded ({_first_line(error)}); "
            "give a checkpoint's path, or 'random' for an untrained network"
        ) from None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
