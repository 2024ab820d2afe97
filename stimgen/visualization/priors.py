"""Priors that keep optimised images natural: penalties, and filters of the gradient.

Nguyen, Yosinski and Clune (2019, arXiv:1904.08939) survey the studies that introduced them.
"""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F

from stimgen.networks.compute_device import sums_in_order
from stimgen.networks.preprocessing import weights_of_rows
from stimgen.studies.prior_settings import GradientBlurSettings, PatchColourSettings, PriorSettings


def penalty(images: torch.Tensor, priors: PriorSettings) -> torch.Tensor:
    """Return the weighted sum of all penalties, one value per image.

    Parameters
    ----------
    images
        Images x 3 x height x width in 0..1.
    priors
        Weights of the penalties; those of weight 0 are not computed.

    Examples
    --------
    >>> images = torch.full((2, 3, 8, 8), 1.0)
    >>> penalty(images, PriorSettings(total_variation=4.0, l2=0.5)).tolist()
    [0.5, 0.5]
    """
    total = torch.zeros(images.shape[0], device=images.device)
    if priors.total_variation:
        total = total + priors.total_variation * total_variation(images)
    if priors.high_frequency:
        total = total + priors.high_frequency * high_frequency(images)
    if priors.l2:
        total = total + priors.l2 * distance_from_grey(images, 2)
    if priors.l6:
        total = total + priors.l6 * distance_from_grey(images, 6)
    if priors.patch_colour and priors.patch_colour.weight:
        total = total + priors.patch_colour.weight * patch_colour(images, priors.patch_colour)
    return total


def total_variation(images: torch.Tensor) -> torch.Tensor:
    """Return each image's mean absolute difference of neighbouring pixels, for any leading axes.

    (Mahendran & Vedaldi, 2015, arXiv:1412.0035.)

    Examples
    --------
    >>> stripes = torch.tensor([0.0, 1.0]).repeat(1, 3, 8, 4)
    >>> total_variation(stripes).tolist()
    [1.0]
    """
    # mean |x[i + 1, j] - x[i, j]| + mean |x[i, j + 1] - x[i, j]|
    down = (images[..., 1:, :] - images[..., :-1, :]).abs().mean((-3, -2, -1))
    right = (images[..., :, 1:] - images[..., :, :-1]).abs().mean((-3, -2, -1))
    return down + right


def high_frequency(images: torch.Tensor) -> torch.Tensor:
    """Return the root mean square of each image's difference from its blur by one pixel.

    (Olah et al., 2017, doi:10.23915/distill.00007.)

    Examples
    --------
    >>> uniform, noise = torch.full((1, 3, 16, 16), 0.5), torch.rand(1, 3, 16, 16)
    >>> bool(high_frequency(uniform) < 1e-5 < high_frequency(noise))
    True
    """
    # sqrt(mean (x - g * x)^2), with a Gaussian g of 1 px
    lost = images - blur(images, 1.0)
    return (lost.square().mean((1, 2, 3)) + 1e-12).sqrt()


def distance_from_grey(images: torch.Tensor, power: int) -> torch.Tensor:
    """Return the mean of each image's distance from mid-grey (0..1) to some power.

    Power 2 is the decay of Simonyan et al. (2014, arXiv:1312.6034) and Yosinski et al. (2015,
    arXiv:1506.06579); power 6, which hardly affects values between the extremes, is that of
    Mahendran and Vedaldi (2015, arXiv:1412.0035).

    Examples
    --------
    >>> distance_from_grey(torch.full((1, 3, 4, 4), 0.75), 2).tolist()
    [0.25]
    """
    return (2 * images - 1).abs().pow(power).mean((1, 2, 3))


def patch_colour(images: torch.Tensor, natural: PatchColourSettings) -> torch.Tensor:
    """Return how much the colours of each image's patches differ from those of photographs.

    This is the mean over channels and patches (which overlap by half) of the squared z scores of
    the patches' means and standard deviations. It simplifies the patch prior of Wei et al. (2015,
    arXiv:1507.02379) to two statistics of a patch.

    Examples
    --------
    >>> natural = PatchColourSettings(weight=1.0, patch_px=4, mean=(0.5, 0.5, 0.5))
    >>> grey, black = torch.full((1, 3, 8, 8), 0.5), torch.zeros(1, 3, 8, 8)
    >>> bool(patch_colour(grey, natural) < patch_colour(black, natural))
    True
    """
    # mean of ((m - mean) / mean_sd)^2 + ((s - sd) / sd_sd)^2, for a patch's mean m and sd s
    means, sds = patch_statistics(images, natural.patch_px)
    usual = _by_colour(natural.mean, images.device)
    off_mean = ((means - usual) / natural.mean_sd).square()
    off_sd = ((sds - natural.sd) / natural.sd_sd).square()
    return (off_mean + off_sd).mean((1, 2, 3))


