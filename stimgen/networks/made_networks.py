"""Networks that other code makes: a function of the user's, or timm."""

from __future__ import annotations

import contextlib
import copy
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from stimgen.networks.discovery import Discovered, discover
from stimgen.networks.network import Layer, Network, named_layers
from stimgen.networks.weights import (
    first_line,
    hash_weights,
    load_weights,
    randomise,
    read_checkpoint,
    untrain,
    unused_heads,
)
from unitscope.errors import BadInput, nearest
from unitscope.named_functions import find_function, reason

TIMM = "timm/"
"""Beginning of the names of timm's networks."""

_OTHER_PX = 17
"""By how much larger images are with which it is tried whether a network takes other sizes."""


def is_factory(name: str) -> bool:
    """Return whether a network's name is that of a function that makes it."""
    return ":" in name


def is_made(name: str) -> bool:
    """Return whether a network's name is that of a function, or of one of timm's networks."""
    return is_factory(name) or name.startswith(TIMM)


def timm_names() -> list[str]:
    """Return the names of timm's networks; none where it is not installed."""
    if find_spec("timm") is None:
        return []
    import timm

    return [TIMM + name for name in timm.list_models()]


def made_layers(
    name: str, input_px: int | None = None, layers: Sequence[str] = ()
) -> tuple[Layer, ...]:
    """Return the layers of a network by its name; weights of timm's are not loaded."""
    module, px = _make(name, "random", 0, input_px)
    return _found(name, module, px, layers).layers


def load_made(
    name: str,
    weights: str,
    seed: int,
    input_px: int | None,
    device: torch.device | str,
    *,
    mean: Sequence[float] | None = None,
    sd: Sequence[float] | None = None,
    layers: Sequence[str] = (),
) -> Network:
    """Load a network; see :func:`stimgen.networks.registry.load_network`.

    What is not given is read from the module, from its attributes ``input_px``, ``mean``, ``sd``
    and ``layers``.
    """
    module, px = _make(name, weights, seed, input_px)
    mean, sd = (_stated(name, module, key, value) for key, value in (("mean", mean), ("sd", sd)))
    found = _found(name, module, px, layers)
    if weights == "random":
        _randomise(name, module, seed)
    elif weights != "DEFAULT":
        state = read_checkpoint(weights, ("DEFAULT",))
        load_weights(module, state, weights, unused=unused_heads(found.layers))
    weights_sha256 = hash_weights(module)
    found.fold(module)
    network = Network(
        name,
        module,
        found.layers,
        input_px=px,
        fixed_px=not _takes(module, px + _OTHER_PX),
        mean=mean,
        sd=sd,
        weights_sha256=weights_sha256,
        device=device,
    )
    _check_pass(network)
    return network


def _randomise(name: str, module: nn.Module, seed: int) -> None:
    if not is_factory(name):  # timm's was made without weights
        randomise(module, seed)
    elif kept := untrain(module, seed):
        more = f" and {len(kept) - 3} more" if len(kept) > 3 else ""
        message = f"network {name!r}: random weights do not replace {', '.join(kept[:3])}{more}"
        print(message, file=sys.stderr)


