"""Images as spectra in decorrelated colour, where gradient ascent finds smooth images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from stimgen.studies.prior_settings import BlurSettings
from stimgen.visualization.parametrization import Parametrization

_COLOUR_SD = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
COLOUR = _COLOUR_SD / np.linalg.norm(_COLOUR_SD, axis=0).max()
"""From decorrelated colour to red, green and blue."""


def in_colour(decorrelated: torch.Tensor, colour: torch.Tensor) -> torch.Tensor:
    """Return images in 0..1 of what they are before the sigmoid, in decorrelated colour.

    Parameters
    ----------
    decorrelated
        Images x 3 x height x width.
    colour
        :data:`COLOUR` as a tensor.
    """
    # A product for each image, as an einsum would copy all pixels before and after its own.
    mixed: torch.Tensor = colour @ decorrelated.flatten(2)
    return mixed.view_as(decorrelated).sigmoid()


class FourierImages(Parametrization):
    """Images whose pixels follow from a damped spectrum (Olah et al., 2017).

    Each image starts from noise drawn from its own seed, so that it does not depend on the other
    images it is optimised with.

    Parameters
    ----------
    seeds
        One per image.
    size_px
        Side of the square images.
    start_sd
        Standard deviation of the starting spectrum's real and imaginary parts.
    decay
        Power of the frequency by which amplitudes are damped; more is smoother.
    learning_rate
        Adam's.
    blur
        How much the images are blurred, before the sigmoid, between steps; not at all if None.
    device
        Where the images are.

    Attributes
    ----------
    spectrum
        Images x 3 x size x (size // 2 + 1) x 2, what an optimiser changes.
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
        device: torch.device | str = "cpu",
    ) -> None:
        self.size_px = size_px
        shape = (3, size_px, size_px // 2 + 1, 2)
        # Drawn by numpy on the CPU, so that every device starts from the same noise.
        start = np.stack([np.random.default_rng(seed).standard_normal(shape) for seed in seeds])
        self.spectrum = torch.tensor(start * start_sd, dtype=torch.float32, device=device)
        self.parameters = (self.spectrum.requires_grad_(),)
        self.optimiser = torch.optim.Adam(self.parameters, lr=learning_rate)
        self.buffers = {}
        self._blur = blur
        vertical = np.fft.fftfreq(size_px)[:, None]
        frequency = np.hypot(vertical, np.fft.rfftfreq(size_px)[None, :])
        kept = np.exp(-2 * (np.pi * (blur.sd_px if blur else 0.0) * frequency) ** 2)
        self._kept = torch.tensor(kept, dtype=torch.float32, device=device)[..., None]
        damping = 1 / np.maximum(frequency, 1 / size_px) ** decay / 4
        # For real and imaginary parts apiece: multiplying by one of each takes three times as long.
        damping = np.stack([damping, damping], -1)
        self._damping = torch.tensor(damping, dtype=torch.float32, device=device)
        self._colour = torch.tensor(COLOUR, dtype=torch.float32, device=device)

    def images(self) -> torch.Tensor:
        """Return images x 3 x size x size in 0..1."""
        damped = torch.view_as_complex(self.spectrum * self._damping)
        size = (self.size_px, self.size_px)
        decorrelated = torch.fft.irfft2(damped, s=size, norm="ortho")
        return in_colour(decorrelated, self._colour)

    def update(self, step: int) -> None:
        """Go one step along the gradient, and blur the images where it is time to."""
        super().update(step)
        if self._blur and self._blur.is_due(step):
            with torch.no_grad():
                self.spectrum *= self._kept