@cache  # and never forgotten, because captured steps refer to the tensor's memory
def _by_colour(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    return torch.tensor(values, device=device).view(3, 1, 1)


def patch_statistics(images: torch.Tensor, patch_px: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and standard deviation of each patch: two of images x 3 x rows x columns.

    Examples
    --------
    >>> means, sds = patch_statistics(torch.full((1, 3, 8, 8), 0.5), 4)
    >>> means.shape
    torch.Size([1, 3, 3, 3])
    >>> means.unique().tolist()
    [0.5]
    """
    size, stride = min(patch_px, *images.shape[-2:]), max(1, patch_px // 2)
    mean = F.avg_pool2d(images, size, stride)
    square = F.avg_pool2d(images.square(), size, stride)
    return mean, (square - mean.square()).clamp_min(1e-6).sqrt()


def blur(images: torch.Tensor, sd_px: float) -> torch.Tensor:
    """Blur images by a Gaussian with standard deviation ``sd_px``; 0 does not change them.

    Examples
    --------
    >>> point = torch.zeros(1, 1, 9, 9)
    >>> point[..., 4, 4] = 1
    >>> round(blur(point, 1.0).sum().item(), 4)
    1.0
    """
    if sd_px <= 0:
        return images
    reach = _reach(sd_px, images)
    if images.requires_grad and torch.is_grad_enabled() and not sums_in_order(images):
        down, across = (_blurring(side, sd_px, reach, images.device) for side in images.shape[-2:])
        return down @ images @ across.T
    return _mirrored_blur(images, torch.full((), sd_px, device=images.device), reach)


def _reach(sd_px: float, images: torch.Tensor) -> int:
    # Mirrored borders cannot be wider than the image.
    return min(math.ceil(3 * sd_px), min(images.shape[-2:]) - 1)


def _mirrored_blur(images: torch.Tensor, sd_px: torch.Tensor, reach: int) -> torch.Tensor:
    along = torch.arange(-reach, reach + 1, device=images.device)
    weights = torch.exp(-0.5 * (along / sd_px.clamp_min(1e-3)).square())
    weights = torch.where(along.abs() <= (3 * sd_px).ceil(), weights, 0)
    weights = weights / weights.sum()
    # Each colour by itself, rows and columns one after the other, with colours last in memory.
    framed = F.pad(images, [reach] * 4, mode="reflect").contiguous(
        memory_format=torch.channels_last
    )
    n_colours = images.shape[1]
    for shape in ((1, 1, 1, -1), (1, 1, -1, 1)):
        framed = F.conv2d(framed, weights.view(shape).repeat(n_colours, 1, 1, 1), groups=n_colours)
    return framed.contiguous()


@cache  # as above
def _blurring(size_px: int, sd_px: float, reach: int, device: torch.device) -> torch.Tensor:
    """Return the matrix that blurs the rows of an image."""
    width = torch.tensor(sd_px)
    return weights_of_rows(lambda rows: _mirrored_blur(rows, width, reach), size_px).to(device)


def gradient_widths(blurring: GradientBlurSettings | None, steps: int) -> torch.Tensor:
    """Return the blur of the gradient in each step, in pixels: it decreases linearly, or is 0.

    (Øygard, 2015.)

    Examples
    --------
    >>> gradient_widths(GradientBlurSettings(first_sd_px=2.0, last_sd_px=1.0), 3).tolist()
    [2.0, 1.5, 1.0]
    """
    ends = (blurring.first_sd_px, blurring.last_sd_px) if blurring else (0.0, 0.0)
    return torch.linspace(*ends, steps)


def filter_gradient(
    gradient: torch.Tensor, priors: PriorSettings, width: torch.Tensor
) -> torch.Tensor:
    """Return the gradient with respect to the images, filtered by the priors.

    Parameters
    ----------
    gradient
        Images x 3 x height x width.
    priors
        Filters to apply.
    width
        The step's of :func:`gradient_widths`, on the gradient's device: nobody waits for its value.

    Examples
    --------
    >>> gradient = torch.zeros(1, 3, 9, 9)
    >>> gradient[..., 4, 4] = 1
    >>> priors = PriorSettings(gradient_blur=GradientBlurSettings(first_sd_px=2.0))
    >>> widths = gradient_widths(priors.gradient_blur, 3)
    >>> peaks = [filter_gradient(gradient, priors, width).max().item() for width in widths]
    >>> peaks == sorted(peaks) and peaks[-1] == 1.0
    True
    """
    if priors.gradient_blur:
        widest = max(priors.gradient_blur.first_sd_px, priors.gradient_blur.last_sd_px)
        gradient = _mirrored_blur(gradient, width, _reach(widest, gradient))
    if priors.gradient_octaves:
        gradient = equalise_octaves(gradient, priors.gradient_octaves)
    return gradient


def equalise_octaves(gradient: torch.Tensor, n: int) -> torch.Tensor:
    """Give the n finest octaves of a gradient, and the remainder, equal standard deviations.

    The gradient is decomposed into a Laplacian pyramid, each band is divided by its standard
    deviation, and the sum is scaled to the standard deviation of the original gradient
    (Mordvintsev, Olah & Tyka, 2015, DeepDream notebook).

    Examples
    --------
    >>> gradient = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> equal = equalise_octaves(gradient, 3)
    >>> round((equal.std() / gradient.std()).item(), 3)
    1.0
    """
    # Bands g_k = l_k - up(l_{k+1}), l_{k+1} = down(l_k); result: sum of g_k / sd(g_k), rescaled.
    strength = _sd(gradient)
    bands, left = [], gradient
    for _ in range(n):
        if min(left.shape[-2:]) < 4:
            break
        coarse = F.interpolate(left, scale_factor=0.5, mode="bilinear", antialias=True)
        bands.append(left - _enlarged(coarse, left))
        left = coarse
    equal = left / _sd(left)
    for band in reversed(bands):
        equal = _enlarged(equal, band) + band / _sd(band)
    return equal / _sd(equal) * strength


def _sd(images: torch.Tensor) -> torch.Tensor:
    return images.std((1, 2, 3), keepdim=True).clamp_min(1e-20)


def _enlarged(images: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return F.interpolate(images, size=like.shape[-2:], mode="bilinear")
