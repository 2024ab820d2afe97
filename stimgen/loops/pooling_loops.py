"""Max pooling over 3 x 3 windows and its gradient, and means over whole maps, channels last.

Positions in a window are numbered from 0 to 8, row by row. Of equal values the first is the
maximum, and NaN is larger than all numbers, as in torch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stimgen.loops.compiled import compiled, inlined, number, rounded

_NOWHERE = 255
"""Number that is no position in a window."""


@compiled
def highest(maps: np.ndarray, stride: int, padding: int, found: np.ndarray) -> None:
    """Fill ``found`` with the maximum of each window.

    Parameters
    ----------
    maps
        Images x height x width x channels.
    stride, padding
        Stride and padding of the windows.
    found
        Images x height x width x channels of the result.
    """
    for image in range(len(maps)):
        for row in range(found.shape[1]):
            for column in range(found.shape[2]):
                y, x = row * stride - padding, column * stride - padding
                v0, v1, v2, v3, v4, v5, v6, v7, v8, _ = _values(maps[image], y, x)
                to = found[image, row, column]
                for i in range(len(to)):
                    high = number(v0[i])
                    high = _higher(high, v1[i])
                    high = _higher(high, v2[i])
                    high = _higher(high, v3[i])
                    high = _higher(high, v4[i])
                    high = _higher(high, v5[i])
                    high = _higher(high, v6[i])
                    high = _higher(high, v7[i])
                    high = _higher(high, v8[i])
                    to[i] = rounded(high, v0[i])


@compiled
def highest_and_place(
    maps: np.ndarray, stride: int, padding: int, found: np.ndarray, place: np.ndarray
) -> None:
    """Fill ``found`` as :func:`highest` does, and ``place`` (uint8) with the maxima's positions."""
    for image in range(len(maps)):
        for row in range(found.shape[1]):
            for column in range(found.shape[2]):
                y, x = row * stride - padding, column * stride - padding
                v0, v1, v2, v3, v4, v5, v6, v7, v8, first = _values(maps[image], y, x)
                to, at = found[image, row, column], place[image, row, column]
                for i in range(len(to)):
                    best = number(v0[i]), first
                    best = _higher_at(best, v1[i], 1)
                    best = _higher_at(best, v2[i], 2)
                    best = _higher_at(best, v3[i], 3)
                    best = _higher_at(best, v4[i], 4)
                    best = _higher_at(best, v5[i], 5)
                    best = _higher_at(best, v6[i], 6)
                    best = _higher_at(best, v7[i], 7)
                    best = _higher_at(best, v8[i], 8)
                    to[i], at[i] = rounded(best[0], v0[i]), best[1]


@inlined
def _values(maps: np.ndarray, y: int, x: int) -> tuple[Any, ...]:
    """Return the nine values of a window and the first position that lies inside the maps.

    The value at that position stands for positions outside, which does not change the maximum.
    """
    height, width = maps.shape[:2]
    y0, x0 = max(y, 0), max(x, 0)
    v0 = maps[y0, x0]
    left, middle, right = x >= 0, x + 1 < width, x + 2 < width
    v1 = maps[y, x + 1] if y >= 0 and middle else v0
    v2 = maps[y, x + 2] if y >= 0 and right else v0
    v3 = maps[y + 1, x] if y + 1 < height and left else v0
    v4 = maps[y + 1, x + 1] if y + 1 < height and middle else v0
    v5 = maps[y + 1, x + 2] if y + 1 < height and right else v0
    v6 = maps[y + 2, x] if y + 2 < height and left else v0
    v7 = maps[y + 2, x + 1] if y + 2 < height and middle else v0
    v8 = maps[y + 2, x + 2] if y + 2 < height and right else v0
    return v0, v1, v2, v3, v4, v5, v6, v7, v8, np.uint8(3 * (y0 - y) + x0 - x)


@inlined
def _higher(high: float, value: float) -> float:
    own = number(value)
    return own if (own > high) | (own != own) else high


@inlined
def _higher_at(best: tuple[float, int], value: float, place: int) -> tuple[float, int]:
    high, at = best
    own = number(value)
    is_higher = (own > high) | (own != own)
    return (own if is_higher else high), (np.uint8(place) if is_higher else at)


