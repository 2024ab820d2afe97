"""Lucid's own transforms: one draw a step for all images, in four steps one after the other.

They are those of the studies that used Lucid (Olah et al., 2017; Borowski et al., 2021; Zimmermann
et al., 2021); :mod:`stimgen.visualization.augment` has ours, which differ on purpose.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable

from stimgen.networks.compute_device import is_waited_for, sums_in_order


@dataclass(frozen=True)
class LucidDraw:
    """One step's transform: offsets of the two crops (x, y), scale and rotation."""

    before_px: tuple[int, int]
    scale: float
    rotate_deg: int
    after_px: tuple[int, int]


@dataclass(frozen=True)
class LucidTransforms:
    """Random transforms that all images of an optimisation share in a step.

    Images are padded with grey and cropped; enlarged or shrunk, which changes the size of what the
    network sees; rotated to the nearest pixel, black outside; and the result is cropped again.

    Parameters
    ----------
    jitter_px
        Pixels removed by the first and by the last crop, at random positions.
    scales
        Scale factors, each with equal probability.
    rotate_deg
        Largest rotation in either direction, in whole degrees.
    pad_px
        Width of the grey border at each side of the image.

    Examples
    --------
    >>> transforms = LucidTransforms(jitter_px=(16, 8), scales=(0.95, 1.05))
    >>> transforms.sides_px(256)
    [220, 243]
    >>> drawn = transforms.draw(seed=1, steps=10, size_px=256)
    >>> transforms.apply(torch.zeros(2, 3, 256, 256), drawn[0]).shape[-1] in (220, 243)
    True
    """

    jitter_px: tuple[int, int] = (16, 8)
    scales: tuple[float, ...] = (1.0, 0.975, 1.025, 0.95, 1.05)
    rotate_deg: int = 5
    pad_px: int = 0

    def draw(self, seed: int, steps: int, size_px: int) -> list[LucidDraw]:
        """Draw the transforms of all steps, for images of ``size_px``."""
        # The starting noise is drawn from [seed]; this stream must differ from it.
        rng = np.random.default_rng([seed, 1])
        before = rng.integers(0, self.jitter_px[0], (steps, 2), endpoint=True)
        after = rng.integers(0, self.jitter_px[1], (steps, 2), endpoint=True)
        scales = np.asarray(self.scales)[rng.integers(0, len(self.scales), steps)]
        degrees = rng.integers(-self.rotate_deg, self.rotate_deg, steps, endpoint=True)
        return [
            LucidDraw((int(x), int(y)), float(scale), int(turn), (int(left), int(top)))
            for (x, y), scale, turn, (left, top) in zip(before, scales, degrees, after, strict=True)
        ]

    def sides_px(self, size_px: int) -> list[int]:
        """Return the sides of transformed images, one for each scale."""
        first = size_px + 2 * self.pad_px - self.jitter_px[0]
        return [_scaled_px(first, scale) - self.jitter_px[1] for scale in self.scales]

    def apply(self, images: torch.Tensor, drawn: LucidDraw) -> torch.Tensor:
        """Transform all images alike.

        Parameters
        ----------
        images
            Images x 3 x height x width in 0..1, square.
        drawn
            One step of :meth:`draw`.
        """
        padded = F.pad(images, [self.pad_px] * 4, value=0.5) if self.pad_px else images
        first = _cropped(padded, drawn.before_px, self.jitter_px[0])
        scaled = _resized(first, _scaled_px(first.shape[-1], drawn.scale))
        return _cropped(_rotated(scaled, drawn.rotate_deg), drawn.after_px, self.jitter_px[1])

    def apply_numbers(
        self, images: torch.Tensor, numbers: torch.Tensor, scale: float
    ) -> torch.Tensor:
        """Transform as :meth:`apply` does, by a draw that lies on the images' device.

        Parameters
        ----------
        images
            As for :meth:`apply`; results differ by rounding.
        numbers
            One row of :func:`as_numbers`.
        scale
            Scale of the draw, from which the result's size follows.
        """
        padded = F.pad(images, [self.pad_px] * 4, value=0.5) if self.pad_px else images
        x, y, cos, sin, left, top = numbers.unbind()
        whole = padded.shape[-1]
        first = whole - self.jitter_px[0]
        scaled_px = _scaled_px(first, scale)
        down, across = (_crop_weights(offset, first, scaled_px, whole) for offset in (y, x))
        scaled = down.to(images) @ padded @ across.to(images).T
        # Only what the second crop keeps is rotated.
        along = torch.arange(scaled_px - self.jitter_px[1], device=images.device)
        middle = (scaled_px - 1) / 2
        return _turned(scaled, along + left - middle, (along + top - middle)[:, None], cos, sin)


