"""Signed distances of the shapes that the demo images show."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]

EXTENT = 1.25
"""No shape reaches farther than this from its own centre, along either axis."""


def disc(u: Plane, v: Plane) -> Plane:
    radius: Plane = np.sqrt(u * u + v * v)
    return radius - 0.88


def square(u: Plane, v: Plane) -> Plane:
    farther: Plane = np.maximum(np.abs(u), np.abs(v))
    return farther - 0.78


def triangle(u: Plane, v: Plane) -> Plane:
    lowered = v + 0.12
    slanted = 0.8660254 * np.abs(u) + 0.5 * lowered
    farther: Plane = np.maximum(slanted, -lowered)
    return farther - 0.58


def star(u: Plane, v: Plane) -> Plane:
    # Two mirrors fold the five points onto one, whose edge is then a straight line.
    u = np.abs(u)
    beyond = np.maximum(0.809017 * u - 0.587785 * v, 0) * 2
    u, v = u - 0.809017 * beyond, v + 0.587785 * beyond
    beyond = np.maximum(-0.809017 * u - 0.587785 * v, 0) * 2
    u, v = u + 0.809017 * beyond, v + 0.587785 * beyond
    return 0.897 * np.abs(u) + 0.443 * (v - 1.12)


def ring(u: Plane, v: Plane) -> Plane:
    from_middle: Plane = np.abs(np.sqrt(u * u + v * v) - 0.7)
    return from_middle - 0.26


def cross(u: Plane, v: Plane) -> Plane:
    u, v = np.abs(u), np.abs(v)
    farther: Plane = np.maximum(np.maximum(u, v) - 1.0, np.minimum(u, v) - 0.34)
    return farther


SIGNED_DISTANCES: dict[str, Callable[[Plane, Plane], Plane]] = {
    "disc": disc,
    "square": square,
    "triangle": triangle,
    "star": star,
    "ring": ring,
    "cross": cross,
}
"""Shape name to its signed distance: negative inside, about 1 from the centre to the outline."""