@compiled
def spread_by_1(gradient: np.ndarray, place: np.ndarray, padding: int, spread: np.ndarray) -> None:
    """Fill ``spread`` with the gradient of the input of a pool with stride 1.

    Parameters
    ----------
    gradient, place
        Images x height x width x channels of the output; ``place`` from
        :func:`highest_and_place`.
    padding
        Padding of the windows.
    spread
        Images x height x width x channels of the input.
    """
    n_images, height, width, n_channels = spread.shape
    nowhere = np.full(n_channels, _NOWHERE, np.uint8)
    for image in range(n_images):
        given, at = gradient[image], place[image]
        for y in range(height):
            row = y + padding
            for x in range(width):
                column = x + padding
                # The nine windows that contain a pixel, in the order in which torch sums them.
                g0, p0 = _window(given, at, row - 2, column - 2, nowhere)
                g1, p1 = _window(given, at, row - 2, column - 1, nowhere)
                g2, p2 = _window(given, at, row - 2, column, nowhere)
                g3, p3 = _window(given, at, row - 1, column - 2, nowhere)
                g4, p4 = _window(given, at, row - 1, column - 1, nowhere)
                g5, p5 = _window(given, at, row - 1, column, nowhere)
                g6, p6 = _window(given, at, row, column - 2, nowhere)
                g7, p7 = _window(given, at, row, column - 1, nowhere)
                g8, p8 = _window(given, at, row, column, nowhere)
                to = spread[image, y, x]
                for i in range(n_channels):
                    total = _taken(g0[i], p0[i], 8)
                    total += _taken(g1[i], p1[i], 7)
                    total += _taken(g2[i], p2[i], 6)
                    total += _taken(g3[i], p3[i], 5)
                    total += _taken(g4[i], p4[i], 4)
                    total += _taken(g5[i], p5[i], 3)
                    total += _taken(g6[i], p6[i], 2)
                    total += _taken(g7[i], p7[i], 1)
                    total += _taken(g8[i], p8[i], 0)
                    to[i] = rounded(total, g0[i])


@compiled
def spread_by_2(gradient: np.ndarray, place: np.ndarray, padding: int, spread: np.ndarray) -> None:
    """Fill ``spread`` with the gradient of the input of a pool with stride 2.

    See :func:`spread_by_1`; here each 2 x 2 pixels are contained in the same four windows.
    """
    n_images, height, width, n_channels = spread.shape
    nowhere = np.full(n_channels, _NOWHERE, np.uint8)
    beyond = np.empty((4, n_channels), spread.dtype)
    for image in range(n_images):
        given, at, to = gradient[image], place[image], spread[image]
        for row in range((height + padding + 1) // 2):
            y = 2 * row - padding
            for column in range((width + padding + 1) // 2):
                x = 2 * column - padding
                g0, p0 = _window(given, at, row - 1, column - 1, nowhere)
                g1, p1 = _window(given, at, row - 1, column, nowhere)
                g2, p2 = _window(given, at, row, column - 1, nowhere)
                g3, p3 = _window(given, at, row, column, nowhere)
                to0 = to[y, x] if y >= 0 and x >= 0 else beyond[0]
                to1 = to[y, x + 1] if y >= 0 and x + 1 < width else beyond[1]
                to2 = to[y + 1, x] if y + 1 < height and x >= 0 else beyond[2]
                to3 = to[y + 1, x + 1] if y + 1 < height and x + 1 < width else beyond[3]
                for i in range(n_channels):
                    h0, h1, h2, h3 = g0[i], g1[i], g2[i], g3[i]
                    q0, q1, q2, q3 = p0[i], p1[i], p2[i], p3[i]
                    total = _taken(h0, q0, 8) + _taken(h1, q1, 6)
                    to0[i] = rounded(total + _taken(h2, q2, 2) + _taken(h3, q3, 0), h0)
                    to1[i] = rounded(_taken(h1, q1, 7) + _taken(h3, q3, 1), h0)
                    to2[i] = rounded(_taken(h2, q2, 5) + _taken(h3, q3, 3), h0)
                    to3[i] = rounded(_taken(h3, q3, 4), h0)


@inlined
def _window(
    gradient: np.ndarray, place: np.ndarray, row: int, column: int, nowhere: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return a window's gradients and positions; outside of the maps, no positions."""
    height, width = gradient.shape[:2]
    if 0 <= row < height and 0 <= column < width:
        return gradient[row, column], place[row, column]
    return gradient[0, 0], nowhere


@inlined
def _taken(gradient: float, place: int, wanted: int) -> float:
    own: float = number(gradient)  # read unconditionally, so that the loop can be vectorised
    return own if place == np.uint8(wanted) else np.float32(0)


@compiled
def means(maps: np.ndarray, found: np.ndarray) -> None:
    """Fill ``found`` with the means of maps over height and width, summed in 32 bits.

    Parameters
    ----------
    maps
        Images x height x width x channels.
    found
        Images x channels, float32.
    """
    n_images, height, width, n_channels = maps.shape
    for image in range(n_images):
        total = found[image]
        for channel in range(n_channels):
            total[channel] = 0
        for y in range(height):
            for x in range(width):
                values = maps[image, y, x]
                for channel in range(n_channels):
                    total[channel] += number(values[channel])
        for channel in range(n_channels):
            total[channel] /= height * width