def as_numbers(drawn: Sequence[LucidDraw]) -> torch.Tensor:
    """Return draws as a tensor in double precision.

    Returns
    -------
    torch.Tensor
        Draws x 6: offset of the first crop (x, y), cosine and sine of the rotation, offset of the
        second crop (x, y).

    Examples
    --------
    >>> as_numbers([LucidDraw((1, 2), 1.0, 0, (3, 4))]).tolist()
    [[1.0, 2.0, 1.0, 0.0, 3.0, 4.0]]
    """
    turns = [math.radians(one.rotate_deg) for one in drawn]
    rows = [
        (*one.before_px, math.cos(turn), math.sin(turn), *one.after_px)
        for one, turn in zip(drawn, turns, strict=True)
    ]
    return torch.tensor(rows, dtype=torch.float64)


class DrawnLucid:
    """Lucid's transforms of all steps, of which one step's at a time is in use.

    Parameters
    ----------
    transforms
        What is drawn.
    seed, steps, size_px
        Seed, number of steps and side of the images.
    device
        Device of the images.

    Examples
    --------
    >>> drawn = DrawnLucid(LucidTransforms(scales=(0.95,)), 1, steps=10, size_px=256)
    >>> drawn.prepare(3)
    >>> drawn(torch.zeros(2, 3, 256, 256)).shape
    torch.Size([2, 3, 220, 220])
    """

    def __init__(
        self,
        transforms: LucidTransforms,
        seed: int,
        steps: int,
        size_px: int,
        device: torch.device | str = "cpu",
    ) -> None:
        self._transforms = transforms
        self._drawn = transforms.draw(seed, steps, size_px)
        self._numbers = as_numbers(self._drawn).to(device)
        self._now = torch.zeros_like(self._numbers[0])
        self._step = 0

    def form(self, step: int) -> Hashable:
        """Return a step's scale, which changes sizes; see ``Parametrization.form``."""
        return self._drawn[step].scale

    def prepare(self, step: int) -> None:
        """Bring a step's draw to where each call reads it."""
        self._step = step
        self._now.copy_(self._numbers[step])

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Transform the images as the step that was prepared last."""
        drawn = self._drawn[self._step]
        if is_waited_for(images.device):
            return self._transforms.apply_numbers(images, self._now, drawn.scale)
        return self._transforms.apply(images, drawn)


def _scaled_px(side_px: int, scale: float) -> int:
    # In single precision and cut off, as TensorFlow computes it: 1.05 times 240 is 251.
    return int(np.float32(scale) * np.float32(side_px))


def _cropped(images: torch.Tensor, offset_px: tuple[int, int], removed_px: int) -> torch.Tensor:
    (x, y), side = offset_px, images.shape[-1] - removed_px
    return images[..., y : y + side, x : x + side]


def _resized(images: torch.Tensor, side_px: int) -> torch.Tensor:
    """Resize square images bilinearly, without antialiasing, from the corner of the first pixel."""
    if side_px == images.shape[-1]:
        return images
    weights = _line_weights(images.shape[-1], side_px).to(images)
    return weights @ images @ weights.T


def _crop_weights(offset: torch.Tensor, of: int, to: int, whole: int) -> torch.Tensor:
    """Return the matrix, to x whole, that crops a line to ``of`` from an offset and resizes it."""
    device = offset.device
    places = (torch.arange(to, device=device).double() * (of / to)).clamp_max(of - 1)
    apart = places[:, None] - (torch.arange(whole, device=device) - offset)
    return (1 - apart.abs()).clamp_min(0)


def _line_weights(of: int, to: int) -> torch.Tensor:
    # x_in = x_out of / to (TensorFlow 1), which no half of a pixel corrects, up to the last pixel.
    places = np.minimum(np.arange(to) * (of / to), of - 1)
    left = np.floor(places).astype(int)
    right = np.minimum(left + 1, of - 1)
    weights = np.zeros((to, of), np.float32)
    np.add.at(weights, (np.arange(to), left), 1 - (places - left))
    np.add.at(weights, (np.arange(to), right), places - left)
    return torch.from_numpy(weights)


def _rotated(images: torch.Tensor, degrees: int) -> torch.Tensor:
    """Rotate square images about their centre to the nearest pixel; outside they are black."""
    if degrees == 0:
        return images
    side = images.shape[-1]
    middle = (side - 1) / 2
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    along = torch.arange(side, device=images.device, dtype=torch.float64) - middle
    return _turned(images, along, along[:, None], cos, sin)


Number = float | torch.Tensor


def _turned(
    images: torch.Tensor, across: torch.Tensor, down: torch.Tensor, cos: Number, sin: Number
) -> torch.Tensor:
    """Return the nearest pixels to places, relative to the centre, that are rotated about it."""
    side = images.shape[-1]
    middle = (side - 1) / 2
    x = (cos * across - sin * down + middle).round().long()
    y = (sin * across + cos * down + middle).round().long()
    inside = (x >= 0) & (x < side) & (y >= 0) & (y < side)
    places = torch.where(inside, y * side + x, -1)
    if images.requires_grad and torch.is_grad_enabled() and not sums_in_order(images):
        turned: torch.Tensor = GatheredTurn.apply(images, places, across[0], down[0, 0], cos, sin)
        return turned
    return _nearest(images, places)


def _nearest(images: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Return the pixels at places, numbered row by row; 0 at places of -1."""
    found = images.flatten(2).index_select(2, places.flatten().clamp_min(0))
    return found.view(*images.shape[:2], *places.shape) * (places >= 0)


