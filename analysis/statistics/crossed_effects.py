"""Random effects of crossed grouping factors, such as participants and units, stored sparsely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import linalg

SINGULAR = 1e-3
"""A covariance counts as singular if the diagonal of its Cholesky factor falls below this."""

_DENSE = 1 / 10
"""Share of the crossed effects that a member meets from which they are faster all together."""

_CELLS_AT_ONCE = 2**22
"""Cells of members' matrices that are in memory at a time."""


@dataclass(frozen=True)
class RandomTerm:
    """One grouping factor with its random intercept and slopes.

    Parameters
    ----------
    name
        Name of the factor.
    codes
        Shape (trials,); each trial's level, from 0, every level with at least one trial.
    columns
        Shape (trials, columns); a column of ones for the intercept, others for slopes.
    column_names
        Names of the columns.
    """

    name: str
    codes: np.ndarray
    columns: np.ndarray
    column_names: tuple[str, ...]

    @property
    def n_levels(self) -> int:
        """Number of levels."""
        return int(self.codes.max()) + 1

    @property
    def n_columns(self) -> int:
        """Number of effects of each level."""
        return int(self.columns.shape[1])

    @property
    def n_effects(self) -> int:
        """Number of effects of all levels."""
        return self.n_levels * self.n_columns

    @property
    def n_parameters(self) -> int:
        """Number of entries of the covariance's lower Cholesky factor."""
        return self.n_columns * (self.n_columns + 1) // 2

    def levels_within(self, other: RandomTerm) -> np.ndarray | None:
        """Return each level's level of ``other``; None if one of them occurs in several.

        Examples
        --------
        >>> ones = np.ones((4, 1))
        >>> cells = RandomTerm("cell", np.array([0, 1, 2, 2]), ones, ("intercept",))
        >>> people = RandomTerm("participant", np.array([0, 0, 1, 1]), ones, ("intercept",))
        >>> cells.levels_within(people), people.levels_within(cells)
        (array([0, 0, 1]), None)
        """
        within = np.zeros(self.n_levels, int)
        within[self.codes] = other.codes
        return within if (within[self.codes] == other.codes).all() else None


