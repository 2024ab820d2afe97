"""Images as plain pixels, which gradient ascent fills with noise unless priors forbid it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from stimgen.visualization.parametrization import Parametrization
from stimgen.visualization.priors import blur


class PixelImages(Parametrization):
    """Images whose pixels are optimised, through a sigmoid (Simonyan et al., 2014).

    Parameters
    ----------
    seeds
        One per image.
    size_px
        Side of the square images.
    start_sd
        Standard deviation of the starting pixels, before the sigmoid.
    learning_rate
        Adam's.
    device
        Where the images are.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        size_px: int,
        *,
        start_sd: float = 0.01,
        learning_rate: float = 0.05,
        device: torch.device | str = "cpu",
    ) -> None:
        shape = (3, size_px, size_px)
        start = np.stack([np.random.default_rng(seed).standard_normal(shape) for seed in seeds])
        self.pixels = torch.tensor(start * start_sd, dtype=torch.float32, device=device)
        self.parameters = (self.pixels.requires_grad_(),)
        self.optimiser = torch.optim.Adam(self.parameters, lr=learning_rate)
        self.buffers = {}

    def images(self) -> torch.Tensor:
        """Return images x 3 x size x size in 0..1."""
        return self.pixels.sigmoid()

    def blur(self, sd_px: float) -> None:
        """Blur the images, before the sigmoid, by a Gaussian."""
        with torch.no_grad():
            self.pixels.copy_(blur(self.pixels, sd_px))
