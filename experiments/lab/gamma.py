"""The gamma curve of a monitor, fitted to measured luminances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from unitscope.errors import BadInput

MIN_LEVELS = 4
"""Smallest number of levels for a fit."""


@dataclass(frozen=True)
class GammaFit:
    """The luminance of a gun: ``minimum + (maximum - minimum) * level ** gamma``.

    Parameters
    ----------
    minimum_cd_m2, maximum_cd_m2
        Luminance at level 0 and at level 1.
    gamma
        Exponent; 1 is linear.
    worst_residual
        Largest absolute residual, as a share of the curve's range.
    """

    minimum_cd_m2: float
    maximum_cd_m2: float
    gamma: float
    worst_residual: float

    def luminance_cd_m2(self, levels: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return the fitted luminance at levels from 0 to 1."""
        span = self.maximum_cd_m2 - self.minimum_cd_m2
        curve: np.ndarray = self.minimum_cd_m2 + span * np.asarray(levels, float) ** self.gamma
        return curve


def fit_gamma(levels: Sequence[float], luminances_cd_m2: Sequence[float]) -> GammaFit:
    """Fit the curve to the measurements of one gun by least squares.

    Parameters
    ----------
    levels
        From 0 to 1.
    luminances_cd_m2
        Measured at these levels.

    Raises
    ------
    BadInput
        If there are too few levels, or luminance does not rise with the level.
    """
    x, y = np.asarray(levels, float), np.asarray(luminances_cd_m2, float)
    if len(np.unique(x)) < MIN_LEVELS:
        raise BadInput(f"{len(np.unique(x))} levels were measured, expected {MIN_LEVELS} or more")
    if x.min() < 0 or x.max() > 1:
        raise BadInput(f"levels reach from {x.min():g} to {x.max():g}, expected 0 to 1")
    low, high = y[x == x.min()].mean(), y[x == x.max()].mean()
    if not (np.isfinite(y).all() and low >= 0 and high > low):
        raise BadInput(
            f"luminance is {low:g} cd/m2 at the lowest level and {high:g} at the highest, "
            "expected it to rise"
        )

    def residuals(guess: np.ndarray) -> np.ndarray:
        minimum, span, gamma = guess
        off: np.ndarray = (minimum + span * x**gamma - y) / (high - low)
        return off

    fitted = least_squares(
        residuals, [low, high - low, 2.0], bounds=([0, 0, 0.2], [np.inf, np.inf, 8.0])
    )
    minimum, span, gamma = (float(value) for value in fitted.x)
    worst = float(np.abs(residuals(fitted.x)).max() * (high - low) / span)
    return GammaFit(minimum, minimum + span, gamma, worst)
