"""Minima of a deviance: searches from several starts, and whether what they find is a minimum."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from scipy import optimize
from threadpoolctl import threadpool_limits
from tqdm import tqdm

Deviance = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Takes parameters, returns the deviance and its gradient."""

FLAT = 1e-2
"""A curvature of the deviance that is nearer to 0 than this is taken for 0."""

_CLOSE = 1e-4
"""How far the deviance of a minimum may be above what a Newton step promises."""

_LOOKS = 6
"""How often a search goes on from a point that turns out to be no minimum."""


@dataclass(frozen=True)
class Minimum:
    """Where a deviance is lowest.

    Parameters
    ----------
    at
        The parameters.
    deviance
        The deviance there.
    hessian
        Its second derivatives there.
    converged
        Whether it is a minimum: flat, and curved upwards, if at all, in every direction.
    """

    at: np.ndarray
    deviance: float
    hessian: np.ndarray
    converged: bool


_PATIENCE_S = 2.0
"""How long a search goes on before it shows that it does."""


def minimise(
    deviance: Deviance, starts: Iterable[np.ndarray], limit: float, name: str = ""
) -> Minimum:
    """Return the lowest minimum of a deviance that searches from some starts lead to.

    A standard deviation of 0 is a minimum or a saddle, for the deviance does not depend on its
    sign: its gradient vanishes there either way. The lowest point that L-BFGS finds therefore
    counts as a minimum only if the Hessian has no negative eigenvalue; otherwise the search goes on
    along the eigenvector. Newton's method takes the last steps.

    Parameters
    ----------
    deviance
        Takes parameters, returns the deviance and its gradient.
    starts
        Where searches start.
    limit
        Largest absolute value of a parameter; a search that ends there has not converged.
    name
        What a search that takes long is called where it shows its progress, on a terminal; nothing
        is shown if it is empty.

    Examples
    --------
    >>> def deviance(x):
    ...     return float(x[0] ** 4 - 2 * x[0] ** 2), 4 * x**3 - 4 * x
    >>> found = minimise(deviance, [np.zeros(1)], 8.0)
    >>> abs(found.at).round(6), found.hessian.round(3), found.converged
    (array([1.]), array([[8.]]), True)
    """
    bar = tqdm(
        desc=name,
        unit=" steps",
        delay=_PATIENCE_S,
        leave=False,
        disable=None if name else True,  # None: unless stderr is a terminal
    )

    def counted(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        bar.update()
        return deviance(parameters)

    with bar, one_thread():
        return _lowest(counted, starts, limit)


def one_thread() -> AbstractContextManager[object]:
    """Let linear algebra use one thread.

    Threads of small matrix products wait for each other: on processors that other programs use too,
    two took a hundred times as long as one.

    Examples
    --------
    >>> with one_thread():
    ...     float(np.ones(2) @ np.ones(2))
    2.0
    """
    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits


def _lowest(deviance: Deviance, starts: Iterable[np.ndarray], limit: float) -> Minimum:
    def descend(start: np.ndarray) -> tuple[float, np.ndarray]:
        found = optimize.minimize(
            deviance,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(-limit, limit)] * len(start),
            options={"maxiter": 500, "ftol": 1e-11, "gtol": 1e-4},
        )
        return float(found.fun), found.x

    value, at = min((descend(start) for start in starts), key=lambda found: found[0])
    hessian = second_derivatives(deviance, at)
    for _ in range(_LOOKS):
        curvatures, directions = np.linalg.eigh(hessian)
        if curvatures[0] < -FLAT:
            aside = 0.3 * directions[:, 0]
            tried, there = min((descend(at + sign * aside) for sign in (1, -1)), key=lambda f: f[0])
            gain = 0.0
        else:
            curved = curvatures > FLAT
            slopes = directions.T @ deviance(at)[1]
            # x - H^-1 g, along what is curved; it lowers a quadratic function by g' H^-1 g / 2.
            step = directions[:, curved] @ (slopes[curved] / curvatures[curved])
            gain = float((slopes[curved] ** 2 / curvatures[curved]).sum() / 2)
            there = at - step
            tried = deviance(there)[0] if np.abs(there).max() < limit else np.inf
            if gain < _CLOSE:
                if tried < value:
                    value, at = tried, there
                return Minimum(at, value, hessian, bool(np.abs(at).max() < limit))
        if not tried < value:
            tried, there = descend(at)
        if not tried < value:
            break
        value, at = tried, there
        hessian = second_derivatives(deviance, at)
    return Minimum(at, value, hessian, False)


def second_derivatives(deviance: Deviance, at: np.ndarray) -> np.ndarray:
    """Return the Hessian, shape (parameters, parameters), by central differences of the gradient.

    Examples
    --------
    >>> second_derivatives(lambda x: (float(x @ x), 2 * x), np.ones(2)).round(6) + 0
    array([[2., 0.],
           [0., 2.]])
    """
    rows = []
    for i, step in enumerate(1e-4 * np.maximum(1, np.abs(at))):
        away = np.zeros(len(at))
        away[i] = step
        rows.append((deviance(at + away)[1] - deviance(at - away)[1]) / (2 * step))
    hessian = np.array(rows)
    symmetric: np.ndarray = (hessian + hessian.T) / 2
    return symmetric
