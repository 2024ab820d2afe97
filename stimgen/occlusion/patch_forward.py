"""Exact activations for images that each differ from one base image in a patch.

The base image's activations are stored. A layer's values can differ only in a window that grows
with each kernel; so each operation is applied to that window and its surroundings, which are taken
from the base image's values (Nakandala et al., SIGMOD 2019).
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence

import numpy as np
import torch

from stimgen.networks.network import Branch, Layer, Network, Reduction, Side, reduce_map
from stimgen.networks.preprocessing import resize, resizing_weights, to_tensor
from stimgen.occlusion.map_windows import Base, Window, run, widen
from stimgen.occlusion.patches import Patch
from stimgen.occlusion.tape import record
from unitscope.vocabulary import Unit


class PatchForward:
    """Units' activations for a base image with one patch replaced.

    The network's operations on the base image are recorded and applied again to windows;
    operations that are not known to be local are applied to whole maps.

    Parameters
    ----------
    network
        Network of the units.
    image
        Base image, square, 8 bit.
    units
        Units to compute; branches that they do not need are omitted.
    side, reduction
        How a unit's activation is computed.
    """

    def __init__(
        self,
        network: Network,
        image: np.ndarray,
        units: Sequence[Unit],
        side: Side = "pre",
        reduction: Reduction = "mean",
    ) -> None:
        self.image, self.reduction = image, reduction
        self.device, self.input_px = network.device, network.input_px
        self.n_units = len(units)
        layers = _needed_layers(network, units)
        smaller = copy.copy(network)
        smaller.layers = tuple(layers)
        names = [layer.name for layer in layers]
        small = resize(to_tensor([image], self.device), self.input_px)
        self._pixels = Base(small)
        self._tape = record(lambda seen: smaller.maps(seen, names, side).values(), small)
        self._unused_after = self._tape.last_uses()
        self._bases = {index: Base(value) for index, value in self._tape.values.items()}
        # By output: the indices of its units, and their channels in it.
        self._places: dict[int, list[tuple[int, int]]] = {}
        for output, layer in zip(self._tape.outputs, layers, strict=True):
            channels = [channel for branch in layer.branches for channel in branch.channels]
            self._places[output] = [
                (column, channels.index(unit.channel))
                for column, unit in enumerate(units)
                if unit.layer == layer.name
            ]

    @torch.no_grad()
    def __call__(self, patches: Sequence[Patch], inside: np.ndarray) -> np.ndarray:
        """Return activations for images that each differ from the base in one patch.

        Parameters
        ----------
        patches
            Patches of one size.
        inside
            Their pixels: patches x size x size x 3, 8 bit.

        Returns
        -------
        numpy.ndarray
            Patches x units.
        """
        values: dict[int, object] = {}
        activations = torch.empty(len(patches), self.n_units)
        for index, operation in self._tape.operations.items():
            if operation is None:
                values[index] = self._input_window(patches, inside)
            else:
                values[index] = run(operation, index, values, self._bases)
            if index in self._places:
                columns, channels = zip(*self._places[index], strict=True)
                maps = self._whole(values[index], self._bases[index], list(channels))
                activations[:, list(columns)] = reduce_map(maps, self.reduction).cpu()
            for unused in self._unused_after[index]:
                del values[unused]
        return activations.numpy()

    def _whole(self, value: object, base: Base, channels: list[int]) -> torch.Tensor:
        if isinstance(value, Window):
            chosen = Window(value.content[:, channels], value.top, value.left)
            return widen(chosen, Base(base.value[:, channels]))
        assert isinstance(value, torch.Tensor)
        return value[:, channels]

    def _input_window(self, patches: Sequence[Patch], inside: np.ndarray) -> Window:
        """Return the window of the network's input, in 0..1, that contains all differences."""
        top = torch.tensor([patch.y_px for patch in patches], device=self.device)
        left = torch.tensor([patch.x_px for patch in patches], device=self.device)
        content = to_tensor(list(inside), self.device)
        from_px = self.image.shape[0]
        if from_px == self.input_px:
            return Window(content, top, left)
        # Resizing is linear and separable, so the resized difference is added to the base.
        before = np.stack([self.image[patch.slices] for patch in patches])
        change = content - to_tensor(list(before), self.device)
        weights = resizing_weights(from_px, self.input_px, self.device)
        size = patches[0].size_px
        top, rows = _rows_of(weights, top, size)
        left, columns = _rows_of(weights, left, size)
        change = rows[:, None] @ change @ columns[:, None].transpose(-1, -2)
        around = self._pixels.gather(top, left, rows.shape[1], columns.shape[1])
        return Window(around + change, top, left)


def _needed_layers(network: Network, units: Sequence[Unit]) -> list[Layer]:
    """Return the units' layers, with only the branches that contain units."""

    def is_needed(layer: Layer, branch: Branch) -> bool:
        return any(u.layer == layer.name and u.channel in branch.channels for u in units)

    layers = []
    for layer in network.layers:
        branches = tuple(branch for branch in layer.branches if is_needed(layer, branch))
        if branches:
            layers.append(dataclasses.replace(layer, branches=branches))
    return layers


def _rows_of(
    weights: torch.Tensor, start: torch.Tensor, size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the first row that depends on the patch, and the weights of the patch's rows."""
    parts = [weights[:, s : s + size] for s in start.tolist()]
    touched = [part.any(1).nonzero().flatten() for part in parts]
    n = max(int(t[-1] - t[0]) + 1 for t in touched)
    first = [min(int(t[0]), len(weights) - n) for t in touched]
    stacked = torch.stack([part[f : f + n] for part, f in zip(parts, first, strict=True)])
    return torch.tensor(first, device=start.device), stacked
