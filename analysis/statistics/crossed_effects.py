"""Random effects of crossed grouping factors, such as participants and units, stored sparsely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

Bound = tuple[float | None, float | None]
"""Smallest and largest value of a parameter; None where there is none."""

SINGULAR = 1e-3
"""A covariance counts as singular if the diagonal of its Cholesky factor falls below this."""


@dataclass(frozen=True)
class RandomTerm:
    """One grouping factor with its random intercept and slopes.

    Parameters
    ----------
    name
        Name of the factor.
    codes
        Shape (trials,); each trial's level, from 0.
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
    def n_parameters(self) -> int:
        """Number of entries of the covariance's lower Cholesky factor."""
        return self.n_columns * (self.n_columns + 1) // 2


class CrossedEffects:
    """The random effects ``A u`` of a mixed model, with ``A = Z L`` and ``u`` standard normal.

    The effects of one level of a term are ``b = L u``, so that their covariance is ``L L'`` (Bates,
    Maechler, Bolker & Walker, J. Stat. Softw. 2015, 67 (1)). The parameters ``theta`` are the
    entries of each term's lower triangular ``L``, row by row. A trial belongs to one level of each
    term, so that every row of ``A`` has the same number of entries other than 0, in columns that do
    not depend on ``theta``: only these are stored, as an array of shape (trials, k).

    Parameters
    ----------
    terms
        Grouping factors; their levels may cross.
    """

    def __init__(self, terms: Sequence[RandomTerm]) -> None:
        self.terms = tuple(terms)
        places, first = [], 0
        for term in self.terms:
            for _ in range(term.n_columns):
                places.append(first + term.codes)
                first += term.n_levels
        self.places = np.stack(places, axis=1) if places else np.zeros((0, 0), int)
        """Shape (trials, k): the columns of ``A`` that hold a trial's entries."""
        self.n_effects = first
        rows, columns = _lower(self.places.shape[1])
        flat = self.places[:, rows] * first + self.places[:, columns]
        self._pairs = rows, columns
        self._cells, self._cell_of = np.unique(flat.ravel(), return_inverse=True)

    def start(self) -> np.ndarray:
        """Return a starting ``theta``: standard deviations of 0.5, no correlations."""
        return np.concatenate([0.5 * np.eye(t.n_columns)[_lower(t.n_columns)] for t in self.terms])

    def bounds(self) -> list[Bound]:
        """Return bounds of ``theta``; the diagonals of the factors are 0 or more."""
        found: list[Bound] = []
        for term in self.terms:
            rows, columns = _lower(term.n_columns)
            found += [
                (0.0, 8.0) if r == c else (-8.0, 8.0) for r, c in zip(rows, columns, strict=True)
            ]
        return found

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

    def information(self, values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Return the lower triangle of ``A' W A + 1``, with ``W`` diagonal (1 if None)."""
        weighted = values if weights is None else values * weights[:, None]
        rows, columns = self._pairs
        products = (weighted[:, rows] * values[:, columns]).ravel()
        found = np.zeros((self.n_effects, self.n_effects))
        found.flat[self._cells] = np.bincount(self._cell_of, products, len(self._cells))
        # A trial's columns are in ascending order, so that every entry is in the lower triangle.
        found.flat[:: self.n_effects + 1] += 1
        return found

    def own_products(self, values: np.ndarray, inverse: np.ndarray) -> np.ndarray:
        """Return the entries of ``A B`` at :attr:`places`, for a symmetric ``B``."""
        own = inverse[self.places[:, :, None], self.places[:, None, :]]
        products: np.ndarray = np.einsum("tj,tjk->tk", values, own)
        return products

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
        return tuple(term.name for term, factor in factors if np.diag(factor).min() < SINGULAR)


def _lower(size: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.tril_indices(size)
    return rows, columns
