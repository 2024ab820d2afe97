"""Intermediate results of each process of a sweep, from which an interrupted sweep resumes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from stimgen.files import load_npz, save_npz
from stimgen.sweeps.ranks import Ranks
from stimgen.sweeps.tally import Tally
from unitscope.errors import BadInput


class Checkpoints:
    """Files of a sweep's parts, one for each rank.

    A rank writes only its own file. Files from a run with another number of ranks are kept, and
    their batches count as done, so a sweep can resume with more or fewer processes.

    Parameters
    ----------
    folder
        Folder of the parts, the same for all ranks; several machines need a shared one.
    ranks
        Rank of this process, and the number of ranks.
    every_s
        Shortest time between two checkpoints, in seconds.
    """

    def __init__(self, folder: Path, ranks: Ranks | None = None, *, every_s: float = 30.0) -> None:
        self.folder = folder
        self.ranks = ranks or Ranks()
        self.every_s = every_s
        self._own = folder / f"rank{self.ranks.rank}-of-{self.ranks.world}.npz"

    def save(self, tally: Tally, mark: str) -> None:
        """Write this rank's part; ``mark`` is a hash of everything that determines the sweep."""
        save_npz({**tally.arrays, "mark": np.array(mark)}, self._own)

    def resume(self, tally: Tally, mark: str) -> np.ndarray:
        """Fill an empty tally with this rank's part, and return which batches are done.

        Parts of the other ranks of this run are ignored: they are not part of this rank's share.
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
        """Fill an empty tally with the parts of all ranks.

        Raises
        ------
        BadInput
            If a batch is missing or was processed twice.
        """
        for path in self._paths():
            if (arrays := _read(path, mark)) is None:
                continue
            try:
                tally.merge(arrays)
            except ValueError:
                raise BadInput(
                    f"{path}: holds images of another part, as after two simultaneous sweeps; "
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
    """Return a part; None if it is damaged or of another sweep, so that its images are redone."""
    try:
        arrays = load_npz(path, "a part of a sweep")
    except BadInput:
        return None
    return arrays if str(arrays.get("mark")) == mark else None
