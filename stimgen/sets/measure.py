"""Activations measured from saved images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from stimgen.files import read_png
from stimgen.networks.network import Network
from stimgen.networks.preprocessing import to_tensor
from stimgen.studies.build_settings import ActivationSettings
from stimgen.sweeps.halving import Halving
from stimgen.sweeps.workers import with_network
from unitscope.vocabulary import Unit


def measure(
    network: Network,
    files: Sequence[tuple[Path, Unit]],
    activation: ActivationSettings,
    *,
    batch: int = 16,
    quiet: bool = False,
) -> np.ndarray:
    """Return the activation of each file's unit for that file.

    Batches that do not fit into memory are processed in halves.

    Parameters
    ----------
    network
        Network of the units.
    files
        PNG files of one size with their units.
    activation
        How a unit's activation is computed.
    batch
        Images in a forward pass.
    quiet
        Whether to show no progress.

    Returns
    -------
    numpy.ndarray
        One float64 per file.

    Raises
    ------
    BadInput
        If a file cannot be read, or a single image does not fit into memory.
    """
    batches: list[list[int]] = []
    for layer in dict.fromkeys(unit.layer for _, unit in files):
        places = [place for place, (_, unit) in enumerate(files) if unit.layer == layer]
        batches += [places[start : start + batch] for start in range(0, len(places), batch)]

    fitting = Halving()

    def work(own: Network, places: list[int]) -> tuple[list[int], np.ndarray]:
        units = [files[place][1] for place in places]
        pixels = to_tensor([read_png(files[place][0]) for place in places], own.device)
        layers = [units[0].layer]
        parts = fitting(
            lambda part: own.activations(part, layers, activation.side, activation.reduction),
            pixels,
        )
        measured = torch.cat(parts).cpu()
        return places, measured[range(len(units)), [unit.channel for unit in units]].numpy()

    values = np.empty(len(files))
    with tqdm(total=len(files), desc="measure", unit="image", disable=quiet) as progress:
        for places, measured in with_network(network, work, batches):
            values[places] = measured
            progress.update(len(places))
    return values
