"""Running statistics of all units over the batches of a sweep, which can be merged."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from stimgen.sweeps.running import Arrays, RunningHistogram, RunningMoments, RunningTop


class Tally:
    """Extremes, moments and histograms of units, and the batches that they include.

    Parameters
    ----------
    n_units
        Number of units.
    k
        Number of images to keep at each pole.
    n_batches
        Number of batches in the whole sweep.
    device
        Device of the activations.
    wait
        Number of images whose activations are buffered and added together, which is faster and
        does not change the result.
    """

    def __init__(
        self,
        n_units: int,
        k: int,
        n_batches: int,
        device: torch.device | str = "cpu",
        *,
        wait: int = 1024,
    ) -> None:
        self._wait = wait
        self._buffer: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.tops = RunningTop(n_units, k, device)
        self.bottoms = RunningTop(n_units, k, device, smallest=True)
        self.moments = RunningMoments(n_units, device)
        self.histogram = RunningHistogram(n_units, device)
        self.done = np.zeros(n_batches, dtype=bool)
        self.skipped: dict[int, str] = {}

    def add(self, values: torch.Tensor, indices: torch.Tensor) -> None:
        """Add activations (units x new) of the images with these indices (new) to the buffer."""
        self._buffer.append((values, indices))
        if sum(len(indices) for _, indices in self._buffer) >= self._wait:
            self.flush()

    def flush(self) -> None:
        """Add the buffered activations to the statistics."""
        if not self._buffer:
            return
        values = torch.cat([values for values, _ in self._buffer], 1)
        indices = torch.cat([indices for _, indices in self._buffer])
        self._buffer.clear()
        self.tops.add(values, indices)
        self.bottoms.add(values, indices)
        self.moments.add(values)
        self.histogram.add(values)

    def merge(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Add the :attr:`arrays` of another tally.

        Raises
        ------
        ValueError
            If a batch is in both.
        """
        if (self.done & arrays["done"]).any():
            raise ValueError("a batch is in both tallies")
        for name, part in self._parts.items():
            start = f"{name}_"
            part.merge({k.removeprefix(start): arrays[k] for k in arrays if k.startswith(start)})
        self.done |= arrays["done"]
        faults = zip(arrays["faulty"].tolist(), arrays["faults"].tolist(), strict=True)
        self.skipped.update(faults)

    @property
    def arrays(self) -> Arrays:
        """The whole state."""
        self.flush()
        held = {
            f"{name}_{key}": array
            for name, part in self._parts.items()
            for key, array in part.arrays.items()
        }
        return held | {
            "done": self.done,
            "faulty": np.array(list(self.skipped), dtype=np.int64),
            "faults": np.array(list(self.skipped.values()), dtype=np.str_),
        }

    @property
    def _parts(self) -> dict[str, RunningTop | RunningMoments | RunningHistogram]:
        return {
            "tops": self.tops,
            "bottoms": self.bottoms,
            "moments": self.moments,
            "histogram": self.histogram,
        }
