"""Running statistics that do not depend on the order and grouping of the values.

All are held as integers, whose sums are exact: images may arrive in any order, from any number of
processes and over any number of interruptions.
"""

from __future__ import annotations

import math

import numpy as np
import torch

LARGEST_INDEX = 2**32 - 1

_LOWEST_OCTAVE, _HIGHEST_OCTAVE = -8, 8
_N_PER_SIGN = 8 * (_HIGHEST_OCTAVE - _LOWEST_OCTAVE)

_POSITIVE_EDGES = np.concatenate(
    [2.0**octave * (1 + np.arange(8) / 8) for octave in range(_LOWEST_OCTAVE, _HIGHEST_OCTAVE)]
)
HISTOGRAM_EDGES = np.concatenate(
    [[-np.inf], -_POSITIVE_EDGES[:0:-1], -_POSITIVE_EDGES[:1], _POSITIVE_EDGES, [np.inf]]
)
"""Edges of the bins of :class:`RunningHistogram`.

Each octave from 2**-8 to 2**8 is divided into 8 bins of equal width, on either side of zero;
smaller values fall into one bin, and the outermost bins have no outer edge. An edge belongs to the
bin that is farther from zero.
"""

_ROWS = 256
"""Number of rows summed at a time, so that their sums fit into the CPU's cache."""

Arrays = dict[str, np.ndarray]


class RunningTop:
    """The k largest or smallest values of each row, with their indices.

    A value and its index are combined in one integer, so that the result does not depend on the
    order or grouping of the values; of equal values the one with the smaller index is kept.

    Parameters
    ----------
    n_rows
        Number of rows (units).
    k
        Number of values to keep.
    device
        Device of the values.
    smallest
        Whether to keep the smallest values.
    """

    def __init__(
        self, n_rows: int, k: int, device: torch.device | str = "cpu", *, smallest: bool = False
    ) -> None:
        self.k = k
        self._sign = -1.0 if smallest else 1.0
        self._keys = torch.empty((n_rows, 0), dtype=torch.int64, device=device)

    def add(self, values: torch.Tensor, indices: torch.Tensor) -> None:
        """Add values (rows x new, float32) with their indices (new, below 2**32)."""
        values = self._sign * values.float()
        if self._keys.shape[1] < self.k:
            self._add_keys(_keys(values, indices))
            return
        # After a while nearly all values are below the smallest one kept.
        near = (values >= _values(self._keys.amin(1))[:, None]).contiguous()
        rows, columns = near.nonzero().unbind(1)
        counts = near.sum(1)
        places = torch.arange(len(rows), device=rows.device) - (counts.cumsum(0) - counts)[rows]
        keys = self._keys.new_full((len(counts), int(counts.max())), torch.iinfo(torch.int64).min)
        keys[rows, places] = _keys(values[rows, columns], indices[columns])
        self._add_keys(keys)

    def merge(self, arrays: Arrays) -> None:
        """Add the :attr:`arrays` of another instance."""
        self._add_keys(torch.from_numpy(arrays["keys"]).to(self._keys.device))

    @property
    def arrays(self) -> Arrays:
        """The whole state."""
        return {"keys": self._keys.cpu().numpy()}

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Return values (float32) and indices (int64), rows x k, the most extreme first."""
        keys = self._keys.sort(1, descending=True).values.cpu()
        # Adding 0 turns a negative zero into a positive one.
        values = 0 + self._sign * _values(keys)
        return values.numpy(), (LARGEST_INDEX - (keys & LARGEST_INDEX)).numpy()

    def _add_keys(self, new: torch.Tensor) -> None:
        keys = torch.cat([self._keys, new], 1)
        if keys.shape[1] > self.k:
            keys = keys.topk(self.k, sorted=False).values
        self._keys = keys


def _keys(values: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    # Flipping the lower bits of negative floats makes integers sort in the order of the floats.
    bits = (values + 0.0).contiguous().view(torch.int32)
    sortable = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).to(torch.int64)
    return (sortable << 32) | (LARGEST_INDEX - indices.to(torch.int64))


def _values(keys: torch.Tensor) -> torch.Tensor:
    bits = (keys >> 32).to(torch.int32)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).view(torch.float32)


class RunningMoments:
    """Exact sums of each row's values and of their squares (Kulisch and Miranker, 1986).

    A float32 is a 24-bit integer times a power of two. The integers are summed separately for every
    4 exponents, those of squares in two halves; no sum overflows below 2**32 values.
    """

    _EXPONENT_OF_ONE = 150

    def __init__(self, n_rows: int, device: torch.device | str = "cpu") -> None:
        self.n = 0
        # (values, lower halves of squares, upper halves of squares) x rows x groups of exponents.
        self._sums = torch.zeros((3, n_rows, 64), dtype=torch.int64, device=device)

    def add(self, values: torch.Tensor) -> None:
        """Add values, rows x new, finite float32."""
        for sums, part in zip(_parts(self._sums, 1), _parts(values, 0), strict=True):
            bits = part.float().contiguous().view(torch.int32)
            exponent, sign = (bits >> 23) & 0xFF, bits >> 31
            # Subnormal numbers have no leading bit, and the exponent of the smallest normal ones.
            whole = (bits & 0x7FFFFF) | (exponent.clamp(max=1) << 23)
            exponent = exponent.clamp(min=1)
            whole <<= exponent & 3
            group, wide = (exponent >> 2).long(), whole.long()
            square = wide * wide  # four times as fast as an integer power
            sums[0].scatter_add_(1, group, ((whole ^ sign) - sign).long())
            sums[1].scatter_add_(1, group, square & 0xFFFFFF)
            sums[2].scatter_add_(1, group, square >> 24)
        self.n += values.shape[1]

    def merge(self, arrays: Arrays) -> None:
        """Add the :attr:`arrays` of another instance."""
        self._sums += torch.from_numpy(arrays["sums"]).to(self._sums.device)
        self.n += int(arrays["n"])

    @property
    def arrays(self) -> Arrays:
        """The whole state."""
        return {"sums": self._sums.cpu().numpy(), "n": np.array(self.n)}

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation (divided by n, not n - 1), float64."""
        n, unit = self.n, 1 << self._EXPONENT_OF_ONE
        mean, sd = np.zeros(self._sums.shape[1]), np.zeros(self._sums.shape[1])
        sums = self._sums.cpu().numpy()
        for row in range(len(mean) if n else 0):
            # sd^2 = (n sum(x^2) - sum(x)^2) / n^2
            total = _weighed(sums[0, row], 4)
            squares = _weighed(sums[1, row], 8) + (_weighed(sums[2, row], 8) << 24)
            # Python divides integers of any size and rounds once.
            mean[row] = total / (n * unit)
            sd[row] = math.sqrt((n * squares - total * total) / (n * unit) ** 2)
        return mean, sd


