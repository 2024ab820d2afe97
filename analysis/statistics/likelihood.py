"""The best parameters of a deviance whose slope is known, and its curvature there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import optimize

Deviance = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Takes parameters, returns the deviance and its gradient."""


def minimise(
    deviance: Deviance, start: np.ndarray, bounds: Sequence[tuple[float | None, float | None]]
) -> tuple[np.ndarray, bool]:
    """Return the best parameters within bounds, and whether the search came to its end."""
    found = optimize.minimize(
        deviance,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 300, "ftol": 1e-11, "gtol": 1e-4},
    )
    best: np.ndarray = found.x
    return best, bool(found.success)


def second_derivatives(deviance: Deviance, at: np.ndarray) -> np.ndarray:
    """Return the second derivatives, by central differences of the gradient."""
    rows = []
    for i, step in enumerate(1e-4 * np.maximum(1, np.abs(at))):
        away = np.zeros(len(at))
        away[i] = step
        rows.append((deviance(at + away)[1] - deviance(at - away)[1]) / (2 * step))
    hessian = np.array(rows)
    symmetric: np.ndarray = (hessian + hessian.T) / 2
    return symmetric
