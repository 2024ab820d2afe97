"""Units' activations for every image, on disk, for sets that need more than the extremes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unitscope.disk import whole_file
from unitscope.errors import BadInput


class ActivationTable:
    """Images x units in a file, NaN where an image was not read; it is not held in memory.

    Parameters
    ----------
    path
        Path of the ``.npy`` file.
    columns
        Columns of the wanted units among all units that a sweep records.
    """

    def __init__(self, path: Path, columns: Sequence[int]) -> None:
        self.path = path
        self.columns = list(columns)

    def create(self, n_images: int) -> None:
        """Create the file unless it exists; it takes 4 bytes for each image and unit."""
        if self.path.exists():
            return
        # Not as a memory map: the system kills a process that writes to a map on a full disk.
        with whole_file(self.path, sync=False) as file:
            np.lib.format.write_array_header_1_0(  # type: ignore[no-untyped-call]
                file,
                {"descr": "<f4", "fortran_order": False, "shape": (n_images, len(self.columns))},
            )
            for start in range(0, n_images, 1024):
                rows = min(1024, n_images - start)
                file.write(np.full((rows, len(self.columns)), np.nan, "<f4").tobytes())

    def record(self, indices: Sequence[int], activations: np.ndarray) -> None:
        """Store activations (images x all units of a sweep) of the images with these indices."""
        table = np.load(self.path, mmap_mode="r+", allow_pickle=False)
        table[list(indices)] = activations[:, self.columns]
        del table

    def of_unit(self, place: int, n_read: int) -> np.ndarray:
        """Return a unit's activation for every image, by its index in ``columns``.

        Raises
        ------
        BadInput
            If the number of images differs from what the sweep has read.
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