def _parts(rows: torch.Tensor, axis: int) -> list[torch.Tensor]:
    starts = range(0, rows.shape[axis], _ROWS)
    return [rows.narrow(axis, i, min(_ROWS, rows.shape[axis] - i)) for i in starts]


def _weighed(sums: np.ndarray, bits: int) -> int:
    """Return the sum of sums[i] * 2**(bits * i)."""
    return sum(int(sums[i]) << bits * int(i) for i in sums.nonzero()[0])


class RunningHistogram:
    """Number of values of each row in each of the bins between :data:`HISTOGRAM_EDGES`."""

    def __init__(self, n_rows: int, device: torch.device | str = "cpu") -> None:
        n_bins = len(HISTOGRAM_EDGES) - 1
        self._counts = torch.zeros((n_rows, n_bins), dtype=torch.int64, device=device)

    def add(self, values: torch.Tensor) -> None:
        """Add values, rows x new, finite float32."""
        for counts, part in zip(_parts(self._counts, 0), _parts(values, 0), strict=True):
            bits = part.float().contiguous().view(torch.int32)
            # Without the sign, the upper bits of a float32 count eighths of octaves.
            below = 8 * (127 + _LOWEST_OCTAVE) - 1
            steps = (((bits & 0x7FFFFFFF) >> 20) - below).clamp(0, _N_PER_SIGN)
            sign = bits >> 31
            place = ((steps ^ sign) - sign + _N_PER_SIGN).long()
            counts.scatter_add_(1, place, counts.new_ones(1).expand_as(place))

    def merge(self, arrays: Arrays) -> None:
        """Add the :attr:`arrays` of another instance."""
        self._counts += torch.from_numpy(arrays["counts"]).to(self._counts.device)

    @property
    def arrays(self) -> Arrays:
        """The whole state."""
        return {"counts": self._counts.cpu().numpy()}

    def result(self) -> np.ndarray:
        """Return counts (int64), rows x bins."""
        return self._counts.cpu().numpy()
