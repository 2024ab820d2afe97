"""Images as spectra in decorrelated colour (Fourier parametrization)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import torch

from stimgen.networks.compute_device import is_waited_for
from stimgen.studies.prior_settings import BlurSettings
from stimgen.visualization.parametrization import Parametrization, adam

# Square roots of the covariance of images' colours (by singular value decomposition): Lucid's of
# ImageNet, and that of the demo images, whose hues vary more.
_COLOUR_SD = {
    "imagenet": [[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]],
    "demo": [[0.173, 0.100, 0.036], [0.180, -0.011, -0.093], [0.184, -0.083, 0.057]],
}
COLOURS = {
    name: np.array(root) / np.linalg.norm(root, axis=0).max() for name, root in _COLOUR_SD.items()
}
"""Matrices from decorrelated colour to red, green and blue, 3 x 3, by the images of the colours;
the largest norm of a column is 1."""

COLOUR = COLOURS["imagenet"]
"""The usual one."""


def in_colour(decorrelated: torch.Tensor, colour: np.ndarray) -> torch.Tensor:
    """Return images in 0..1 from images in decorrelated colour, before the sigmoid.

    Parameters
    ----------
    decorrelated
        Images x 3 x height x width.
    colour
        One of :data:`COLOURS`.

    Examples
    --------
    >>> in_colour(torch.zeros(1, 3, 2, 2), COLOUR).unique().tolist()
    [0.5]
    """
    if is_waited_for(decorrelated.device):
        # Products of matrices with 3 rows leave a GPU idle.
        one, two, three = decorrelated.unbind(1)
        rows = [(a * one).add(two, alpha=b).add(three, alpha=c) for a, b, c in colour.tolist()]
        return torch.stack(rows, 1).sigmoid()
    # A matrix product for each image; an einsum would copy all pixels twice.
    mixed = torch.tensor(colour, dtype=decorrelated.dtype) @ decorrelated.flatten(2)
    return mixed.view_as(decorrelated).sigmoid()


class FourierImages(Parametrization):
    """Images parametrised by their scaled spectrum (Olah et al., 2017).

    Each image starts from noise drawn from its own seed, so that it does not depend on the other
    images of its batch.

    Parameters
    ----------
    seeds
        One per image.
    size_px
        Side of the square images.
    start_sd
        Standard deviation of the starting spectrum's real and imaginary parts.
    decay
        Exponent of the 1/f**decay scaling of amplitudes; larger values give smoother images.
    learning_rate
        Learning rate of Adam.
    blur
        Blur of the images, before the sigmoid, between steps; none if None.
    colours
        Key of :data:`COLOURS`.
    device
        Device of the images.

    Attributes
    ----------
    spectrum
        Images x 3 x size x (size // 2 + 1) x 2, the optimised parameters.

    Examples
    --------
    >>> images = FourierImages([1, 2], size_px=32)
    >>> images.spectrum.shape
    torch.Size([2, 3, 32, 17, 2])
    >>> images.images().shape
    torch.Size([2, 3, 32, 32])
    """

    def __init__(
        self,
        seeds: Sequence[int],
        size_px: int,
        *,
        start_sd: float = 0.01,
        decay: float = 1.0,
        learning_rate: float = 0.05,
        blur: BlurSettings | None = None,
        colours: str = "imagenet",
        device: torch.device | str = "cpu",
    ) -> None:
        self.size_px = size_px
        shape = (3, size_px, size_px // 2 + 1, 2)
        # Drawn by numpy on the CPU, so that every device starts from the same noise.
        start = np.stack([np.random.default_rng(seed).standard_normal(shape) for seed in seeds])
        self.spectrum = torch.tensor(start * start_sd, dtype=torch.float32, device=device)
        self.parameters = (self.spectrum.requires_grad_(),)
        self.optimiser = adam(self.parameters, learning_rate)
        self.buffers = {}
        self._blur = blur
        vertical = np.fft.fftfreq(size_px)[:, None]
        frequency = np.hypot(vertical, np.fft.rfftfreq(size_px)[None, :])
        # Transfer function of a Gaussian blur with standard deviation sd: exp(-2 (pi sd |f|)^2).
        kept = np.exp(-2 * (np.pi * (blur.sd_px if blur else 0.0) * frequency) ** 2)
        self._kept = torch.tensor(kept, dtype=torch.float32, device=device)[..., None]
        damping = 1 / np.maximum(frequency, 1 / size_px) ** decay / 4
        # Repeated for real and imaginary parts; broadcasting takes three times as long.
        damping = np.stack([damping, damping], -1)
        self._damping = torch.tensor(damping, dtype=torch.float32, device=device)
        self._colour = COLOURS[colours]

    def images(self) -> torch.Tensor:
        """Return images x 3 x size x size in 0..1."""
        # x = sigmoid(C F^-1[z(f) / (4 max(|f|, 1 / size)^decay)]), with the optimised spectrum z,
        # the colour matrix C and |f| in cycles per pixel; decay 1 is Lucid's scaling.
        damped = torch.view_as_complex(self.spectrum * self._damping)
        size = (self.size_px, self.size_px)
        decorrelated = torch.fft.irfft2(damped, s=size, norm="ortho")
        return in_colour(decorrelated, self._colour)

    def form(self, step: int) -> Hashable:
        """Return whether the images are blurred after a step."""
        return self._blur is not None and self._blur.is_due(step)

    def update(self, step: int) -> None:
        """Make one step along the gradient, and blur the images if due."""
        super().update(step)
        if self._blur and self._blur.is_due(step):
            with torch.no_grad():
                self.spectrum *= self._kept
