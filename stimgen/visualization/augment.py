"""Random shifts, scales and rotations of the images during optimisation."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable

from stimgen.loops import can_loop
from stimgen.networks.compute_device import sums_in_order


@dataclass(frozen=True)
class Transforms:
    """Random transforms, drawn for each image and step.

    Parameters
    ----------
    jitter_px
        Ranges of the first and the last shift: whole steps of 1 px within half of these values in
        each direction.
    scales
        Scale factors, each with equal probability.
    rotate_deg
        Largest rotation in either direction, in whole degrees.
    pad_px
        Width of the grey border at each side of the image.

    Examples
    --------
    >>> transforms = Transforms(jitter_px=(4, 2))
    >>> transforms.seen_px(48)
    42
    >>> transforms.draw(seeds=[1, 2], steps=10, size_px=48).shape
    torch.Size([10, 2, 2, 3])
    """

    jitter_px: tuple[int, int] = (16, 8)
    scales: tuple[float, ...] = (1.0, 0.975, 1.025, 0.95, 1.05)
    rotate_deg: int = 5
    pad_px: int = 0

    def draw(self, seeds: Sequence[int], steps: int, size_px: int) -> torch.Tensor:
        """Draw the transforms of all steps, each image's from its own seed.

        Returns
        -------
        torch.Tensor
            Steps x images x 2 x 3, affine matrices for :func:`transform`.
        """
        drawn = np.stack([self._draw(seed, steps, size_px) for seed in seeds], axis=1)
        return torch.tensor(drawn, dtype=torch.float32)

    def _draw(self, seed: int, steps: int, size_px: int) -> np.ndarray:
        # The starting noise is drawn from [seed]; this stream must differ from it.
        rng = np.random.default_rng([seed, 1])
        before, after = (
            rng.integers(0, j, (steps, 2), endpoint=True) - j / 2 for j in self.jitter_px
        )
        scale = np.asarray(self.scales)[rng.integers(0, len(self.scales), steps)]
        degrees = rng.integers(-self.rotate_deg, self.rotate_deg, steps, endpoint=True)
        angle = degrees * (math.pi / 180)
        cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
        # From output to input coordinates: x_in = R(angle) / scale (x_out - after) - before;
        # the image is shifted by ``before``, scaled and rotated, and shifted by ``after``.
        turn = np.stack([np.stack([cos, -sin], 1), np.stack([sin, cos], 1)], 1)
        shift = -before - np.einsum("sij,sj->si", turn, after)
        turn = turn * (self.seen_px(size_px) / size_px)
        return np.concatenate([turn, shift[..., None] * (2 / size_px)], 2)

    def seen_px(self, size_px: int) -> int:
        """Return the side of transformed images: the part that is inside for all shifts."""
        return size_px + 2 * self.pad_px - sum(self.jitter_px)


def transform(
    images: torch.Tensor, matrices: torch.Tensor, seen_px: int, n_reached: int | None = None
) -> torch.Tensor:
    """Transform each image by its matrix in one bilinear resampling, grey outside of the image.

    Parameters
    ----------
    images
        Images x 3 x height x width in 0..1.
    matrices
        Images x 2 x 3, from relative output to relative input coordinates.
    seen_px
        Side of the result.
    n_reached
        See :func:`reached`; if None, it is computed, for which the device must be waited for.

    Examples
    --------
    The identity keeps an image, and a shift by its width moves it out of sight:

    >>> images = torch.zeros(1, 3, 8, 8)
    >>> identity = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> transform(images, identity, 8).abs().max().item()
    0.0
    >>> shifted = torch.tensor([[[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]]])
    >>> transform(images, shifted, 8)[..., 4:].unique().tolist()
    [0.5]
    """
    if images.dtype == torch.float32 and can_loop(images, matrices):
        resampled: torch.Tensor = _Resampling.apply(images, matrices.double().numpy(), seen_px)
        return resampled
    if images.requires_grad and torch.is_grad_enabled() and not sums_in_order(images):
        n = n_reached or reached(matrices.cpu(), seen_px, images.shape[-1])
        moved: torch.Tensor = GatheredResampling.apply(images - 0.5, matrices, seen_px, n)
    else:
        moved = _sampled(images - 0.5, matrices, seen_px)
    return moved + 0.5


def _sampled(images: torch.Tensor, matrices: torch.Tensor, seen_px: int) -> torch.Tensor:
    grid = _places(matrices, seen_px)
    return F.grid_sample(images, grid, padding_mode="zeros", align_corners=False)


def reached(matrices: torch.Tensor, seen_px: int, size_px: int) -> int:
    """Return how many pixels of a result, along an axis, a pixel of an image can contribute to.

    Parameters
    ----------
    matrices
        ... x 2 x 3, as for :func:`transform`, on the CPU.
    seen_px, size_px
        Sides of the result and of the square images.

    Examples
    --------
    >>> same = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    >>> reached(same, seen_px=8, size_px=8), reached(same / 2, seen_px=8, size_px=8)
    (2, 4)
    """
    back = torch.linalg.inv(matrices[..., :2].double() * (size_px / seen_px))
    # Pixels that lie within 1 px of one in both directions form a square, which is turned back.
    return max(1, math.ceil(2 * float(back.abs().sum(-1).max()) - 1e-4))


class DrawnTransforms:
    """Transforms of all steps, of which one step's at a time is in use.

    Parameters
    ----------
    transforms
        What is drawn.
    seeds, steps, size_px
        Seeds of the images, number of steps and side of the images.
    device
        Device of the images.

    Examples
    --------
    >>> drawn = DrawnTransforms(Transforms(jitter_px=(4, 2)), [1, 2], steps=10, size_px=48)
    >>> drawn.prepare(3)
    >>> drawn(torch.zeros(2, 3, 48, 48)).shape
    torch.Size([2, 3, 42, 42])
    """

    def __init__(
        self,
        transforms: Transforms,
        seeds: Sequence[int],
        steps: int,
        size_px: int,
        device: torch.device | str = "cpu",
    ) -> None:
        drawn = transforms.draw(seeds, steps, size_px)
        self.seen_px = transforms.seen_px(size_px)
        self._n_reached = reached(drawn, self.seen_px, size_px)
        self._all = drawn.to(device)
        self._now = torch.zeros_like(self._all[0])

    def form(self, step: int) -> Hashable:
        """Return the same for all steps; see ``Parametrization.form``."""
        return ()

    def prepare(self, step: int) -> None:
        """Bring a step's matrices to where each call reads them."""
        self._now.copy_(self._all[step])

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Transform the images as the step that was prepared last."""
        return transform(images, self._now, self.seen_px, self._n_reached)


class GatheredResampling(torch.autograd.Function):
    """Bilinear resampling, the gradients of which are added in one order on every device.

    For a result of pixels y(p) = sum over i of x(i) hat(A p - i), where A is the transform and hat
    the bilinear weight, the gradient is dL/dx(i) = sum over p of dL/dy(p) hat(A p - i). Only pixels
    p near the inverse of i have a weight; those are visited row by row, always in the same order.
    """

    @staticmethod
    def forward(
        ctx: Any, images: torch.Tensor, matrices: torch.Tensor, seen_px: int, n_reached: int
    ) -> torch.Tensor:
        """Resample images of images x channels x size x size, 0 outside of them."""
        ctx.save_for_backward(matrices)
        ctx.geometry = images.shape[-1], n_reached
        return _sampled(images, matrices, seen_px)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the gradient with respect to the images."""
        (matrices,), (size, n_reached) = ctx.saved_tensors, ctx.geometry
        seen = gradient.shape[-1]
        # In pixels: A p = turn p + shift.
        turn = matrices[:, :, :2] * (size / seen)
        shift = ((matrices[:, :, :2].sum(2) * (1 / seen - 1) + matrices[:, :, 2]) + 1) * (size / 2)
        shift = shift - 0.5
        (a, b), (c, d) = ([turn[:, i, j, None, None] for j in (0, 1)] for i in (0, 1))
        along = torch.arange(size, device=gradient.device, dtype=matrices.dtype)
        x, y = along[None, None, :], along[None, :, None]
        left, up = x - shift[:, 0, None, None], y - shift[:, 1, None, None]
        scale = a * d - b * c
        # The first pixels p that can be within 1 px of i = (x, y), on each axis.
        first_x = ((d * left - b * up) / scale - (d.abs() + b.abs()) / scale.abs()).ceil()
        first_y = ((a * up - c * left) / scale - (a.abs() + c.abs()) / scale.abs()).ceil()
        # Where the result's pixels lie, to the last digit as when they were sampled.
        lies = (((_places(matrices, seen) + 1) * size - 1) / 2).permute(0, 3, 1, 2)
        # Pixels beyond the result are those of a frame of zeros. Places are whole numbers far below
        # 2^24, and so exact in 32 bits.
        framed = F.pad(torch.cat([lies, gradient], 1), [1, 1, 1, 1]).flatten(2)
        here = torch.stack([x.expand(1, size, size), y.expand(1, size, size)], 1)[:, :, None]
        columns, rows = first_x[:, None] + 1, first_y[:, None] + 1
        beside = torch.arange(n_reached, device=gradient.device)[:, None, None]
        columns = (columns + beside).clamp(0, seen + 1)
        total = gradient.new_zeros(*gradient.shape[:2], size, size)
        for down in range(n_reached):
            row = (rows + down).clamp(0, seen + 1)
            place = (row * (seen + 2) + columns).long().flatten(1)[:, None]
            found = framed.gather(2, place.expand(-1, framed.shape[1], -1))
            found = found.view(*found.shape[:2], n_reached, size, size)
            near = (1 - (found[:, :2] - here).abs()).clamp_min(0)
            total += (found[:, 2:] * (near[:, :1] * near[:, 1:])).sum(2)
        return total, None, None, None


class _Resampling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: torch.Tensor, matrices: np.ndarray, seen_px: int) -> torch.Tensor:
        from stimgen.loops.resampling import resample

        seen = images.new_empty((*images.shape[:2], seen_px, seen_px))
        resample(images.detach().numpy(), matrices, seen.numpy())
        ctx.geometry = images.shape, matrices
        return seen

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        from stimgen.loops.resampling import spread

        shape, matrices = ctx.geometry
        gathered = gradient.new_zeros(shape)
        spread(gradient.numpy(), matrices, gathered.numpy())
        return gathered, None, None


def _places(matrices: torch.Tensor, size_px: int) -> torch.Tensor:
    """Return the sampling grid, images x size x size x 2.

    It equals ``F.affine_grid``, which is slower because it multiplies matrices.
    """
    along = (2 * torch.arange(size_px, device=matrices.device) + 1) / size_px - 1
    by_column, by_row = (matrices[:, None, :, axis] * along[:, None] for axis in (0, 1))
    return by_column[:, None] + (by_row + matrices[:, None, :, 2])[:, :, None]
