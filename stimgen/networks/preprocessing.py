"""Conversion between 8-bit images and tensors, the same for sweeping and for measuring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F

from stimgen.networks.compute_device import sums_in_order


def to_tensor(
    images: Sequence[np.ndarray] | torch.Tensor, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Stack 8-bit images of one size.

    Parameters
    ----------
    images
        Arrays of height x width x 3, or a tensor of images x height x width x 3; ``uint8``.

    Returns
    -------
    torch.Tensor
        Images x 3 x height x width, in 0..1, channels last in memory.
    """
    stacked = images if isinstance(images, torch.Tensor) else torch.from_numpy(np.stack(images))
    # Memory from which a device copies by itself need not be waited for.
    there = stacked.to(device, non_blocking=True)
    return there.permute(0, 3, 1, 2).float().div_(255)


def resize(images: torch.Tensor, size_px: int) -> torch.Tensor:
    """Resize to a side of ``size_px``: bilinear, antialiased; images of that size are returned."""
    if images.shape[-1] == size_px and images.shape[-2] == size_px:
        return images
    if images.requires_grad and torch.is_grad_enabled() and not sums_in_order(images):
        down, across = (
            resizing_weights(side, size_px, images.device).to(images.dtype)
            for side in images.shape[-2:]
        )
        return down @ images @ across.T
    return F.interpolate(images, size=(size_px, size_px), mode="bilinear", antialias=True)


@cache  # and never forgotten, because captured steps refer to the tensor's memory
def resizing_weights(from_px: int, to_px: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Return the matrix, ``to_px`` x ``from_px``, that resizes the rows of an image."""
    return weights_of_rows(lambda images: resize(images, to_px), from_px).to(device)


def weights_of_rows(function: Callable[[torch.Tensor], torch.Tensor], size_px: int) -> torch.Tensor:
    """Return the matrix by which a linear, separable function of images transforms their rows."""
    # Channel j is 1 in row j only, so what becomes of it is column j of the matrix.
    rows = torch.eye(size_px)[None, :, :, None].expand(1, size_px, size_px, size_px)
    return function(rows)[0, :, :, 0].T.contiguous()


def to_8bit(images: torch.Tensor) -> list[np.ndarray]:
    """Round images in 0..1 to 8-bit arrays of height x width x channels."""
    levels = images.detach().clamp(0, 1).mul(255).round().to(torch.uint8)
    return list(levels.permute(0, 2, 3, 1).cpu().numpy())
