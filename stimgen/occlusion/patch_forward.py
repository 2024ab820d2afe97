"""Exact activations for images that differ from one base image in a patch each.

The base image's activations are kept. A layer's values can differ only in a window that grows
with each kernel; so each operation is done on that window and its surroundings alone, taken from
the base where the patch has no reach (Nakandala et al., SIGMOD 2019).
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch

from stimgen.networks.network import Branch, Layer, Network, Reduction, Side, reduce_map
from stimgen.networks.preprocessing import resize, to_tensor
from stimgen.occlusion.patches import Patch
from stimgen.occlusion.tape import record
from stimgen.occlusion.windows import Base, Window, run, widen
from unitscope.vocabulary import Unit


class PatchForward:
    """Units' activations for one base image with a patch of other pixels.

    What a network does is written down while it sees the base image, and done again on windows;
    operations that are not known to be local are done on whole maps.

    Parameters
    ----------
    network
        Has the units.
    image
        Base image, square, 8 bit.
    units
        What to compute; branches that they do not need are left out.
    side, reduction
        What a unit's activation is.
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
        # By output: which units it holds, and on which of its channels.
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
            Of one size.
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
        """Return the window of the network's input, in 0..1, that holds all that differs."""
        top = torch.tensor([patch.y_px for patch in patches], device=self.device)
        left = torch.tensor([patch.x_px for patch in patches], device=self.device)
        content = to_tensor(list(inside), self.device)
        from_px = self.image.shape[0]
        if from_px == self.input_px:
            return Window(content, top, left)
        # Resizing is linear, and each axis by itself: the resized change is added to the base.
        before = np.stack([self.image[patch.slices] for patch in patches])
        change = content - to_tensor(list(before), self.device)
        weights = resizing_weights(from_px, self.input_px).to(self.device)
        size = patches[0].size_px
        top, rows = _rows_of(weights, top, size)
        left, columns = _rows_of(weights, left, size)
        change = rows[:, None] @ change @ columns[:, None].transpose(-1, -2)
        around = self._pixels.gather(top, left, rows.shape[1], columns.shape[1])
        return Window(around + change, top, left)


def _needed_layers(network: Network, units: Sequence[Unit]) -> list[Layer]:
    """Return the units' layers with those of their branches alone that hold one."""

    def is_needed(layer: Layer, branch: Branch) -> bool:
        return any(u.layer == layer.name and u.channel in branch.channels for u in units)

    layers = []
    for layer in network.layers:
        branches = tuple(branch for branch in layer.branches if is_needed(layer, branch))
        if branches:
            layers.append(dataclasses.replace(layer, branches=branches))
    return layers


@lru_cache(maxsize=4)
def resizing_weights(from_px: int, to_px: int) -> torch.Tensor:
    """Return the matrix, to x from, by which resizing mixes the rows of an image."""
    # Channel j is white in row j alone, so that its answer is the matrix's column j.
    rows = torch.eye(from_px)[None, :, :, None].expand(1, from_px, from_px, from_px)
    return resize(rows, to_px)[0, :, :, 0].T.contiguous()


def _rows_of(
    weights: torch.Tensor, start: torch.Tensor, size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the first of the rows that a patch has weight in, and the patch's weights there."""
    parts = [weights[:, s : s + size] for s in start.tolist()]
    touched = [part.any(1).nonzero().flatten() for part in parts]
    n = max(int(t[-1] - t[0]) + 1 for t in touched)
    first = [min(int(t[0]), len(weights) - n) for t in touched]
    stacked = torch.stack([part[f : f + n] for part, f in zip(parts, first, strict=True)])
    return torch.tensor(first, device=start.device), stacked
