"""Units' activations for every image, kept on disk where a set needs more than the extremes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unitscope.errors import BadInput


class ActivationTable:
    """Images x units in a file, NaN where an image was not read; memory does not grow with it.

    Parameters
    ----------
    path
        Of the ``.npy`` file.
    columns
        Places of the units wanted among those that a sweep records.
    """

    def __init__(self, path: Path, columns: Sequence[int]) -> None:
        self.path = path
        self.columns = list(columns)

    def create(self, n_images: int) -> None:
        """Make the file, unless it is there; 4 bytes for each image and unit."""
        if self.path.exists():
            return
        partial = self.path.with_name(f".{self.path.name}.partial")
        # Not by way of a memory map: the system kills a process whose map a full disk cannot hold.
        with partial.open("wb") as file:
            np.lib.format.write_array_header_1_0(  # type: ignore[no-untyped-call]
                file,
                {"descr": "<f4", "fortran_order": False, "shape": (n_images, len(self.columns))},
            )
            for start in range(0, n_images, 1024):
                rows = min(1024, n_images - start)
                file.write(np.full((rows, len(self.columns)), np.nan, "<f4").tobytes())
        partial.replace(self.path)

    def record(self, indices: Sequence[int], activations: np.ndarray) -> None:
        """Take in activations, images x all units of a sweep, of images by their indices."""
        table = np.load(self.path, mmap_mode="r+", allow_pickle=False)
        table[list(indices)] = activations[:, self.columns]
        del table

    def of_unit(self, place: int, n_read: int) -> np.ndarray:
        """Return a unit's activation for every image, by its place in ``columns``.

        Raises
        ------
        BadInput
            If not as many images are there as the sweep has read.
        """
        table = np.load(self.path, mmap_mode="r", allow_pickle=False)
        values = np.array(table[:, place])
        del table
        if np.isfinite(values).sum() != n_read:
            raise BadInput(
                f"{self.path}: holds {np.isfinite(values).sum()} images, but {n_read} were read; "
                f"remove {self.path.parent} and build again"
            )
        return values