class CrossedEffects:
    """The random effects ``A u`` of a mixed model, with ``A = Z L`` and ``u`` standard normal.

    The effects of one level of a term are ``b = L u``, so that their covariance is ``L L'`` (Bates,
    Maechler, Bolker & Walker, J. Stat. Softw. 2015, 67 (1)). The parameters ``theta`` are the
    entries of each term's lower triangular ``L``, row by row, with any sign: a column of ``L`` and
    its negative give the same covariance. A trial belongs to one level of each term, so that every
    row of ``A`` has the same number of entries other than 0, in columns that do not depend on
    ``theta``: only these are stored, as an array of shape (trials, k).

    No trial belongs to two members of a factor, so that ``A' W A`` has a block for each member, and
    no entries between members. ``u`` begins with the effects of one factor's members (and of terms
    nested within them), as many for each member; the effects of all other terms, which cross it,
    follow. The factor is the one that leaves the fewest of these.

    Parameters
    ----------
    terms
        Grouping factors; their levels may cross or be nested.
    """

    def __init__(self, terms: Sequence[RandomTerm]) -> None:
        self.terms = tuple(terms)
        n_trials = len(self.terms[0].codes)
        outer = min(self.terms, key=self._n_crossing)
        # Every trial's column within its member's block, for each column of a nested term.
        slots, in_block, self._size = [], [], 0
        crossing, self._n_crossed = [], 0
        for term in self.terms:
            within = term.levels_within(outer)
            width = term.n_columns
            if within is None:
                places = self._n_crossed + width * term.codes
                crossing += [places + column for column in range(width)]
                self._n_crossed += term.n_effects
            else:
                rank = pd.Series(within).groupby(within).cumcount().to_numpy()
                places = self._size + width * rank[term.codes]
                slots += [places + column for column in range(width)]
                self._size += width * (int(rank.max()) + 1)
            in_block += [within is not None] * width
        self._n_members = outer.n_levels
        self._member = outer.codes
        self._slots = np.stack(slots, axis=1)
        # A last effect that no trial has saves a special case where nothing crosses.
        self._n_crossed += 1
        self._crossing = np.stack(crossing, axis=1) if crossing else np.zeros((n_trials, 0), int)
        self._in_block = np.array(in_block)
        self._met, self._met_places = self._met_by_members()
        n_blocks = self._n_members * self._size
        self.n_effects = n_blocks + self._n_crossed
        self.places = np.zeros((n_trials, len(in_block)), int)
        """Shape (trials, k): the columns of ``A`` that hold a trial's entries."""
        self.places[:, self._in_block] = self._member[:, None] * self._size + self._slots
        self.places[:, ~self._in_block] = n_blocks + self._crossing

    def _n_crossing(self, outer: RandomTerm) -> int:
        return sum(term.n_effects for term in self.terms if term.levels_within(outer) is None)

    def _met_by_members(self) -> tuple[np.ndarray | None, np.ndarray]:
        """Return which crossed effects each member meets, and the place of each trial's among them.

        The first has the shape (members, most that one meets), filled up with the last effect; it
        is None where most members meet so many that all count for each.
        """
        cells = self._member[:, None] * self._n_crossed + self._crossing
        known, cell_of = np.unique(cells, return_inverse=True)
        member, effect = np.divmod(known, self._n_crossed)
        place = np.arange(len(known)) - np.searchsorted(member, member)
        most = int(place.max()) + 1 if len(known) else 1
        if most > _DENSE * self._n_crossed:
            return None, self._crossing
        met = np.full((self._n_members, most), self._n_crossed - 1)
        met[member, place] = effect
        return met, place[cell_of].reshape(self._crossing.shape)

    def start(self, sd: float = 0.5) -> np.ndarray:
        """Return a starting ``theta``: equal standard deviations, no correlations."""
        return np.concatenate([sd * np.eye(t.n_columns)[_lower(t.n_columns)] for t in self.terms])

    def factors(self, theta: np.ndarray) -> list[np.ndarray]:
        """Return each term's lower triangular factor ``L``."""
        found, place = [], 0
        for term in self.terms:
            factor = np.zeros((term.n_columns, term.n_columns))
            factor[_lower(term.n_columns)] = theta[place : place + term.n_parameters]
            place += term.n_parameters
            found.append(factor)
        return found

    def values(self, theta: np.ndarray) -> np.ndarray:
        """Return the entries of ``A`` at :attr:`places`, shape (trials, k)."""
        factors = self.factors(theta)
        return np.hstack([t.columns @ f for t, f in zip(self.terms, factors, strict=True)])

    def gradient(self, of_values: np.ndarray) -> np.ndarray:
        """Turn a gradient by the entries of ``A``, shape (trials, k), into one by ``theta``."""
        found, place = [], 0
        for term in self.terms:
            own = of_values[:, place : place + term.n_columns]
            # A = Z L, so that by the chain rule dD / dL = Z' (dD / dA).
            found.append((term.columns.T @ own)[_lower(term.n_columns)])
            place += term.n_columns
        return np.concatenate(found)

    def times(self, values: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return ``A u``."""
        products: np.ndarray = np.einsum("tk,tk->t", values, u[self.places])
        return products

    def transposed(self, values: np.ndarray, of_trials: np.ndarray) -> np.ndarray:
        """Return ``A' v`` for ``v`` of shape (trials,)."""
        weights = (values * of_trials[:, None]).ravel()
        sums: np.ndarray = np.bincount(self.places.ravel(), weights, self.n_effects)
        return sums

    def information(self, values: np.ndarray, weights: np.ndarray | None = None) -> Information:
        """Return ``A' W A + 1``, with ``W`` diagonal (1 if None), ready to solve with."""
        weighted = values if weights is None else values * weights[:, None]
        own, crossed = values[:, self._in_block], values[:, ~self._in_block]
        of_own, of_crossed = weighted[:, self._in_block], weighted[:, ~self._in_block]
        size, n_crossed = self._size, self._n_crossed
        blocks = self._block_cells.summed(of_own, own).reshape(-1, size, size)
        blocks += np.eye(size)
        coupling = self._coupling_cells.summed(of_own, crossed).reshape(len(blocks), size, -1)
        rest = self._crossed_cells.summed(of_crossed, crossed)
        rest.flat[:: n_crossed + 1] += 1
        return Information(blocks, coupling, rest, self._met)

    @cached_property
    def _block_cells(self) -> _SummedCells:
        rows = self.places[:, self._in_block]
        return _SummedCells(rows, self._slots, (self._n_members * self._size, self._size))

    @cached_property
    def _coupling_cells(self) -> _SummedCells:
        rows = self.places[:, self._in_block]
        width = self._n_crossed if self._met is None else self._met.shape[1]
        return _SummedCells(rows, self._met_places, (self._n_members * self._size, width))

    @cached_property
    def _crossed_cells(self) -> _SummedCells:
        return _SummedCells(self._crossing, self._crossing, (self._n_crossed, self._n_crossed))

    def own_products(self, values: np.ndarray, information: Information) -> np.ndarray:
        """Return the entries of ``A H^-1`` at :attr:`places`, with ``H`` the information."""
        blocks, coupling, rest = information.inverse()
        own, crossed = values[:, self._in_block], values[:, ~self._in_block]
        slots, places, met = self._slots, self._crossing, self._met_places
        found = np.empty_like(values)
        member = self._member[:, None, None]
        block = blocks[member, slots[:, :, None], slots[:, None, :]]
        across = coupling[member, slots[:, :, None], met[:, None, :]]
        last = rest[places[:, :, None], places[:, None, :]]
        found[:, self._in_block] = np.einsum("ti,tij->tj", own, block)
        found[:, self._in_block] += np.einsum("tj,tij->ti", crossed, across)
        found[:, ~self._in_block] = np.einsum("ti,tij->tj", own, across)
        found[:, ~self._in_block] += np.einsum("ti,tij->tj", crossed, last)
        return found

    def covariances(self, theta: np.ndarray) -> dict[str, pd.DataFrame]:
        """Return the covariance ``L L'`` of each term's effects, by the term's name."""
        found = {}
        for term, factor in zip(self.terms, self.factors(theta), strict=True):
            names = list(term.column_names)
            found[term.name] = pd.DataFrame(factor @ factor.T, names, names)
        return found

    def singular(self, theta: np.ndarray) -> tuple[str, ...]:
        """Return the names of the terms whose covariance is singular."""
        factors = zip(self.terms, self.factors(theta), strict=True)
        return tuple(term.name for term, own in factors if np.abs(np.diag(own)).min() < SINGULAR)


class _SummedCells:
    """Where sums over trials of products of two columns go in a matrix.

    Parameters
    ----------
    rows, columns
        Shapes (trials, i) and (trials, j): the product of a trial's i-th and j-th value is added at
        its i-th row and j-th column.
    shape
        Of the matrix.
    """

    def __init__(self, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> None:
        self._shape = shape
        flat = (rows[:, :, None] * shape[1] + columns[:, None, :]).ravel()
        self._cells, self._cell_of = np.unique(flat, return_inverse=True)

    def summed(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the matrix."""
        products = (first[:, :, None] * second[:, None, :]).ravel()
        found = np.zeros(self._shape)
        found.flat[self._cells] = np.bincount(self._cell_of, products, len(self._cells))
        return found


class Information:
    """A symmetric positive definite matrix, block-diagonal but for a few last rows and columns.

    With ``H = [[B, C], [C', R]]``, where ``B`` has blocks on its diagonal, all is done by way of
    the Schur complement ``S = R - C' B^-1 C`` (as in Bates et al., 2015, the random effects of the
    factor with most levels are eliminated first). ``S`` is dense, as most units are met by some
    participant together; ``C`` has few columns for each block, and only these are stored.

    Parameters
    ----------
    blocks
        ``B``: shape (blocks, size, size).
    coupling
        ``C``: shape (blocks, size, columns).
    rest
        ``R``: shape (rest, rest).
    columns
        Shape (blocks, columns): where each block's columns of ``coupling`` stand in ``C``, a column
        of zeros anywhere; None if they are all of ``C``.

    Examples
    --------
    >>> h = Information(np.full((2, 1, 1), 2.0), np.array([[[1.0]], [[0.0]]]), np.array([[3.0]]))
    >>> h.solve(np.array([3.0, 2.0, 4.0])).round(6), round(float(np.exp(h.log_determinant)), 6)
    (array([1., 1., 1.]), 10.0)
    """

    def __init__(
        self,
        blocks: np.ndarray,
        coupling: np.ndarray,
        rest: np.ndarray,
        columns: np.ndarray | None = None,
    ) -> None:
        # B = K K', so that S = R - M' M with M = K^-1 C.
        factors = np.linalg.cholesky(blocks)
        self._inverses = np.linalg.inv(factors)
        self._coupling = self._inverses @ coupling
        self._columns, self._n_rest = columns, len(rest)
        self._schur = linalg.cholesky(rest - self._explained(), lower=True)
        # |H| = |B| |S|, each the square of its factor's.
        diagonals = np.diagonal(factors, axis1=1, axis2=2).ravel(), np.diag(self._schur)
        self.log_determinant = 2 * float(sum(np.log(diagonal).sum() for diagonal in diagonals))

    def _explained(self) -> np.ndarray:
        """Return ``M' M``."""
        if self._columns is None:
            flat = self._coupling.reshape(-1, self._n_rest)
            whole: np.ndarray = flat.T @ flat
            return whole
        found = np.zeros(self._n_rest**2)
        for part in self._parts():
            own, places = self._coupling[part], self._columns[part]
            cells = places[:, :, None] * self._n_rest + places[:, None, :]
            products = own.swapaxes(1, 2) @ own
            found += np.bincount(cells.ravel(), products.ravel(), len(found))
        return found.reshape(self._n_rest, self._n_rest)

    def _parts(self) -> Iterator[slice]:
        """Yield as many blocks at a time as have matrices that fit into the memory."""
        n_blocks, _, width = self._coupling.shape
        step = max(1, _CELLS_AT_ONCE // width**2)
        yield from (slice(start, start + step) for start in range(0, n_blocks, step))

    def solve(self, b: np.ndarray) -> np.ndarray:
        """Return ``H^-1 b`` for ``b`` of shape (effects,) or (effects, columns)."""
        n_blocks, size, _ = self._inverses.shape
        n_rows = n_blocks * size
        # x2 = S^-1 (b2 - M' K^-1 b1),  x1 = K'^-1 (K^-1 b1 - M x2).
        first = self._inverses @ b[:n_rows].reshape(n_blocks, size, -1)
        last = b[n_rows:].reshape(self._n_rest, -1) - self._transposed(first)
        last = linalg.cho_solve((self._schur, True), last)
        of_blocks = last if self._columns is None else last[self._columns]
        rest = self._inverses.swapaxes(1, 2) @ (first - self._coupling @ of_blocks)
        solved: np.ndarray = np.concatenate([rest.reshape(n_rows, -1), last]).reshape(b.shape)
        return solved

    def _transposed(self, of_blocks: np.ndarray) -> np.ndarray:
        """Return ``M' b`` for ``b`` of shape (blocks, size, columns)."""
        if self._columns is None:
            flat = self._coupling.reshape(-1, self._n_rest)
            whole: np.ndarray = flat.T @ of_blocks.reshape(len(flat), -1)
            return whole
        of_blocks = self._coupling.swapaxes(1, 2) @ of_blocks
        places = self._columns.ravel()
        sums = [
            np.bincount(places, of_blocks[:, :, column].ravel(), self._n_rest)
            for column in range(of_blocks.shape[2])
        ]
        return np.stack(sums, axis=1)

    def inverse(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what ``H^-1`` has at the places of ``B``, ``C`` (as it is stored) and ``R``."""
        # (H^-1)_22 = S^-1,  (H^-1)_12 = -K'^-1 M S^-1,  (H^-1)_11 = K'^-1 (1 + M S^-1 M') K^-1.
        transposed = self._inverses.swapaxes(1, 2)
        lower, _ = linalg.lapack.dpotri(self._schur, lower=True)
        rest = np.tril(lower) + np.tril(lower, -1).T
        solved = transposed @ self._coupling
        if self._columns is None:
            across = -(solved.reshape(-1, self._n_rest) @ rest).reshape(solved.shape)
        else:
            across = np.empty_like(solved)
            for part in self._parts():
                places = self._columns[part]
                across[part] = -solved[part] @ rest[places[:, :, None], places[:, None, :]]
        blocks = transposed @ self._inverses - across @ solved.swapaxes(1, 2)
        return blocks, across, rest


def _lower(size: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.tril_indices(size)
    return rows, columns
