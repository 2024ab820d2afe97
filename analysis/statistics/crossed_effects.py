"""Random effects of groups that cross, such as participants and units, as few numbers a trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

SINGULAR = 1e-3
"""A factor whose diagonal falls below this has an effect of no variance, or one that others fix."""


@dataclass(frozen=True)
class RandomTerm:
    """One grouping factor with its random intercept and slopes.

    Parameters
    ----------
    name
        Of the factor.
    codes
        Shape (trials,); each trial's level, from 0.
    columns
        Shape (trials, q); a column of ones for the intercept, others for slopes.
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
        """Number of effects that each level has."""
        return int(self.columns.shape[1])

    @property
    def n_parameters(self) -> int:
        """Number of entries of the factor of the effects' covariance."""
        return self.n_columns * (self.n_columns + 1) // 2


class CrossedEffects:
    """The random part of a mixed model: effects ``A u``, ``A = Z L`` and u standard normal.

    ``L`` repeats, for each level of a term, the term's lower triangular factor; its entries, row
    by row, are the parameters. A trial belongs to one level of each term, so that each row of
    ``A`` holds the same few numbers, in columns that no parameter moves.

    Parameters
    ----------
    terms
        Grouping factors; their levels need not be nested.
    """

    def __init__(self, terms: Sequence[RandomTerm]) -> None:
        self.terms = tuple(terms)
        places, first = [], 0
        for term in self.terms:
            for _ in range(term.n_columns):
                places.append(first + term.codes)
                first += term.n_levels
        self.places = np.stack(places, axis=1) if places else np.zeros((0, 0), int)
        """Shape (trials, k): the columns of ``A`` in which a trial's numbers stand."""
        self.n_effects = first
        rows, columns = _lower(self.places.shape[1])
        flat = self.places[:, rows] * first + self.places[:, columns]
        self._pairs = rows, columns
        self._cells, self._cell_of = np.unique(flat.ravel(), return_inverse=True)

    def start(self) -> np.ndarray:
        """Return parameters to begin with: standard deviations of a half, no correlations."""
        return np.concatenate([0.5 * np.eye(t.n_columns)[_lower(t.n_columns)] for t in self.terms])

    def bounds(self) -> list[tuple[float | None, float | None]]:
        """Return the parameters' bounds: the factors' diagonals are 0 or more."""
        found: list[tuple[float | None, float | None]] = []
        for term in self.terms:
            rows, columns = _lower(term.n_columns)
            found += [
                (0.0, 8.0) if r == c else (-8.0, 8.0) for r, c in zip(rows, columns, strict=True)
            ]
        return found

    def factors(self, theta: np.ndarray) -> list[np.ndarray]:
        """Return each term's lower triangular factor."""
        found, place = [], 0
        for term in self.terms:
            factor = np.zeros((term.n_columns, term.n_columns))
            factor[_lower(term.n_columns)] = theta[place : place + term.n_parameters]
            place += term.n_parameters
            found.append(factor)
        return found

    def values(self, theta: np.ndarray) -> np.ndarray:
        """Return shape (trials, k): the numbers of ``A`` at :attr:`places`."""
        factors = self.factors(theta)
        return np.hstack([t.columns @ f for t, f in zip(self.terms, factors, strict=True)])

    def gradient(self, of_values: np.ndarray) -> np.ndarray:
        """Turn a derivative by the numbers of ``A``, shape (trials, k), into one by parameters."""
        found, place = [], 0
        for term in self.terms:
            own = of_values[:, place : place + term.n_columns]
            found.append((term.columns.T @ own)[_lower(term.n_columns)])
            place += term.n_columns
        return np.concatenate(found)

    def times(self, values: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return ``A u``."""
        products: np.ndarray = np.einsum("tk,tk->t", values, u[self.places])
        return products

    def transposed(self, values: np.ndarray, of_trials: np.ndarray) -> np.ndarray:
        """Return ``A' v`` for shape (trials,)."""
        weights = (values * of_trials[:, None]).ravel()
        sums: np.ndarray = np.bincount(self.places.ravel(), weights, self.n_effects)
        return sums

    def information(self, values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Return the lower triangle of ``A' W A + 1``."""
        weighted = values if weights is None else values * weights[:, None]
        rows, columns = self._pairs
        products = (weighted[:, rows] * values[:, columns]).ravel()
        found = np.zeros((self.n_effects, self.n_effects))
        found.flat[self._cells] = np.bincount(self._cell_of, products, len(self._cells))
        # Effects of one level stand in blocks of rising columns, so all is below the diagonal.
        found.flat[:: self.n_effects + 1] += 1
        return found

    def own_products(self, values: np.ndarray, inverse: np.ndarray) -> np.ndarray:
        """Return ``A B`` at :attr:`places`, shape (trials, k), for a symmetric matrix ``B``."""
        own = inverse[self.places[:, :, None], self.places[:, None, :]]
        products: np.ndarray = np.einsum("tj,tjk->tk", values, own)
        return products

    def covariances(self, theta: np.ndarray) -> dict[str, pd.DataFrame]:
        """Return the covariance of each term's effects, by their names."""
        found = {}
        for term, factor in zip(self.terms, self.factors(theta), strict=True):
            names = list(term.column_names)
            found[term.name] = pd.DataFrame(factor @ factor.T, names, names)
        return found

    def singular(self, theta: np.ndarray) -> tuple[str, ...]:
        """Return the terms whose effects' covariance has lost a dimension."""
        factors = zip(self.terms, self.factors(theta), strict=True)
        return tuple(term.name for term, factor in factors if np.diag(factor).min() < SINGULAR)


def _lower(size: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.tril_indices(size)
    return rows, columns
