"""A network as the rest of the package sees it: layers, branches, units and their activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import nn

from conditions.errors import BadInput, nearest
from conditions.vocabulary import Unit
from stimgen.preprocessing import resize

Side = Literal["pre", "post"]
Reduction = Literal["mean", "max", "centre"]


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
        Path of the submodule that puts out the branch's pre-activations.
    """

    name: str
    channels: range
    module: str


@dataclass(frozen=True)
class Layer:
    """A layer whose channels are units; ``aliases`` are other names users know it by."""

    name: str
    branches: tuple[Branch, ...]
    aliases: tuple[str, ...] = ()

    @property
    def n_channels(self) -> int:
        """Number of channels, all branches together."""
        return self.branches[-1].channels.stop


class _Reached(Exception):
    """Everything asked for has been computed."""


class Network:
    """A frozen network whose units can be asked for their activations.

    Parameters
    ----------
    name
        Name in the network registry.
    module
        Takes images x 3 x height x width and puts out anything; every layer's modules run once
        in a forward pass.
    layers
        In the order in which a forward pass computes them.
    input_px
        Side of the images that it is made for.
    mean, sd
        Per-channel normalisation of images in 0..1.
    weights_sha256
        Hash of all weights.
    device
        Where it runs.
    """

    def __init__(
        self,
        name: str,
        module: nn.Module,
        layers: Sequence[Layer],
        *,
        input_px: int,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        sd: Sequence[float] = (1.0, 1.0, 1.0),
        weights_sha256: str = "",
        device: torch.device | str = "cpu",
    ) -> None:
        self.name = name
        self.layers = tuple(layers)
        self.input_px = input_px
        self.weights_sha256 = weights_sha256
        self.device = torch.device(device)
        module = module.eval().requires_grad_(False).to(self.device)
        self.module = module.to(memory_format=torch.channels_last)
        self._mean = torch.tensor(mean, device=self.device).view(3, 1, 1)
        self._sd = torch.tensor(sd, device=self.device).view(3, 1, 1)

    def layer(self, name: str) -> Layer:
        """Return a layer by its name or by an alias.

        Raises
        ------
        BadInput
            If there is none, with the nearest name.
        """
        for layer in self.layers:
            if name == layer.name or name in layer.aliases:
                return layer
        known = [n for layer in self.layers for n in (layer.name, *layer.aliases)]
        raise BadInput(f"network {self.name!r} has no layer {name!r}{nearest(name, known)}")

    def unit(self, layer_name: str, branch_name: str, channel: int) -> Unit:
        """Return a unit, with the layer's own name; an empty branch is found by the channel.

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
        """Return all units of the named layers (of all, if None), in order."""
        chosen = self.layers if layers is None else [self.layer(name) for name in layers]
        return [
            Unit(self.name, layer.name, branch.name, channel)
            for layer in chosen
            for branch in layer.branches
            for channel in branch.channels
        ]

    def maps(
        self, images: torch.Tensor, layers: Sequence[str], side: Side = "pre"
    ) -> dict[str, torch.Tensor]:
        """Return the activation maps of layers; the forward pass stops at the last one needed.

        Parameters
        ----------
        images
            Images x 3 x height x width in 0..1, seen at the size they have.
        layers
            Names of layers.
        side
            Before or after the ReLU.

        Returns
        -------
        dict of str to torch.Tensor
            For each name asked for, images x channels x height x width.
        """
        wanted = {name: self.layer(name) for name in layers}
        paths = {branch.module for layer in wanted.values() for branch in layer.branches}
        outputs: dict[str, torch.Tensor] = {}

        def hook_for(path: str) -> Any:
            def hook(module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
                outputs[path] = output
                if len(outputs) == len(paths):
                    raise _Reached
                return output.clone()  # the ReLU that follows may work in place

            return hook

        handles = [
            self.module.get_submodule(path).register_forward_hook(hook_for(path)) for path in paths
        ]
        try:
            self.module((images - self._mean) / self._sd)
        except _Reached:
            pass
        finally:
            for handle in handles:
                handle.remove()
        maps = {
            name: torch.cat([outputs[branch.module] for branch in layer.branches], 1)
            for name, layer in wanted.items()
        }
        return maps if side == "pre" else {name: F.relu(m) for name, m in maps.items()}

    @torch.no_grad()
    def activations(
        self, images: torch.Tensor, layers: Sequence[str], side: Side, reduction: Reduction
    ) -> torch.Tensor:
        """Return every unit's activation for images of any size, brought to ``input_px`` first.

        Returns
        -------
        torch.Tensor
            Images x units, the layers' channels one after the other.
        """
        maps = self.maps(resize(images, self.input_px), layers, side)
        return torch.cat([reduce_map(maps[name], reduction) for name in layers], 1)


def reduce_map(maps: torch.Tensor, reduction: Reduction) -> torch.Tensor:
    """Reduce maps of ... x height x width to one number each: mean, max, or the centre's."""
    if reduction == "mean":
        return maps.mean((-2, -1))
    if reduction == "max":
        return maps.amax((-2, -1))
    return maps[..., maps.shape[-2] // 2, maps.shape[-1] // 2]
