"""Networks by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from stimgen.networks.compute_device import compute_in_full, keep_freed_memory
from stimgen.networks.made_networks import is_made, load_made, made_layers, timm_names
from stimgen.networks.network import Branch, Layer, Network, Precision, named_layers
from stimgen.networks.pooling import pool_before_relu
from stimgen.networks.torchvision_networks import (
    load_module,
    load_torchvision,
    normalisation,
    skeleton,
    torchvision_layers,
    torchvision_names,
)
from stimgen.networks.weights import hash_weights, load_weights, randomise, read_checkpoint
from unitscope.errors import BadInput, nearest

INCEPTION_BRANCHES = {"1x1": "branch1", "3x3": "branch2.1", "5x5": "branch3.1", "pool": "branch4.1"}
"""Branch names, and the paths of their last convolutions in GoogLeNet's blocks."""


def load_network(
    name: str,
    weights: str = "DEFAULT",
    *,
    seed: int = 0,
    input_px: int | None = None,
    device: torch.device | str = "cpu",
    precision: Precision = "fp32",
    mean: Sequence[float] | None = None,
    sd: Sequence[float] | None = None,
    layers: Sequence[str] = (),
) -> Network:
    """Load a network, frozen, in evaluation mode, with batch norms folded into convolutions.

    Parameters
    ----------
    name
        ``demo``, ``inception_v1``, the name of one of torchvision's classifiers, ``timm/NAME``
        where timm is installed, or ``package.module:function``, a function without arguments that
        returns a module.
    weights
        ``DEFAULT`` or another published name, ``random``, or a checkpoint's path (a state dict
        saved by torch or as safetensors). ``DEFAULT`` keeps those of a function's module.
    seed
        Seed of random weights.
    input_px
        Side of its input; the network's own if None.
    device
        Device on which it runs.
    precision
        ``fp32``, or ``bf16`` for :meth:`~stimgen.networks.network.Network.lower_precision`.
    mean, sd
        Per-channel normalisation of images in 0..1; the network's own if None.
    layers
        Names of the layers, all that are found if none. With timm and functions they may be paths
        of any modules that output maps.

    Raises
    ------
    BadInput
        If there is no such network, or its weights are not available, do not fit or are not
        finite, or it takes no images of that size.
    """
    _check_name(name)
    keep_freed_memory()
    compute_in_full()
    if is_made(name):
        network = load_made(name, weights, seed, input_px, device, mean=mean, sd=sd, layers=layers)
    else:
        load = _OWN.get(name) or partial(load_torchvision, name)
        network = load(weights, seed, input_px, device)
        network.normalise_by(mean or network.mean, sd or network.sd)
        network.layers = named_layers(name, network.layers, layers)
    if precision == "bf16":
        network.lower_precision()
    return network


def network_names() -> list[str]:
    """Return the names that :func:`load_network` knows."""
    return [*_plain_names(), *timm_names()]


def _plain_names() -> list[str]:
    return list(dict.fromkeys([*_OWN, *torchvision_names()]))


def network_layers(
    name: str, input_px: int | None = None, layers: Sequence[str] = ()
) -> tuple[Layer, ...]:
    """Return a network's layers without loading its weights, where they are not its function's.

    Parameters
    ----------
    name, input_px, layers
        As for :func:`load_network`.

    Raises
    ------
    BadInput
        If there is no such network or layer.
    """
    _check_name(name)
    if is_made(name):
        return made_layers(name, input_px, layers)
    return named_layers(name, _known_layers(name), layers)


def _known_layers(name: str) -> tuple[Layer, ...]:
    if name == "demo":
        from stimgen.demo.demo_network import DemoNetwork

        return inception_layers(DemoNetwork())
    if name == "inception_v1":
        from stimgen.networks.inception_v1 import inception_v1_layers

        return inception_v1_layers()
    if name == "googlenet":
        return inception_layers(skeleton(name, 224))
    return torchvision_layers(name)


