"""Random effects of groups that cross, such as participants and units, as one sparse design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse


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
    """The random part of a mixed model: effects ``Z L u`` with u standard normal.

    ``L`` repeats, for each level of a term, the term's lower triangular factor; its entries, row
    by row, are the parameters.

    Parameters
    ----------
    terms
        Grouping factors; their levels need not be nested.
    """

    def __init__(self, terms: Sequence[RandomTerm]) -> None:
        self.terms = tuple(terms)
        self._designs = [self._design(term) for term in self.terms]

    @staticmethod
    def _design(term: RandomTerm) -> list[sparse.csr_matrix]:
        """Return, for each column of a term, trials x levels with the column's values."""
        rows = np.arange(len(term.codes))
        return [
            sparse.csr_matrix((values, (rows, term.codes)), (len(rows), term.n_levels))
            for values in term.columns.T
        ]

    @cached_property
    def n_parameters(self) -> int:
        """Number of parameters of all terms."""
        return sum(term.n_parameters for term in self.terms)

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

    def design(self, theta: np.ndarray) -> sparse.csr_matrix:
        """Return ``Z L``: trials x all effects."""
        blocks = []
        for columns, factor in zip(self._designs, self.factors(theta), strict=True):
            for j in range(len(columns)):
                blocks.append(sum(columns[i] * factor[i, j] for i in range(j, len(columns))))
        return sparse.hstack(blocks, format="csr")

    def standard_deviations(self, theta: np.ndarray) -> dict[str, dict[str, float]]:
        """Return the standard deviation of each term's effects, by name."""
        return {
            term.name: dict(
                zip(
                    term.column_names,
                    np.sqrt(np.diag(factor @ factor.T)).tolist(),
                    strict=True,
                )
            )
            for term, factor in zip(self.terms, self.factors(theta), strict=True)
        }


def _lower(size: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.tril_indices(size)
    return rows, columns
