"""Rendered images for the demo network: one object that varies in shape, texture and hue."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stimgen.demo.scenes import (
    HUE_NAMES,
    SHAPE_NAMES,
    TEXTURE_NAMES,
    Draws,
    draw_labels,
    draw_scene,
    paint,
)

SHAPES: tuple[str, ...] = SHAPE_NAMES
TEXTURES: tuple[str, ...] = TEXTURE_NAMES
HUES: tuple[str, ...] = HUE_NAMES


@dataclass(frozen=True)
class DemoImages:
    """A list of rendered images, each rendered when it is loaded.

    Image `i` depends on `seed` and `i` only, and shows the same scene at every size.

    Attributes
    ----------
    n
        Number of images.
    seed
        Non-negative; another seed gives other images.
    size_px
        Side of the square images.
    """

    n: int
    seed: int = 0
    size_px: int = 224

    def __post_init__(self) -> None:
        if self.n < 0 or self.seed < 0 or self.size_px < 8:
            raise ValueError(
                "expected n >= 0, seed >= 0 and size_px >= 8, "
                f"got n={self.n}, seed={self.seed}, size_px={self.size_px}"
            )

    def __len__(self) -> int:
        return self.n

    def name(self, i: int) -> str:
        """Return the name of image `i`, the same at every size and length of the list."""
        return f"demo-{self.seed}-{self._index(i):06d}"

    @property
    def sha256(self) -> str:
        """Hash of number, seed and size."""
        return hashlib.sha256(f"demo {self.n} {self.seed} {self.size_px}".encode()).hexdigest()

    @property
    def times(self) -> str:
        """Nothing, for there are no files."""
        return ""

    def labels(self, i: int) -> tuple[int, int, int]:
        """Return the indices into `SHAPES`, `TEXTURES` and `HUES` of image `i`."""
        return draw_labels(Draws(self.seed, self._index(i)))

    def pixels(self, i: int) -> NDArray[np.uint8]:
        """Return image `i`, shape (size_px, size_px, 3), sRGB, 0 to 255."""
        return paint(draw_scene(Draws(self.seed, self._index(i))), self.size_px)

    def load(self, i: int) -> Image.Image:
        """Return image `i` as RGB, size_px square.

        Raises
        ------
        IndexError
            If there is no image `i`.
        """
        return Image.fromarray(self.pixels(i))

    def _index(self, i: int) -> int:
        if not 0 <= i < self.n:
            raise IndexError(f"expected an image index from 0 to {self.n - 1}, got {i}")
        return i
