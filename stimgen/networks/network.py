"""Networks: layers, branches, units and their activations."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import nn

from stimgen.loops import can_loop_over
from stimgen.networks.pooling import replace_max_pools
from stimgen.networks.preprocessing import resize
from stimgen.networks.stem import replace_stem_convolutions
from unitscope.errors import BadInput, nearest
from unitscope.vocabulary import Unit

Side = Literal["pre", "post"]
Reduction = Literal["mean", "max", "centre"]
Layout = Literal["maps", "maps, channels last", "tokens"]
Precision = Literal["fp32", "bf16"]
Nonlinearity = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Branch:
    """Part of a layer.

    Parameters
    ----------
    name
        Such as ``3x3``; empty for a layer without branches.
    channels
        Its channels within the whole layer.
    module
        Path of the submodule that outputs the branch's pre-activations.
    input_of_call
        If given, the pre-activations are the input of the submodule (a nonlinearity) in this call,
        counted from 0 within a forward pass.
    """

    name: str
    channels: range
    module: str
    input_of_call: int | None = None


@dataclass(frozen=True)
class Layer:
    """A layer whose channels are units.

    Parameters
    ----------
    name
        Name of the layer.
    branches
        All its channels, in order.
    aliases
        Other accepted names.
    nonlinearity
        Maps its pre-activations to its activations; None if there is none.
    layout
        Layout of the submodules' outputs: images x channels x height x width, the same with the
        channels last, or images x tokens x channels, where the last tokens form a square map and
        those before them (such as a class token) have no position.
    """

    name: str
    branches: tuple[Branch, ...]
    aliases: tuple[str, ...] = ()
    nonlinearity: Nonlinearity | None = F.relu
    layout: Layout = "maps"

    @property
    def n_channels(self) -> int:
        """Number of channels over all branches."""
        return self.branches[-1].channels.stop

    def holding(self, channels: Collection[int]) -> Layer:
        """Return the layer with only those branches that hold any of the channels."""
        kept = (branch for branch in self.branches if any(c in branch.channels for c in channels))
        return replace(self, branches=tuple(kept))


def layer_named(network: str, layers: Sequence[Layer], name: str) -> Layer:
    """Return one of a network's layers by its name or by an alias.

    Raises
    ------
    BadInput
        If there is none, naming the nearest one.
    """
    for layer in layers:
        if name == layer.name or name in layer.aliases:
            return layer
    known = [n for layer in layers for n in (layer.name, *layer.aliases)]
    raise BadInput(f"network {network!r} has no layer {name!r}{nearest(name, known)}")


def named_layers(network: str, layers: Sequence[Layer], names: Sequence[str]) -> tuple[Layer, ...]:
    """Return a network's layers that have some names, in its order; all if there are none."""
    wanted = {layer_named(network, layers, name).name for name in names}
    return tuple(layer for layer in layers if not wanted or layer.name in wanted)


class _Reached(Exception):
    """Raised to end a forward pass once all requested values are computed."""


