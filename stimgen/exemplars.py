"""Choose, for each unit, the natural images that are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conditions.vocabulary import POLES, Unit
from stimgen.seeds import shuffled
from stimgen.sweep import Sweep


@dataclass(frozen=True)
class Exemplar:
    """A natural image with its place: pole, batch and rank, from 0 and rising with activation."""

    pole: str
    batch: int
    rank: int
    index: int


def bin_and_shuffle(
    ascending: Sequence[int], n_batches: int, n_bins: int, *seed: object
) -> list[list[int]]:
    """Cut images into rank bins and deal each bin out to the batches (Borowski et al., 2021).

    Parameters
    ----------
    ascending
        Indices of ``n_batches * n_bins`` images, the least activating first.
    n_batches, n_bins
        Number of batches, which is also a bin's size, and of bins.
    seed
        Decides, with the images, how each bin is shuffled.

    Returns
    -------
    list of list of int
        For each batch one image of each bin, the least activating bin first.
    """
    if len(ascending) != n_batches * n_bins:
        raise ValueError(f"got {len(ascending)} images, expected {n_batches} x {n_bins}")
    bins = [
        shuffled(ascending[start : start + n_batches], *seed)
        for start in range(0, len(ascending), n_batches)
    ]
    return [list(batch) for batch in zip(*bins, strict=True)]


def choose(sweep: Sweep, unit: Unit, n_batches: int, n_bins: int, seed: int) -> list[Exemplar]:
    """Choose a unit's natural images: min before max, then by batch and rank."""
    row, k = sweep.row(unit), n_batches * n_bins
    ascending = {
        "min": sweep.bottom_indices[row][:k].tolist(),
        "max": sweep.top_indices[row][:k][::-1].tolist(),
    }
    return [
        Exemplar(pole, batch, rank, index)
        for pole in POLES
        for batch, indices in enumerate(
            bin_and_shuffle(ascending[pole], n_batches, n_bins, seed, unit.name, pole)
        )
        for rank, index in enumerate(indices)
    ]