def _check_name(name: str) -> None:
    if is_made(name):
        return
    names = _plain_names()
    if name not in names:
        raise BadInput(
            f"no network named {name!r} ('python -m stimgen networks' lists them)"
            f"{nearest(name, names)}"
        )


def _demo(weights: str, seed: int, input_px: int | None, device: torch.device | str) -> Network:
    from stimgen.demo.demo_network import INPUT_PX, load_demo_network

    module = load_demo_network()
    if weights == "random":
        randomise(module, seed)
    elif weights != "DEFAULT":
        load_weights(module, read_checkpoint(weights), weights)
    return inception_network("demo", module, input_px=input_px or INPUT_PX, device=device)


def _inception_v1(
    weights: str, seed: int, input_px: int | None, device: torch.device | str
) -> Network:
    from stimgen.networks.inception_v1 import INPUT_PX, MEAN, SD, InceptionV1, inception_v1_layers

    module = InceptionV1()
    if weights == "random":
        randomise(module, seed)
    elif weights == "DEFAULT":
        raise BadInput(
            "network 'inception_v1' comes without weights: give the path of a checkpoint as its "
            "weights (see docs/networks.md), or 'random' for an untrained network"
        )
    else:
        load_weights(module, read_checkpoint(weights, ()), weights)
    return Network(
        "inception_v1",
        module,
        inception_v1_layers(),
        input_px=input_px or INPUT_PX,
        mean=MEAN,
        sd=SD,
        weights_sha256=hash_weights(module),
        device=device,
    )


def _googlenet(
    weights: str, seed: int, input_px: int | None, device: torch.device | str
) -> Network:
    module, px, chosen = load_module("googlenet", weights, seed, input_px)
    mean, sd = normalisation("googlenet", chosen)
    return inception_network("googlenet", module, input_px=px, mean=mean, sd=sd, device=device)


_OWN: dict[str, Callable[[str, int, int | None, torch.device | str], Network]] = {
    "demo": _demo,
    "inception_v1": _inception_v1,
    "googlenet": _googlenet,
}
"""Networks whose layers are defined here; the layers of all others are discovered."""


def inception_network(
    name: str,
    module: nn.Module,
    *,
    input_px: int,
    mean: tuple[float, ...] = (0.0, 0.0, 0.0),
    sd: tuple[float, ...] = (1.0, 1.0, 1.0),
    device: torch.device | str = "cpu",
) -> Network:
    """Wrap a module with GoogLeNet's blocks: ``inception3a`` and so on, four branches each."""
    weights_sha256 = hash_weights(module)
    module.eval()
    layers = inception_layers(module)
    fold_batch_norms(module)
    pool_before_relu(module)
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


def inception_layers(module: nn.Module) -> tuple[Layer, ...]:
    """Return the layers of a module with GoogLeNet's blocks."""
    layers = []
    for path, block in module.named_children():
        if not path.startswith("inception"):
            continue
        branches: list[Branch] = []
        for branch, place in INCEPTION_BRANCHES.items():
            start = branches[-1].channels.stop if branches else 0
            n_channels = block.get_submodule(place).conv.out_channels  # type: ignore[union-attr]
            # Folding leaves an identity in place of the batch norm, so this path stays valid.
            where = f"{path}.{place}.bn"
            branches.append(Branch(branch, range(start, start + int(n_channels)), where))  # type: ignore[arg-type]
        alias = path.replace("inception", "mixed")
        layers.append(Layer(path, tuple(branches), (alias,)))
    return tuple(layers)


def fold_batch_norms(module: nn.Module) -> None:
    """Fold the batch norm of every ``conv``, ``bn`` pair into the convolution, in place."""
    for part in module.modules():
        conv, norm = getattr(part, "conv", None), getattr(part, "bn", None)
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            part.conv = fuse_conv_bn_eval(conv, norm)
            part.bn = nn.Identity()
