"""Images shifted, scaled and rotated by bilinear resampling, and its gradient."""

from __future__ import annotations

import numpy as np

from stimgen.loops.compiled import compiled, inlined

_GREY = np.float32(0.5)
_ONE = np.float32(1)


@compiled
def resample(images: np.ndarray, matrices: np.ndarray, seen: np.ndarray) -> None:
    """Fill ``seen`` with images resampled by their affine matrices, grey outside of the images.

    Parameters
    ----------
    images
        Images x channels x height x width.
    matrices
        Images x 2 x 3, from relative output to relative input coordinates, float64.
    seen
        Images x channels x height x width of the result.
    """
    n_images, n_channels, height, width = images.shape
    for image in range(n_images):
        of, to = images[image], seen[image]
        for row in range(to.shape[1]):
            x0, x_step, y0, y_step = _line(matrices[image], row, to.shape, of.shape)
            for column in range(to.shape[2]):
                x, y = x0 + column * x_step, y0 + column * y_step
                if 0.0 <= x < width - 1.0 and 0.0 <= y < height - 1.0:
                    left, top = int(x), int(y)
                    w0, w1, w2, w3 = _weights(x - left, y - top)
                    for channel in range(n_channels):
                        above = of[channel, top, left] * w0 + of[channel, top, left + 1] * w1
                        left_below = of[channel, top + 1, left] * w2
                        below = left_below + of[channel, top + 1, left + 1] * w3
                        to[channel, row, column] = above + below
                else:
                    left, top = int(np.floor(x)), int(np.floor(y))
                    weights = _weights(x - left, y - top)
                    for channel in range(n_channels):
                        total = _GREY
                        for corner in range(4):
                            v, h = top + corner // 2, left + corner % 2
                            if 0 <= v < height and 0 <= h < width:
                                total += (of[channel, v, h] - _GREY) * weights[corner]
                        to[channel, row, column] = total


@compiled
def spread(gradient: np.ndarray, matrices: np.ndarray, gathered: np.ndarray) -> None:
    """Add the gradient with respect to the resampled images to ``gathered``.

    Parameters
    ----------
    gradient
        Images x channels x height x width of the output of :func:`resample`.
    matrices
        As for :func:`resample`.
    gathered
        Images x channels x height x width of its input, initially zero.
    """
    n_images, n_channels, height, width = gathered.shape
    for image in range(n_images):
        of, to = gradient[image], gathered[image]
        for row in range(of.shape[1]):
            x0, x_step, y0, y_step = _line(matrices[image], row, of.shape, to.shape)
            for column in range(of.shape[2]):
                x, y = x0 + column * x_step, y0 + column * y_step
                if 0.0 <= x < width - 1.0 and 0.0 <= y < height - 1.0:
                    left, top = int(x), int(y)
                    w0, w1, w2, w3 = _weights(x - left, y - top)
                    for channel in range(n_channels):
                        own = of[channel, row, column]
                        to[channel, top, left] += own * w0
                        to[channel, top, left + 1] += own * w1
                        to[channel, top + 1, left] += own * w2
                        to[channel, top + 1, left + 1] += own * w3
                else:
                    left, top = int(np.floor(x)), int(np.floor(y))
                    weights = _weights(x - left, y - top)
                    for corner in range(4):
                        v, h = top + corner // 2, left + corner % 2
                        if 0 <= v < height and 0 <= h < width:
                            for channel in range(n_channels):
                                to[channel, v, h] += of[channel, row, column] * weights[corner]


@inlined
def _line(
    matrix: np.ndarray, row: int, to_shape: tuple[int, ...], of_shape: tuple[int, ...]
) -> tuple[float, float, float, float]:
    """Return the image position of a row's first pixel and the step from pixel to pixel, in px."""
    along = (2 * row + 1) / to_shape[1] - 1
    half_width, half_height = of_shape[2] / 2, of_shape[1] / 2
    x_step = matrix[0, 0] * of_shape[2] / to_shape[2]
    y_step = matrix[1, 0] * of_shape[1] / to_shape[2]
    before = (to_shape[2] - 1) / 2
    x = (matrix[0, 1] * along + matrix[0, 2] + 1) * half_width - 0.5
    y = (matrix[1, 1] * along + matrix[1, 2] + 1) * half_height - 0.5
    return x - before * x_step, x_step, y - before * y_step, y_step


@inlined
def _weights(right: float, down: float) -> tuple[float, float, float, float]:
    """Return the bilinear weights of the four pixels around a position."""
    x, y = np.float32(right), np.float32(down)
    return (_ONE - x) * (_ONE - y), x * (_ONE - y), (_ONE - x) * y, x * y
