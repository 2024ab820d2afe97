"""States of optimisations on disk, from which interrupted ones resume."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from stimgen.files import load_npz, save_npz
from unitscope.errors import BadInput


class SavedState:
    """The file with the state of one optimisation.

    Parameters
    ----------
    path
        Path of the file; nothing is saved if None.
    every_s
        Shortest time between two writes, in seconds.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     saved = SavedState(Path(folder) / "state.npz")
    ...     saved.save(12, {"code": np.zeros(3)})
    ...     saved.load()
    (12, {'code': array([0., 0., 0.])})
    """

    def __init__(self, path: Path | None = None, *, every_s: float = 60.0) -> None:
        self.path = path
        self.every_s = every_s
        self._saved_s = time.monotonic()

    def load(self) -> tuple[int, dict[str, np.ndarray]]:
        """Return the number of steps done and the state; 0 and nothing without a complete file."""
        if self.path is not None and self.path.exists():
            with suppress(BadInput, KeyError):
                arrays = load_npz(self.path, "an optimisation")
                return int(arrays.pop("n_steps")), arrays
        return 0, {}

    def save(self, n_steps: int, state: Mapping[str, np.ndarray]) -> None:
        """Write the state after a number of steps."""
        if self.path is not None:
            save_npz({**state, "n_steps": np.array(n_steps)}, self.path)
            self._saved_s = time.monotonic()

    def save_sometimes(self, n_steps: int, state: Callable[[], Mapping[str, np.ndarray]]) -> None:
        """Write the state if the last write was long enough ago."""
        if self.path is not None and time.monotonic() - self._saved_s >= self.every_s:
            self.save(n_steps, state())

    def clear(self) -> None:
        """Remove the file, once the images are saved."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