class Network:
    """A frozen network that returns the activations of its units.

    Parameters
    ----------
    name
        Name in the network registry.
    module
        Takes images x 3 x height x width; its output is not used. A layer's modules run once in a
        forward pass, except nonlinearities of which a branch names the call.
    layers
        In the order in which a forward pass computes them.
    input_px
        Side of the images that the network is made for.
    fixed_px
        Whether it takes no other size, so that all images are resized to ``input_px``.
    mean, sd
        Per-channel normalisation of images in 0..1.
    weights_sha256
        Hash of all weights.
    device
        Device on which it runs.
    """

    precision: Precision = "fp32"

    def __init__(
        self,
        name: str,
        module: nn.Module,
        layers: Sequence[Layer],
        *,
        input_px: int,
        fixed_px: bool = False,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        sd: Sequence[float] = (1.0, 1.0, 1.0),
        weights_sha256: str = "",
        device: torch.device | str = "cpu",
    ) -> None:
        self.name = name
        self.layers = tuple(layers)
        self.input_px = input_px
        self.fixed_px = fixed_px
        self.weights_sha256 = weights_sha256
        self.device = torch.device(device)
        module = module.eval().requires_grad_(False).to(self.device)
        replace_stem_convolutions(module)
        replace_max_pools(module)
        self.module = module
        self.lay_out(torch.channels_last)
        self.normalise_by(mean, sd)

    def normalise_by(self, mean: Sequence[float], sd: Sequence[float]) -> None:
        """Normalise images in 0..1 by a mean and standard deviation of each channel.

        Raises
        ------
        BadInput
            If these are not three numbers each, as those of images in 0..255 are not.
        """
        for key, values, fits, expected in (
            (
                "mean",
                mean,
                max(mean) <= 1,
                "up to 1, for images in 0..1 (others are divided by 255)",
            ),
            ("sd", sd, min(sd) > 0, "above 0"),
        ):
            if len(values) != 3 or not all(map(math.isfinite, values)) or not fits:
                raise BadInput(
                    f"network {self.name!r}: {key} is {values!r}, expected three numbers {expected}"
                )
        self.mean, self.sd = tuple(mean), tuple(sd)
        self._mean = torch.tensor(self.mean, device=self.device).view(3, 1, 1)
        self._sd = torch.tensor(self.sd, device=self.device).view(3, 1, 1)

    def lay_out(self, layout: torch.memory_format) -> None:
        """Compute with weights and maps in this order in memory; channels last is the fastest."""
        self.memory = layout
        for weight in itertools.chain(self.module.parameters(), self.module.buffers()):
            if weight.ndim == 4:
                weight.data = weight.data.contiguous(memory_format=layout)

    def lower_precision(self) -> None:
        """Compute in bfloat16, which has 8 instead of 24 bits of precision and the same range.

        Images are still given, and maps and activations returned, in 32 bits.
        """
        self.precision = "bf16"
        self.module = self.module.to(torch.bfloat16)

    def layer(self, name: str) -> Layer:
        """Return a layer by its name or by an alias.

        Raises
        ------
        BadInput
            If there is none, naming the nearest one.
        """
        return layer_named(self.name, self.layers, name)

    def unit(self, layer_name: str, branch_name: str, channel: int) -> Unit:
        """Return a unit under the layer's own name; an empty branch is inferred from the channel.

        Raises
        ------
        BadInput
            If there is no such layer or branch, or the channel is not in it.
        """
        layer = self.layer(layer_name)
        if not 0 <= channel < layer.n_channels:
            raise BadInput(
                f"layer {layer.name!r} of network {self.name!r} has no channel {channel}, "
                f"only 0..{layer.n_channels - 1}"
            )
        branch = next(b for b in layer.branches if channel in b.channels)
        names = [b.name for b in layer.branches]
        if branch_name and branch_name not in names:
            raise BadInput(
                f"layer {layer.name!r} of network {self.name!r} has no branch {branch_name!r}"
                f"{nearest(branch_name, names) or ', only ' + ', '.join(names)}"
            )
        if branch_name and branch_name != branch.name:
            raise BadInput(
                f"channel {channel} of layer {layer.name!r} of network {self.name!r} is in branch "
                f"{branch.name!r}, not {branch_name!r}"
            )
        return Unit(self.name, layer.name, branch.name, channel)

    def units(self, layers: Sequence[str] | None = None) -> list[Unit]:
        """Return all units of the named layers (of all layers if None), in order."""
        chosen = self.layers if layers is None else [self.layer(name) for name in layers]
        return [
            Unit(self.name, layer.name, branch.name, channel)
            for layer in chosen
            for branch in layer.branches
            for channel in branch.channels
        ]

    def maps(
        self, images: torch.Tensor, layers: Sequence[str | Layer], side: Side = "pre"
    ) -> dict[str, torch.Tensor]:
        """Return the activation maps of layers; the forward pass stops at the last branch needed.

        Parameters
        ----------
        images
            Images x 3 x height x width in 0..1; they keep their size unless the network takes only
            one.
        layers
            Names of layers, or layers, possibly without some branches (see :meth:`Layer.holding`).
        side
            Before or after the nonlinearity, which is a ReLU in most networks.

        Returns
        -------
        dict of str to torch.Tensor
            For each requested name, images x channels x height x width; the channels are those of
            the layer's branches in order.

        Raises
        ------
        BadInput
            If activations after the nonlinearity are requested of a layer without one, or the
            images need a gradient that the network does not pass on.
        """
        wanted = dict(
            (layer, self.layer(layer)) if isinstance(layer, str) else (layer.name, layer)
            for layer in layers
        )
        _check_side(self.name, wanted.values(), side)
        # A copy, because later operations may work in place.
        values = self._run(images, wanted.values(), lambda layer, value: value.clone())
        maps = {}
        for name, layer in wanted.items():
            parts = [_as_map(values[branch], layer.layout) for branch in layer.branches]
            together = torch.cat(parts, 1) if len(parts) > 1 else parts[0]
            if side == "post" and layer.nonlinearity is not None:
                together = layer.nonlinearity(together)
            if images.requires_grad and torch.is_grad_enabled() and not together.requires_grad:
                raise BadInput(
                    f"layer {layer.name!r} of network {self.name!r} passes no gradient to the "
                    "image, so that nothing can be rendered: it may compute without gradients"
                )
            maps[name] = together.float()
        return maps

    @torch.no_grad()
    def activations(
        self, images: torch.Tensor, layers: Sequence[str], side: Side, reduction: Reduction
    ) -> torch.Tensor:
        """Return every unit's activation for images of any size, resized to ``input_px`` first.

        Returns
        -------
        torch.Tensor
            Images x units: the channels of the layers in order.

        Raises
        ------
        BadInput
            As :meth:`maps` does.
        """
        wanted = [self.layer(name) for name in layers]
        _check_side(self.name, wanted, side)

        def reduce(layer: Layer, value: torch.Tensor) -> torch.Tensor:
            own = _as_map(value, layer.layout)
            if side == "post" and layer.nonlinearity is not None:
                own = layer.nonlinearity(own)
            # A copy, because the centre is a view of values that may later change in place.
            return reduce_map(own, reduction).clone()

        values = self._run(resize(images, self.input_px), wanted, reduce)
        return torch.cat([values[branch] for layer in wanted for branch in layer.branches], 1)

    def _run(
        self,
        images: torch.Tensor,
        layers: Iterable[Layer],
        take: Callable[[Layer, torch.Tensor], torch.Tensor],
    ) -> dict[Branch, torch.Tensor]:
        """Run a forward pass until all branches are computed, and return what ``take`` returned."""
        seen = resize(images, self.input_px) if self.fixed_px else images
        seen = (seen - self._mean) / self._sd
        if self.memory is not torch.channels_last:
            seen = seen.contiguous()
        if self.precision == "bf16":
            seen = seen.to(torch.bfloat16)
        layer_of = {branch: layer for layer in layers for branch in layer.branches}
        taken: dict[Branch, torch.Tensor] = {}

        def keep(branch: Branch, value: torch.Tensor) -> None:
            taken[branch] = take(layer_of[branch], value)
            if len(taken) == len(layer_of):
                raise _Reached

        def output_hook(branch: Branch) -> Any:
            return lambda module, inputs, output: keep(branch, output)

        def input_hook(branch: Branch) -> Any:
            calls = itertools.count()

            def hook(module: nn.Module, inputs: tuple[torch.Tensor]) -> None:
                if next(calls) == branch.input_of_call:
                    keep(branch, inputs[0])

            return hook

        handles = []
        for branch in layer_of:
            module = self.module.get_submodule(branch.module)
            if branch.input_of_call is None:
                handles.append(module.register_forward_hook(output_hook(branch)))
            else:
                handles.append(module.register_forward_pre_hook(input_hook(branch)))
        try:
            self.module(seen)
        except _Reached:
            pass
        finally:
            for handle in handles:
                handle.remove()
        return taken


