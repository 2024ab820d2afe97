"""Means of maps that are stored in 16 bits."""

from __future__ import annotations

import numpy as np

from stimgen.loops.compiled import compiled
from stimgen.loops.stored import number


@compiled
def means(maps: np.ndarray, found: np.ndarray) -> None:
    """Fill ``found`` with the means of maps over height and width, added up in 32 bits.

    Parameters
    ----------
    maps
        Images x height x width x channels.
    found
        Images x channels, of 32 bits.
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
