"""Images of which only the phase is optimised, seen through random crops (MACO).

MACO keeps the magnitude of an image's spectrum at that of natural images, so that gradient ascent
cannot leave for high frequencies (Fel et al., NeurIPS 2023, doi:10.48550/arXiv.2306.06805).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from stimgen.visualization.crops import Crops
from stimgen.visualization.fourier import COLOUR, in_colour
from stimgen.visualization.parametrization import Parametrization


class MacoImages(Parametrization):
    """Images of one magnitude spectrum, each with phases of its own.

    Each image starts from phases drawn from its own seed, so that it does not depend on the other
    images it is optimised with.

    Parameters
    ----------
    seeds
        One per image.
    magnitude
        3 x size x (size // 2 + 1), as ``spectrum.estimate_spectrum`` returns it.
    steps
        Length of the optimisation.
    crops
        What the network sees in a step.
    input_px
        Side at which it sees a crop.
    learning_rate
        NAdam's.
    device
        Where the images are.

    Attributes
    ----------
    phase
        Images x 3 x size x (size // 2 + 1), what the optimiser changes. Only its pattern counts:
        it is standardised within an image, so that steps of one size become finer as it grows.
    transparency
        Images x size x size: sum over all steps of the gradient's size, a map of where the image
        mattered.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        magnitude: np.ndarray,
        *,
        steps: int,
        crops: Crops,
        input_px: int,
        learning_rate: float = 1.0,
        device: torch.device | str = "cpu",
    ) -> None:
        self.size_px = magnitude.shape[1]
        self.input_px = input_px
        # Drawn by numpy on the CPU, so that every device starts from the same phases.
        start = [np.random.default_rng(seed).standard_normal(magnitude.shape) for seed in seeds]
        self.phase = torch.tensor(np.stack(start), dtype=torch.float32, device=device)
        self.parameters = (self.phase.requires_grad_(),)
        self.optimiser = torch.optim.NAdam(self.parameters, lr=learning_rate)
        shape = (len(seeds), self.size_px, self.size_px)
        self.transparency = torch.zeros(shape, device=device)
        self.buffers = {"transparency": self.transparency}
        self._crops, self._seeds = crops, seeds
        self._boxes = crops.draw(seeds, steps).to(device)
        self._magnitude = torch.tensor(magnitude, dtype=torch.float32, device=device)
        self._colour = torch.tensor(COLOUR, dtype=torch.float32, device=device)

    def spectrum(self) -> torch.Tensor:
        """Return the images' complex spectra, each of them that of a real image."""
        mean = self.phase.mean((1, 2, 3), keepdim=True)
        sd = self.phase.std((1, 2, 3), keepdim=True).clamp_min(1e-6)
        angles = antisymmetric((self.phase - mean) / sd)
        return torch.polar(torch.ones_like(angles), angles) * self._magnitude

    def images(self) -> torch.Tensor:
        """Return images x 3 x size x size in 0..1."""
        size = (self.size_px, self.size_px)
        decorrelated = torch.fft.irfft2(self.spectrum(), s=size, norm="ortho")
        return in_colour(decorrelated, self._colour)

    def views(self, images: torch.Tensor, step: int) -> torch.Tensor:
        """Return a step's crops, and note how the images' pixels matter when they are scored."""
        images.register_hook(self._add)  # type: ignore[no-untyped-call]
        return self._crops.cut(images, self._boxes[step], self._seeds, step, self.input_px)

    def finished(self) -> torch.Tensor:
        """Return images x 4 x size x size in 0..1: red, green, blue, and how opaque each pixel is.

        The opacity is the transparency map, relative to its 99th percentile in the image.
        """
        highest = self.transparency.flatten(1).quantile(0.99, dim=1).clamp_min(1e-30)
        opacity = (self.transparency / highest.view(-1, 1, 1)).clamp(0, 1)
        return torch.cat([super().finished(), opacity[:, None]], 1)

    def _add(self, gradient: torch.Tensor) -> None:
        self.transparency += gradient.abs().mean(1)


def antisymmetric(angles: torch.Tensor) -> torch.Tensor:
    """Make phases of a half spectrum those of a real image, whose magnitude they then leave alone.

    In the column of frequency zero, and in that of the highest frequency of an even size, the half
    spectrum holds each frequency twice, as itself and as its conjugate.

    Parameters
    ----------
    angles
        ... x size x (size // 2 + 1), in radians; only the two columns are changed.
    """
    size = angles.shape[-2]
    opposite = torch.arange(size, device=angles.device).neg() % size

    def paired(column: torch.Tensor) -> torch.Tensor:
        return (column - column[..., opposite, :]) / math.sqrt(2)

    last = angles[..., -1:]
    parts = [paired(angles[..., :1]), angles[..., 1:-1], last if size % 2 else paired(last)]
    return torch.cat(parts, -1)
