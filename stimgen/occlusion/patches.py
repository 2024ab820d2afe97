"""Square patches of an image, and edits of the image there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from unitscope.bounds import at_least


@dataclass(frozen=True, order=True)
class Patch:
    """A square part of an image: its left and upper edge and its side."""

    x_px: int
    y_px: int
    size_px: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of the patch."""
        return (
            slice(self.y_px, self.y_px + self.size_px),
            slice(self.x_px, self.x_px + self.size_px),
        )

    @property
    def centre_px(self) -> tuple[float, float]:
        """Centre of the patch, x and y, where the centre of the first pixel is 0."""
        half = (self.size_px - 1) / 2
        return self.x_px + half, self.y_px + half


class Edit(Protocol):
    """An image, and the content that replaces a patch of it.

    Attributes
    ----------
    base
        The image without a replaced patch, height x width x 3, 8 bit.
    """

    base: np.ndarray

    def inside(self, patches: Sequence[Patch]) -> np.ndarray:
        """Return the content of patches of one size: patches x size x size x 3, 8 bit."""
        ...


class Occlusion:
    """The patch is replaced by the mean colour of the pixels that it covers.

    Each channel's mean is rounded to the nearest of the 256 levels, half upwards, in integers, so
    that the saved image has exactly this colour on every machine.
    """

    def __init__(self, image: np.ndarray) -> None:
        self.base = image

    @cached_property
    def _sums(self) -> np.ndarray:
        """Sum of all pixels above and left of each corner of a pixel."""
        sums = np.zeros((self.base.shape[0] + 1, self.base.shape[1] + 1, 3), dtype=np.int64)
        sums[1:, 1:] = self.base.cumsum(0, dtype=np.int64).cumsum(1)
        return sums

    def inside(self, patches: Sequence[Patch]) -> np.ndarray:
        """Return patches filled with the mean of the covered pixels, per channel."""
        size = patches[0].size_px
        y, x = (np.array([getattr(p, edge) for p in patches]) for edge in ("y_px", "x_px"))
        sums, below, beside = self._sums, y + size, x + size
        total = sums[below, beside] - sums[y, beside] - sums[below, x] + sums[y, x]
        # Integer rounding half upwards: floor(total / n + 1 / 2) = floor((2 total + n) / (2 n)).
        n = size**2
        colours = ((2 * total + n) // (2 * n)).astype(np.uint8)
        return np.broadcast_to(colours[:, None, None], (len(patches), size, size, 3))


class Sharpening:
    """The image is blurred except for the patch.

    Parameters
    ----------
    image
        Height x width x 3, 8 bit.
    kernel_px, sigma_px
        Side and standard deviation of the Gaussian kernel; the image is mirrored at its edges.
    """

    def __init__(self, image: np.ndarray, kernel_px: int = 21, sigma_px: float = 3.5) -> None:
        self.sharp = image
        self.base = blur(image, kernel_px, sigma_px)

    def inside(self, patches: Sequence[Patch]) -> np.ndarray:
        """Return the patches of the sharp image."""
        return np.stack([self.sharp[patch.slices] for patch in patches])


def apply(edit: Edit, patch: Patch) -> np.ndarray:
    """Return the image with one patch edited.

    Raises
    ------
    ValueError
        If the patch is not inside the image.
    """
    height, width = edit.base.shape[:2]
    fits = 0 <= patch.x_px <= width - patch.size_px and 0 <= patch.y_px <= height - patch.size_px
    if patch.size_px < 1 or not fits:
        raise ValueError(f"{patch} is not inside an image of {width} x {height} px")
    image: np.ndarray = edit.base.copy()
    image[patch.slices] = edit.inside([patch])[0]
    return image


def blur(image: np.ndarray, kernel_px: int, sigma_px: float) -> np.ndarray:
    """Return an image blurred by a Gaussian, mirrored at its edges, rounded to 8 bit.

    Parameters
    ----------
    image
        Height x width x 3, 8 bit, larger than half the kernel.
    kernel_px, sigma_px
        Side of the square kernel, an odd number, and standard deviation of the Gaussian.
    """
    # Separable kernel: w(i) = exp(-i^2 / (2 sigma^2)), normalised to sum 1.
    reach = kernel_px // 2
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2)
    kernel /= kernel.sum()
    values = image.astype(np.float64)
    for axis in (0, 1):
        widths = [(reach, reach) if a == axis else (0, 0) for a in range(3)]
        padded = np.moveaxis(np.pad(values, widths, mode="reflect"), axis, 0)
        n = values.shape[axis]
        total = sum(weight * padded[i : i + n] for i, weight in enumerate(kernel))
        values = np.moveaxis(np.asarray(total), 0, axis)
    return np.asarray(np.rint(values), dtype=np.uint8)


def offsets(image_px: int, size_px: int, stride_px: int) -> range:
    """Return the positions of a patch along one side of an image.

    Raises
    ------
    ValueError
        If the patch is larger than the image or the stride is not positive.
    """
    if not 1 <= size_px <= image_px:
        raise ValueError(f"patch of {size_px} px, expected 1 to {image_px} px, the image's")
    at_least(1, stride_px=stride_px)
    return range(0, image_px - size_px + 1, stride_px)
