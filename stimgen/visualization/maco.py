"""Images of which only the phase is optimised, with random crops as the network's input (MACO).

MACO fixes the magnitude spectrum to that of natural images, so that gradient ascent cannot add
high frequencies (Fel et al., NeurIPS 2023, doi:10.48550/arXiv.2306.06805).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
import torch

from stimgen.networks.compute_device import is_waited_for
from stimgen.visualization.counted_noise import noise_keys
from stimgen.visualization.crops import Crops
from stimgen.visualization.fourier import COLOUR, in_colour
from stimgen.visualization.parametrization import Parametrization


class MacoImages(Parametrization):
    """Images with a common magnitude spectrum, parametrised by their phases.

    Each image starts from phases drawn from its own seed, so that it does not depend on the other
    images of its batch.

    Parameters
    ----------
    seeds
        One per image.
    magnitude
        3 x size x (size // 2 + 1), as ``spectrum.estimate_spectrum`` returns it.
    steps
        Number of steps of the optimisation.
    crops
        Crops of each step.
    input_px
        Side to which crops are resized for the network.
    learning_rate
        Learning rate of NAdam.
    device
        Device of the images.

    Attributes
    ----------
    phase
        Images x 3 x size x (size // 2 + 1), the optimised parameters. They are standardised within
        an image, so that steps of constant size have less effect as they grow.
    transparency
        Images x size x size: absolute gradient, summed over all steps, a map of the importance of
        each pixel.

    Examples
    --------
    >>> magnitude = np.ones((3, 32, 17))
    >>> images = MacoImages([1, 2], magnitude, steps=4, crops=Crops(n=2), input_px=32)
    >>> images.phase.shape
    torch.Size([2, 3, 32, 17])
    >>> images.images().shape
    torch.Size([2, 3, 32, 32])
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
        on_device = is_waited_for(self.phase.device)
        self.optimiser = torch.optim.NAdam(self.parameters, lr=learning_rate, capturable=on_device)
        shape = (len(seeds), self.size_px, self.size_px)
        self.transparency = torch.zeros(shape, device=device)
        self.buffers = {"transparency": self.transparency}
        self._crops = crops
        self._boxes = crops.draw(seeds, steps).to(device)
        self._box = torch.zeros_like(self._boxes[0])
        self._keys = noise_keys(seeds, steps).to(device)
        self._key = torch.zeros_like(self._keys[0])
        self._magnitude = torch.tensor(magnitude, dtype=torch.float32, device=device)

    def spectrum(self) -> torch.Tensor:
        """Return the images' complex spectra, which are those of real images."""
        # Fel et al. (2023): z(f) = r(f) exp(i phase(f)), with the natural images' magnitude r.
        mean = self.phase.mean((1, 2, 3), keepdim=True)
        sd = self.phase.std((1, 2, 3), keepdim=True).clamp_min(1e-6)
        angles = antisymmetric((self.phase - mean) / sd)
        return torch.polar(torch.ones_like(angles), angles) * self._magnitude

    def images(self) -> torch.Tensor:
        """Return images x 3 x size x size in 0..1."""
        size = (self.size_px, self.size_px)
        decorrelated = torch.fft.irfft2(self.spectrum(), s=size, norm="ortho")
        return in_colour(decorrelated, COLOUR)

    def form(self, step: int) -> Hashable:
        """Return the same for all steps, which differ in their crops and noise only."""
        return ()

    def prepare(self, step: int) -> None:
        """Write a step's crops and what its noise is drawn from."""
        self._box.copy_(self._boxes[step])
        self._key.copy_(self._keys[step])

    def views(self, images: torch.Tensor, step: int) -> torch.Tensor:
        """Return a step's crops; their gradient is added to the transparency map."""
        images.register_hook(self._add)  # type: ignore[no-untyped-call]
        noise = self._crops.noise(self._key, self.input_px)
        return self._crops.cut(images, self._box, noise)

    def finished(self) -> torch.Tensor:
        """Return images x 4 x size x size in 0..1: red, green, blue and opacity.

        The opacity is the transparency map, relative to its 99th percentile in the image.
        """
        highest = self.transparency.flatten(1).quantile(0.99, dim=1).clamp_min(1e-30)
        opacity = (self.transparency / highest.view(-1, 1, 1)).clamp(0, 1)
        return torch.cat([super().finished(), opacity[:, None]], 1)

    def _add(self, gradient: torch.Tensor) -> None:
        # Fel et al. (2023): transparency = sum over steps of |dL/dx|, here averaged over colours.
        self.transparency += gradient.abs().mean(1)


def antisymmetric(angles: torch.Tensor) -> torch.Tensor:
    """Make the phases of a half spectrum those of a real image, so that magnitudes are unchanged.

    The columns of frequency zero and, for an even size, of the highest frequency contain each
    frequency twice, as itself and as its conjugate: phase(-f) = -phase(f).

    Parameters
    ----------
    angles
        ... x size x (size // 2 + 1), in radians; only these columns are changed.

    Examples
    --------
    >>> angles = antisymmetric(torch.rand(8, 5))
    >>> [round(angles[0, 0].item(), 6), round((angles[3, 0] + angles[5, 0]).item(), 6)]
    [0.0, 0.0]
    """
    size = angles.shape[-2]

    def paired(column: torch.Tensor) -> torch.Tensor:
        # (phase(f) - phase(-f)) / sqrt(2) is antisymmetric and keeps the variance of the phases.
        opposite = column.flip(-2).roll(1, -2)
        return (column - opposite) / math.sqrt(2)

    last = angles[..., -1:]
    parts = [paired(angles[..., :1]), angles[..., 1:-1], last if size % 2 else paired(last)]
    return torch.cat(parts, -1)
