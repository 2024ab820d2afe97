"""Random crops of images, as the input of the network (MACO)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from stimgen.networks.compute_device import sums_in_order
from stimgen.networks.preprocessing import resize, resizing_weights
from stimgen.visualization.counted_noise import normal


@dataclass(frozen=True)
class Crops:
    """Square crops of each image, drawn for each step from the image's own seed.

    Sides and centres are normally distributed, with standard deviations of 5 % and 15 % of the
    image's side; centres are distributed around the middle. Crops stay within the image.

    Parameters
    ----------
    n
        Number of crops of an image.
    sides
        Mean side in the first and in the last step, relative to the image's; it changes linearly.
        The smallest side is 5 %.
    noise_sd
        Standard deviation of the noise added to the pixels, which are in 0..1.

    Examples
    --------
    >>> from stimgen.visualization.counted_noise import noise_keys
    >>> crops = Crops(n=4, sides=(0.5, 0.25))
    >>> boxes = crops.draw(seeds=[1, 2], steps=3)
    >>> boxes.shape
    torch.Size([3, 2, 4, 3])
    >>> noise = crops.noise(noise_keys([1, 2], steps=3)[0], px=32)
    >>> crops.cut(torch.zeros(2, 3, 40, 40), boxes[0], noise).shape
    torch.Size([8, 3, 32, 32])
    """

    n: int = 32
    sides: tuple[float, float] = (0.5, 0.05)
    noise_sd: float = 0.08

    def draw(self, seeds: Sequence[int], steps: int) -> torch.Tensor:
        """Draw the crops of all steps.

        Returns
        -------
        torch.Tensor
            Steps x images x crops x 3: side, and position of the centre from left and from top,
            relative to the image.
        """
        drawn = np.stack([self._draw(seed, steps) for seed in seeds], axis=1)
        return torch.tensor(drawn, dtype=torch.float32)

    def _draw(self, seed: int, steps: int) -> np.ndarray:
        # The starting phases are drawn from [seed]; this stream must differ from them.
        rng = np.random.default_rng([seed, 1])
        # Fel et al. (2023): side ~ N(mean(step), 0.05), centre ~ N(0.5, 0.15), both clipped.
        mean = np.linspace(*self.sides, steps)[:, None]
        side = np.clip(mean + 0.05 * rng.standard_normal((steps, self.n)), 0.05, 1)[..., None]
        centre = 0.5 + 0.15 * rng.standard_normal((steps, self.n, 2))
        return np.concatenate([side, np.clip(centre, side / 2, 1 - side / 2)], 2)

    def cut(self, images: torch.Tensor, boxes: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Crop the images for one step, resize the crops and add noise.

        Parameters
        ----------
        images
            Images x 3 x height x width in 0..1, square.
        boxes
            Images x crops x 3, one step of :meth:`draw`.
        noise
            (Images x crops) x 3 x px x px, grouped by image, as :meth:`noise` draws it.

        Returns
        -------
        torch.Tensor
            Of the shape of the noise.
        """
        sides, centres, px = boxes[..., :1], boxes[..., 1:], noise.shape[-1]
        # Sampled at least at the image's resolution, then shrunk with antialiasing. The sampling
        # follows from the largest possible crop, so that images do not depend on each other.
        dense_px = px * math.ceil(min(1, max(self.sides) + 0.25) * images.shape[-1] / px)
        along = (torch.arange(dense_px, device=images.device) + 0.5) / dense_px - 0.5
        x, y = ((centres[..., axis, None] + sides * along) * 2 - 1 for axis in (0, 1))
        if not sums_in_order(images):
            return _by_products(images, x, y, px).flatten(0, 1) + noise
        shape = (*boxes.shape[:2], dense_px, dense_px)
        grid = torch.stack([x[:, :, None, :].expand(shape), y[:, :, :, None].expand(shape)], -1)
        # The crops of an image are sampled as one tall image, so that it need not be repeated.
        column = F.grid_sample(
            images, grid.flatten(1, 2), padding_mode="border", align_corners=False
        )
        crops = column.reshape(len(images), -1, self.n, dense_px, dense_px).transpose(1, 2)
        return resize(crops.flatten(0, 1), px) + noise

    def noise(self, keys: torch.Tensor, px: int) -> torch.Tensor:
        """Draw the noise of one step for crops of a side of ``px``, from a key of each image.

        Keys of all steps are drawn by :func:`stimgen.visualization.counted_noise.noise_keys`.
        """
        drawn = normal(keys, self.n * 3 * px**2)
        return drawn.view(-1, 3, px, px) * self.noise_sd


def _by_products(images: torch.Tensor, x: torch.Tensor, y: torch.Tensor, px: int) -> torch.Tensor:
    """Sample and resize by matrix products, whose gradients are added in one order.

    Parameters
    ----------
    images
        Images x 3 x height x width.
    x, y
        Images x crops x dense: places of the columns and rows in -1..1; beyond the image its border
        is repeated.
    px
        Side of the result.
    """
    smaller = resizing_weights(x.shape[-1], px, images.device)

    def weights(places: torch.Tensor, size: int) -> torch.Tensor:
        at = (((places + 1) * size - 1) / 2).clamp(0, size - 1)
        apart = at[..., None] - torch.arange(size, device=images.device)
        return smaller @ (1 - apart.abs()).clamp_min(0)

    down, across = weights(y, images.shape[-2]), weights(x, images.shape[-1])
    return down[:, :, None] @ images[:, None] @ across[:, :, None].mT
