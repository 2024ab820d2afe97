"""torchvision's classifiers by name, with published, checkpoint or random weights."""

from __future__ import annotations

import functools
import re
import urllib.error
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torchvision import models
from torchvision.models import WeightsEnum

from stimgen.networks.discovery import Discovered, discover
from stimgen.networks.network import Layer, Network
from stimgen.networks.weights import (
    Weights,
    first_line,
    hash_weights,
    load_weights,
    randomise,
    read_checkpoint,
    unused_heads,
)
from unitscope.errors import BadInput

_AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
"""Keys of auxiliary classifiers, which are used in training only."""

_WITH_AUXILIARY = ("googlenet", "inception_v3")
"""Networks with weights converted from TensorFlow, whose inputs are in -1..1."""

_SIZE_OPTIONS: dict[str, Callable[[int], dict[str, Any]]] = {
    "vit_": lambda px: {"image_size": px},
    "maxvit_": lambda px: {"input_size": (px, px)},
}
"""Options of networks that are built for one image size, by the prefix of their names."""


def torchvision_names() -> list[str]:
    """Return the names of all classifiers that torchvision builds."""
    names: list[str] = models.list_models(module=models)
    return names


def torchvision_layers(name: str) -> tuple[Layer, ...]:
    """Return a classifier's layers without creating its weights."""
    return _discovered(name).layers


def load_torchvision(
    name: str,
    weights: str,
    seed: int,
    input_px: int | None,
    device: torch.device | str,
) -> Network:
    """Load a classifier; see :func:`stimgen.networks.registry.load_network`."""
    module, px, chosen = load_module(name, weights, seed, input_px)
    if input_px is not None:
        _check_size(name, px)
    weights_sha256 = hash_weights(module)
    found = _discovered(name)
    found.fold(module.eval())
    mean, sd = normalisation(name, chosen)
    return Network(
        name,
        module,
        found.layers,
        input_px=px,
        fixed_px=bool(_size_options(name, px)),
        mean=mean,
        sd=sd,
        weights_sha256=weights_sha256,
        device=device,
    )


def normalisation(name: str, chosen: WeightsEnum) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the per-channel mean and standard deviation that normalise a classifier's input."""
    if name in _WITH_AUXILIARY:
        # torchvision normalises as for the others and converts to -1..1 within the network.
        return (0.5,) * 3, (0.5,) * 3
    seen = chosen.transforms()
    return tuple(seen.mean), tuple(seen.std)


def load_module(
    name: str, weights: str, seed: int, input_px: int | None
) -> tuple[nn.Module, int, WeightsEnum]:
    """Build a classifier with its weights.

    Returns
    -------
    tuple
        The module, the side of its input, and the published weights whose preprocessing applies.

    Raises
    ------
    BadInput
        If the weights are not available or do not fit, or the network takes no such images.
    """
    known = models.get_model_weights(name)
    published = {"DEFAULT": known.DEFAULT} | {member.name: member for member in known}
    chosen = published.get(weights, known.DEFAULT)
    own_px = _published_px(chosen) if weights in published else _own_px(name, chosen)
    px = input_px or own_px
    if weights in published and px != own_px and _size_options(name, px):
        raise BadInput(
            f"network {name!r} with weights {weights!r} takes images of {own_px} px only, "
            f"but input_px is {px}"
        )
    module = _build(name, px, seed)
    if weights == "random":
        randomise(module, seed)
        return module, px, chosen
    if weights in published:
        load_weights(module, _current_keys(_download(chosen, weights)), weights)
    else:
        state = _current_keys(read_checkpoint(weights, tuple(published)))
        load_weights(module, state, weights, unused=unused_heads(torchvision_layers(name)))
    return module, px, chosen


@functools.cache
def _discovered(name: str) -> Discovered:
    px = _own_px(name, models.get_model_weights(name).DEFAULT)
    return discover(skeleton(name, px), px)


def skeleton(name: str, px: int) -> nn.Module:
    """Build a classifier on the ``meta`` device, which has shapes without values."""
    with _EmptyOnMeta():
        return _build(name, px, 0).to("meta").eval()


class _EmptyOnMeta(TorchFunctionMode):
    """Creates weights without memory, and everything else as usual (some compute their widths)."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.empty:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


def _build(name: str, px: int, seed: int) -> nn.Module:
    options: dict[str, Any] = _size_options(name, px)
    if name in _WITH_AUXILIARY:
        options = {"aux_logits": False, "init_weights": False}
    try:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            module: nn.Module = models.get_model(name, weights=None, **options)
    except (ValueError, AssertionError) as error:
        message = f"network {name!r} cannot take images of {px} px"
        raise BadInput(f"{message} ({first_line(error)})") from None
    return module


def _check_size(name: str, px: int) -> None:
    """Raise ``BadInput`` if images are too small for a network."""
    try:
        with torch.no_grad():
            skeleton(name, px)(torch.zeros(1, 3, px, px, device="meta"))
    except (RuntimeError, ValueError, AssertionError) as error:
        message = f"network {name!r} cannot take images of {px} px"
        raise BadInput(f"{message} ({first_line(error)})") from None


def _size_options(name: str, px: int) -> dict[str, Any]:
    for beginning, options in _SIZE_OPTIONS.items():
        if name.startswith(beginning):
            return options(px)
    return {}


def _own_px(name: str, weights: WeightsEnum) -> int:
    # The default weights of vision transformers are often for larger images than the default size.
    return 224 if name.startswith("vit_") else _published_px(weights)


def _published_px(weights: WeightsEnum) -> int:
    return int(weights.transforms().crop_size[0])


def _current_keys(state: Weights) -> Weights:
    """Drop auxiliary classifiers, and rename DenseNet's keys to torchvision's current names."""
    old = re.compile(r"(\.denselayer\d+\.(?:norm|conv))\.([12]\.)")
    return {
        old.sub(r"\1\2", key): weight
        for key, weight in state.items()
        if not key.startswith(_AUXILIARY)
    }


def _download(chosen: WeightsEnum, weights: str) -> Weights:
    try:
        state: Weights = chosen.get_state_dict(progress=False, check_hash=True)
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        raise BadInput(
            f"weights {weights!r} cannot be downloaded ({first_line(error)}); "
            "give a checkpoint's path, or 'random' for an untrained network"
        ) from None
    return state
