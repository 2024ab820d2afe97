"""Images as pixels, which need priors against high-frequency noise."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import torch

from stimgen.studies.prior_settings import BlurSettings
from stimgen.visualization.parametrization import Parametrization, adam
from stimgen.visualization.priors import blur as blurred


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
        Learning rate of Adam.
    blur
        Blur of the images, before the sigmoid, between steps; none if None.
    device
        Device of the images.

    Examples
    --------
    >>> PixelImages([1, 2], size_px=32).images().shape
    torch.Size([2, 3, 32, 32])
    """

    def __init__(
        self,
        seeds: Sequence[int],
        size_px: int,
        *,
        start_sd: float = 0.01,
        learning_rate: float = 0.05,
        blur: BlurSettings | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        shape = (3, size_px, size_px)
        start = np.stack([np.random.default_rng(seed).standard_normal(shape) for seed in seeds])
        self.pixels = torch.tensor(start * start_sd, dtype=torch.float32, device=device)
        self.parameters = (self.pixels.requires_grad_(),)
        self.optimiser = adam(self.parameters, learning_rate)
        self.buffers = {}
        self._blur = blur

    def images(self) -> torch.Tensor:
        """Return images x 3 x size x size in 0..1."""
        return self.pixels.sigmoid()

    def form(self, step: int) -> Hashable:
        """Return whether the images are blurred after a step."""
        return self._blur is not None and self._blur.is_due(step)

    def update(self, step: int) -> None:
        """Make one step along the gradient, and blur the images if due."""
        super().update(step)
        if self._blur and self._blur.is_due(step):
            with torch.no_grad():
                self.pixels.copy_(blurred(self.pixels, self._blur.sd_px))