def _make(name: str, weights: str, seed: int, input_px: int | None) -> tuple[nn.Module, int]:
    """Return a module in evaluation mode, on the CPU, in 32 bits, and the side of its images."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        if name.startswith(TIMM):
            module = _make_by_timm(name, weights == "DEFAULT", input_px)
        else:
            module = _make_by_function(name)
    module = getattr(module, "_orig_mod", module)  # what torch.compile took
    try:
        module = module.cpu().float().eval().requires_grad_(False)
    except Exception as error:  # a module without weights as yet, or a TorchScript program
        raise BadInput(f"network {name!r} cannot be used ({reason(error)})") from None
    px: Any = input_px or getattr(module, "input_px", None)
    if px is None:
        raise BadInput(
            f"network {name!r} does not say the side of its images; give network.input_px, or set "
            "input_px on the module"
        )
    if not isinstance(px, int) or px < 1:
        raise BadInput(f"network {name!r}: input_px is {px!r}, expected a whole number of pixels")
    return module, px


def _make_by_function(name: str) -> nn.Module:
    function = find_function(name, "network")
    try:
        # What a user's function prints is no part of a command's output.
        with contextlib.redirect_stdout(sys.stderr):
            module = function()
    except BadInput:
        raise
    except (Exception, SystemExit) as error:  # a user's function may raise anything
        raise BadInput(f"network {name!r} could not be made ({reason(error)})") from None
    if not isinstance(module, nn.Module):
        raise BadInput(f"network {name!r} makes no torch.nn.Module, but {type(module).__name__}")
    return module


def _make_by_timm(name: str, pretrained: bool, input_px: int | None) -> nn.Module:
    if find_spec("timm") is None:
        raise BadInput(f"network {name!r} needs timm: pip install timm")
    import timm

    own = name.removeprefix(TIMM)
    if not timm.is_model(own.partition(".")[0]):
        names = timm_names()
        raise BadInput(f"timm has no network {own!r}{nearest(name, names)}")
    create: Callable[..., Any] = timm.create_model
    try:
        module = create(own, pretrained=pretrained)
        seen = timm.data.resolve_model_data_config(module)
        if input_px not in (None, seen["input_size"][-1]):
            # Transformers are built for one size, and most others know no such option.
            with contextlib.suppress(TypeError):
                module = create(own, pretrained=pretrained, img_size=input_px)
    except Exception as error:  # a download fails in many ways
        hint = "; give a checkpoint's path, or 'random' for an untrained network"
        raise BadInput(
            f"network {name!r} cannot be loaded ({first_line(error)}){hint if pretrained else ''}"
        ) from None
    module.input_px = seen["input_size"][-1]
    module.mean, module.sd = tuple(seen["mean"]), tuple(seen["std"])
    made: nn.Module = module
    return made


def _stated(
    name: str, module: nn.Module, key: str, given: Sequence[float] | None
) -> tuple[float, ...]:
    """Return a network's mean or standard deviation, as given or as its module says."""
    value: Any = given if given is not None else getattr(module, key, None)
    # A tensor of that name is what the module itself uses.
    if value is None or isinstance(value, torch.Tensor):
        raise BadInput(
            f"network {name!r} does not say how its input is normalised; give network.{key}, or "
            f"set {key} on the module (of red, green and blue in 0..1)"
        )
    try:
        return tuple(float(x) for x in value)
    except (TypeError, ValueError):
        raise BadInput(f"network {name!r}: {key} is {value!r}, expected three numbers") from None


def _found(name: str, module: nn.Module, px: int, given: Sequence[str]) -> Discovered:
    """Return the layers of a module: those given, those its ``layers`` name, or all."""
    named = tuple(given) or _named(name, module)
    try:
        found = discover(module, px, also=named)
    except Exception as error:  # whatever the user's module raises
        raise BadInput(
            f"network {name!r} cannot take images of {px} px ({reason(error)})"
        ) from None
    if not found.layers:
        raise BadInput(
            f"network {name!r} has no layers that output maps; name modules in network.layers"
        )
    known = {known for layer in found.layers for known in (layer.name, *layer.aliases)}
    parts = dict(module.named_modules())
    for other in named:
        if other not in known and other in parts:
            raise BadInput(
                f"network {name!r}: module {other!r} is no layer, as it outputs no maps or tokens "
                "or does not run exactly once in a pass"
            )
    return replace(found, layers=named_layers(name, found.layers, named))


def _named(name: str, module: nn.Module) -> tuple[str, ...]:
    """Return the layers that a module names; whatever else it calls ``layers`` is its own."""
    own: Any = getattr(module, "layers", ())
    if isinstance(own, str):
        raise BadInput(f"network {name!r}: layers is {own!r}, expected a list of names")
    is_named = isinstance(own, list | tuple) and all(isinstance(layer, str) for layer in own)
    return tuple(own) if is_named else ()


def _check_pass(network: Network) -> None:
    """Choose a layout in memory that a network takes, and refuse one whose passes are not pure."""
    try:
        copy.deepcopy(network.module)
    except Exception as error:  # such as a lock or an open file
        raise BadInput(
            f"network {network.name!r} cannot be copied, as it is for each thread ({reason(error)})"
        ) from None
    px = network.input_px
    names = [layer.name for layer in network.layers]
    images = torch.rand(2, 3, px, px, generator=torch.Generator().manual_seed(0))
    images = images.to(network.device).to(memory_format=torch.channels_last)
    try:
        try:
            together = network.activations(images, names, "pre", "mean")
        except Exception:  # such as a view of maps that is possible with channels first only
            network.lay_out(torch.contiguous_format)
            together = network.activations(images, names, "pre", "mean")
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # whatever the user's module raises
        raise BadInput(
            f"network {network.name!r} cannot take two images of {px} px at once ({reason(error)})"
        ) from None
    alone = network.activations(images[:1], names, "pre", "mean")
    if not torch.allclose(together[:1], alone, rtol=1e-2, atol=1e-3, equal_nan=True):
        raise BadInput(
            f"network {network.name!r} gives an image other activations in each pass or batch, as "
            "with dropout that is always on, or batch norms without running statistics"
        )


def _takes(module: nn.Module, px: int) -> bool:
    try:
        with torch.no_grad():
            module(torch.zeros(1, 3, px, px))
    except Exception:  # whatever the user's module raises
        return False
    return True
