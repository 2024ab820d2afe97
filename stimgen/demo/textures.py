"""Two-tone textures of the objects in the demo images, and the smooth noise of some of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]

Texture = Callable[[Plane, Plane, float, Plane], Plane]
"""Takes two coordinates and a pixel's width, all in periods, and a noise tile; gives coverage."""


def coverage(signed_distance: Plane, pixel: float) -> Plane:
    """Return the proportion of each pixel that lies inside, given distances to the outline.

    Parameters
    ----------
    signed_distance
        Negative inside.
    pixel
        Width of a pixel in the unit of the distances; wider values blur the edge.

    Returns
    -------
    numpy.ndarray
        Same shape, in [0, 1].
    """
    share: Plane = 0.5 - signed_distance * (1 / pixel)
    np.maximum(share, 0, out=share)
    np.minimum(share, 1, out=share)
    return share


def _triangle_wave(x: Plane) -> Plane:
    """Return a wave of period 1 and slope 1 between -0.25 and 0.25."""
    from_middle: Plane = np.abs(x - np.floor(x) - 0.5)
    return from_middle - 0.25


def plain(u: Plane, v: Plane, pixel: float, noise: Plane) -> Plane:
    return np.ones_like(u)


def striped(u: Plane, v: Plane, pixel: float, noise: Plane) -> Plane:
    return coverage(_triangle_wave(u), pixel)


def checked(u: Plane, v: Plane, pixel: float, noise: Plane) -> Plane:
    columns = coverage(_triangle_wave(0.62 * u), 0.62 * pixel)
    rows = coverage(_triangle_wave(0.62 * v), 0.62 * pixel)
    exactly_one: Plane = columns + rows - 2 * columns * rows
    return exactly_one


def dotted(u: Plane, v: Plane, pixel: float, noise: Plane) -> Plane:
    row = np.floor(v)
    across = u + 0.5 * row
    across, along = across - np.floor(across) - 0.5, v - row - 0.5
    from_centre: Plane = np.sqrt(across * across + along * along)
    return coverage(0.32 - from_centre, pixel)


def zigzag(u: Plane, v: Plane, pixel: float, noise: Plane) -> Plane:
    return coverage(_triangle_wave(u + 1.3 * _triangle_wave(0.6 * v)), 1.4 * pixel)


def marbled(u: Plane, v: Plane, pixel: float, noise: Plane) -> Plane:
    return coverage(sample_tile(noise, 1.3 * u, 1.3 * v) - 0.05, 2 * pixel)


TEXTURES: dict[str, Texture] = {
    "plain": plain,
    "striped": striped,
    "checked": checked,
    "dotted": dotted,
    "zigzag": zigzag,
    "marbled": marbled,
}


def sample_tile(tile: Plane, u: Plane, v: Plane) -> Plane:
    """Return a periodic tile at any coordinates, interpolated smoothly between its cells.

    Parameters
    ----------
    tile
        Square, its side a power of two.
    u, v
        Coordinates in cells.

    Returns
    -------
    numpy.ndarray
        Shape of the coordinates, in the range of the tile.
    """
    side = len(tile)
    column, row = np.floor(u), np.floor(v)
    right, down = u - column, v - row
    right *= right * (3 - 2 * right)
    down *= down * (3 - 2 * down)
    first = column.astype(np.int32) & (side - 1)
    above = (row.astype(np.int32) & (side - 1)) * side
    second, below = (first + 1) & (side - 1), (above + side) & (side * side - 1)
    cells = tile.ravel()
    top = cells[above + first] * (1 - right) + cells[above + second] * right
    bottom = cells[below + first] * (1 - right) + cells[below + second] * right
    value: Plane = top + (bottom - top) * down
    return value