class GatheredTurn(torch.autograd.Function):
    """Rotation to the nearest pixel, whose gradients are added in one order on every device.

    A pixel is the nearest of those of the result that lie in its square. Turned back, that spans at
    most sqrt(2) pixels on each axis and so two pixels of the result; those are looked at.
    """

    @staticmethod
    def forward(
        ctx: Any,
        images: torch.Tensor,
        places: torch.Tensor,
        left: Number,
        top: Number,
        cos: Number,
        sin: Number,
    ) -> torch.Tensor:
        """Return the pixels at places; ``left`` and ``top`` are where the result's first lies."""
        ctx.saved = places, images.shape[-1], left, top, cos, sin
        return _nearest(images, places)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the gradient of the images: for each pixel, of those that show it."""
        places, side, left, top, cos, sin = ctx.saved
        number = torch.arange(side**2, device=gradient.device)
        along = torch.arange(side, device=gradient.device, dtype=torch.float64) - (side - 1) / 2
        x, y = along, along[:, None]
        # With a little more than half of sqrt(2), for rounding.
        columns = (cos * x + sin * y - left - 0.7072).ceil() + 1
        rows = (cos * y - sin * x - top - 0.7072).ceil() + 1
        # Pixels beyond the result are those of a frame that shows nothing.
        shown = F.pad(places, [1] * 4, value=-1).flatten()
        framed = F.pad(gradient, [1] * 4).flatten(2)
        height, width = places.shape
        total = gradient.new_zeros(*gradient.shape[:2], side**2)
        for down, right in itertools.product(range(2), repeat=2):
            row, column = (rows + down).clamp(0, height + 1), (columns + right).clamp(0, width + 1)
            there = (row * (width + 2) + column).long().flatten()
            is_own = shown.index_select(0, there) == number
            total = total + torch.where(is_own, framed.index_select(2, there), 0)
        return total.view(*gradient.shape[:2], side, side), *[None] * 5
