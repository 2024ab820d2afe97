"""Optimisations in progress, on disk, so that an interrupted one goes on where it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from stimgen.files import load_npz, save_npz
from unitscope.errors import BadInput


class Unfinished:
    """The file of one optimisation.

    Parameters
    ----------
    path
        Of the file; nothing is kept if None.
    every_s
        Shortest time between two times of writing it.
    """

    def __init__(self, path: Path | None = None, *, every_s: float = 60.0) -> None:
        self.path = path
        self.every_s = every_s
        self._saved_s = time.monotonic()

    def load(self) -> tuple[int, dict[str, np.ndarray]]:
        """Return how many steps are done, and the state then; none without a whole file."""
        if self.path is not None and self.path.exists():
            with suppress(BadInput, KeyError):
                arrays = load_npz(self.path, "an optimisation")
                return int(arrays.pop("n_steps")), arrays
        return 0, {}

    def save(self, n_steps: int, state: Mapping[str, np.ndarray]) -> None:
        """Write the state after so many steps."""
        if self.path is not None:
            save_npz({**state, "n_steps": np.array(n_steps)}, self.path)
            self._saved_s = time.monotonic()

    def save_sometimes(self, n_steps: int, state: Callable[[], Mapping[str, np.ndarray]]) -> None:
        """Write the state if the last time was long enough ago."""
        if self.path is not None and time.monotonic() - self._saved_s >= self.every_s:
            self.save(n_steps, state())

    def clear(self) -> None:
        """Remove the file: the optimisation's images are safe elsewhere."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