def _check_side(network: str, layers: Iterable[Layer], side: Side) -> None:
    for layer in layers:
        if side == "post" and layer.nonlinearity is None:
            raise BadInput(
                f"layer {layer.name!r} of network {network!r} has no nonlinearity: it "
                "has activations on side 'pre' only"
            )


def _as_map(values: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Rearrange values to images x channels x height x width."""
    if layout == "maps, channels last":
        return values.movedim(-1, 1)
    if layout == "tokens":
        n_images, n_tokens, n_channels = values.shape
        side = math.isqrt(n_tokens)
        placed = values[:, n_tokens - side**2 :]
        return placed.transpose(1, 2).reshape(n_images, n_channels, side, side)
    return values


def reduce_map(maps: torch.Tensor, reduction: Reduction) -> torch.Tensor:
    """Reduce maps of ... x height x width to one number each: mean, maximum or central value.

    The results are in 32 bits, whatever the precision of the maps.
    """
    if reduction == "mean":
        return _mean(maps)
    if reduction == "max":
        return maps.amax((-2, -1)).float()
    return maps[..., maps.shape[-2] // 2, maps.shape[-1] // 2].float()


def _mean(maps: torch.Tensor) -> torch.Tensor:
    if maps.dtype != torch.bfloat16 or maps.requires_grad or not can_loop_over(maps):
        return maps.mean((-2, -1), dtype=torch.float32)
    # torch would sum a 32-bit copy, in twice the time.
    from stimgen.loops.compiled import stored
    from stimgen.loops.pooling_loops import means

    found = torch.empty(maps.shape[:2])
    means(stored(maps), found.numpy())
    return found
