"""What each process of a sweep has so far, on disk, so that nothing is lost or counted twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from stimgen.files import load_npz, save_npz
from stimgen.sweeps.ranks import Ranks
from stimgen.sweeps.tally import Tally
from unitscope.errors import BadInput


class Checkpoints:
    """The files of a sweep's parts, one for each rank of each number of ranks it ran with.

    A rank writes its own file only. Files of another number of ranks come from an earlier run and
    rest; their batches are done, so a sweep may go on with more or fewer processes.

    Parameters
    ----------
    folder
        Of the parts; the same for all ranks, so many machines need a folder that all can see.
    ranks
        This process among the others.
    every_s
        Shortest time between two checkpoints.
    """

    def __init__(self, folder: Path, ranks: Ranks | None = None, *, every_s: float = 30.0) -> None:
        self.folder = folder
        self.ranks = ranks or Ranks()
        self.every_s = every_s
        self._own = folder / f"rank{self.ranks.rank}-of-{self.ranks.world}.npz"

    def save(self, tally: Tally, mark: str) -> None:
        """Write this rank's part; ``mark`` tells sweeps of different things apart."""
        save_npz({**tally.arrays, "mark": np.array(mark)}, self._own)

    def resume(self, tally: Tally, mark: str) -> np.ndarray:
        """Fill an empty tally with what this rank has, and return which batches are done.

        What the other ranks of this run did is left out: it is none of this one's share.
        """
        done: np.ndarray = tally.done.copy()
        ending = f"-of-{self.ranks.world}.npz"
        for path in self._paths():
            if path != self._own and path.name.endswith(ending):
                continue
            if (arrays := _read(path, mark)) is None:
                continue
            if path == self._own:
                tally.merge(arrays)
            done |= arrays["done"]
        return done

    def merge(self, tally: Tally, mark: str) -> None:
        """Fill an empty tally with what all ranks have.

        Raises
        ------
        BadInput
            If a batch is missing, or done twice.
        """
        for path in self._paths():
            if (arrays := _read(path, mark)) is None:
                continue
            try:
                tally.merge(arrays)
            except ValueError:
                raise BadInput(
                    f"{path}: holds images of another part, as if two sweeps had run at once; "
                    f"remove {self.folder}"
                ) from None
        missing = int((~tally.done).sum())
        if missing:
            raise BadInput(
                f"{self.folder}: {missing} of {len(tally.done)} batches of images are missing; "
                "all ranks need the same --out, --images and settings"
            )

    def clear(self) -> None:
        """Remove the parts of all ranks."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("rank*-of-*.npz"))


def _read(path: Path, mark: str) -> dict[str, np.ndarray] | None:
    """Return a part, or None where it is another sweep's or damaged: its images are taken again."""
    try:
        arrays = load_npz(path, "a part of a sweep")
    except BadInput:
        return None
    return arrays if str(arrays.get("mark")) == mark else None
