"""Random crops: what a network sees of images that are larger than its input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from stimgen.networks.preprocessing import resize


@dataclass(frozen=True)
class Crops:
    """Square crops of each image, drawn anew in each step from the image's own seed.

    Sides and centres are normal: a side's standard deviation is 5 % of the image's side, a
    centre's 15 % around the middle; no crop leaves the image.

    Parameters
    ----------
    n
        Crops of an image.
    sides
        Mean side in the first and in the last step, relative to the image's; it changes linearly.
        No crop's side is below 5 %.
    noise_sd
        Standard deviation of what is added to the pixels, which are in 0..1.
    """

    n: int = 32
    sides: tuple[float, float] = (0.5, 0.05)
    noise_sd: float = 0.08

    def draw(self, seeds: Sequence[int], steps: int) -> torch.Tensor:
        """Draw the crops of a whole optimisation.

        Returns
        -------
        torch.Tensor
            Steps x images x crops x 3: side, and place of the centre from left and from top,
            relative to the image.
        """
        drawn = np.stack([self._draw(seed, steps) for seed in seeds], axis=1)
        return torch.tensor(drawn, dtype=torch.float32)

    def _draw(self, seed: int, steps: int) -> np.ndarray:
        # The image's start is drawn from [seed]; this stream must not repeat it.
        rng = np.random.default_rng([seed, 1])
        mean = np.linspace(*self.sides, steps)[:, None]
        side = np.clip(mean + 0.05 * rng.standard_normal((steps, self.n)), 0.05, 1)[..., None]
        centre = 0.5 + 0.15 * rng.standard_normal((steps, self.n, 2))
        return np.concatenate([side, np.clip(centre, side / 2, 1 - side / 2)], 2)

    def cut(
        self, images: torch.Tensor, boxes: torch.Tensor, seeds: Sequence[int], step: int, px: int
    ) -> torch.Tensor:
        """Cut one step's crops, bring them to a size and add noise.

        Parameters
        ----------
        images
            Images x 3 x height x width in 0..1, square.
        boxes
            Images x crops x 3, one step of :meth:`draw`.
        seeds, step
            Of the images, and which step it is: what the noise is drawn from.
        px
            Side of the result.

        Returns
        -------
        torch.Tensor
            (Images x crops) x 3 x px x px, an image's crops one after the other.
        """
        sides, centres = boxes[..., :1], boxes[..., 1:]
        # Sampled at least as densely as the image has pixels, then shrunk with antialiasing. The
        # largest crop that could be drawn decides, so that an image does not depend on the others.
        dense_px = px * math.ceil(min(1, max(self.sides) + 0.25) * images.shape[-1] / px)
        along = (torch.arange(dense_px, device=images.device) + 0.5) / dense_px - 0.5
        x, y = ((centres[..., axis, None] + sides * along) * 2 - 1 for axis in (0, 1))
        shape = (*boxes.shape[:2], dense_px, dense_px)
        grid = torch.stack([x[:, :, None, :].expand(shape), y[:, :, :, None].expand(shape)], -1)
        # An image's crops are one column of images, so that no image need be repeated.
        column = F.grid_sample(
            images, grid.flatten(1, 2), padding_mode="border", align_corners=False
        )
        crops = column.reshape(len(images), -1, self.n, dense_px, dense_px).transpose(1, 2)
        return resize(crops.flatten(0, 1), px) + self._noise(seeds, step, px).to(images.device)

    def _noise(self, seeds: Sequence[int], step: int, px: int) -> torch.Tensor:
        shape = (self.n, 3, px, px)
        draws = [
            np.random.default_rng([seed, 2, step]).standard_normal(shape, dtype=np.float32)
            for seed in seeds
        ]
        return torch.from_numpy(np.concatenate(draws)) * self.noise_sd
