"""What keeps optimised images natural: penalties, and filters of the gradient.

The survey by Nguyen, Yosinski and Clune (2019, arXiv:1904.08939) names the studies they are from.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torchvision.transforms.v2.functional import gaussian_blur

from stimgen.studies.prior_settings import GradientBlurSettings, PatchColourSettings, PriorSettings


def penalty(images: torch.Tensor, priors: PriorSettings) -> torch.Tensor:
    """Return the weighted sum of all penalties, one value per image.

    Parameters
    ----------
    images
        Images x 3 x height x width in 0..1.
    priors
        The weights; a penalty of weight 0 is not computed.
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
    """
    down = (images[..., 1:, :] - images[..., :-1, :]).abs().mean((-3, -2, -1))
    right = (images[..., :, 1:] - images[..., :, :-1]).abs().mean((-3, -2, -1))
    return down + right


def high_frequency(images: torch.Tensor) -> torch.Tensor:
    """Return the root mean square of what a blur by one pixel takes away from each image.

    (Olah et al., 2017, doi:10.23915/distill.00007.)
    """
    lost = images - blur(images, 1.0)
    return (lost.square().mean((1, 2, 3)) + 1e-12).sqrt()


def distance_from_grey(images: torch.Tensor, power: int) -> torch.Tensor:
    """Return each image's mean power of the distance of pixels from mid-grey, black and white at 1.

    Power 2 is the decay of Simonyan et al. (2014, arXiv:1312.6034) and Yosinski et al. (2015,
    arXiv:1506.06579); power 6, which leaves all but the extremes alone, is that of Mahendran and
    Vedaldi (2015, arXiv:1412.0035).
    """
    return (2 * images - 1).abs().pow(power).mean((1, 2, 3))


def patch_colour(images: torch.Tensor, natural: PatchColourSettings) -> torch.Tensor:
    """Return how far the colours of each image's patches are from those of photographs.

    The squared distance of patches' means, and of the standard deviations within them, from what
    they are in photographs, in units of how much they differ between photographs' patches; the
    mean over channels and patches, which overlap by half. (In the spirit of the patch prior of
    Wei et al., 2015, arXiv:1507.02379, with two statistics in place of whole patches.)
    """
    means, sds = patch_statistics(images, natural.patch_px)
    usual = torch.tensor(natural.mean, device=images.device).view(3, 1, 1)
    off_mean = ((means - usual) / natural.mean_sd).square()
    off_sd = ((sds - natural.sd) / natural.sd_sd).square()
    return (off_mean + off_sd).mean((1, 2, 3))


def patch_statistics(images: torch.Tensor, patch_px: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and standard deviation of each patch: two of images x 3 x rows x columns."""
    size, stride = min(patch_px, *images.shape[-2:]), max(1, patch_px // 2)
    mean = F.avg_pool2d(images, size, stride)
    square = F.avg_pool2d(images.square(), size, stride)
    return mean, (square - mean.square()).clamp_min(1e-6).sqrt()


def blur(images: torch.Tensor, sd_px: float) -> torch.Tensor:
    """Blur images by a Gaussian of that standard deviation; 0 leaves them alone."""
    if sd_px <= 0:
        return images
    # Mirrored borders can be no wider than the image.
    reach = min(math.ceil(3 * sd_px), min(images.shape[-2:]) - 1)
    blurred: torch.Tensor = gaussian_blur(images, [2 * reach + 1] * 2, [sd_px] * 2)
    return blurred


def filter_gradient(gradient: torch.Tensor, priors: PriorSettings, progress: float) -> torch.Tensor:
    """Return the gradient with regard to the images as the priors let it pass.

    Parameters
    ----------
    gradient
        Images x 3 x height x width.
    priors
        Which filters there are.
    progress
        0 in the first step, 1 in the last.
    """
    if priors.gradient_blur:
        gradient = blur(gradient, _sd_at(priors.gradient_blur, progress))
    if priors.gradient_octaves:
        gradient = equalise_octaves(gradient, priors.gradient_octaves)
    return gradient


def _sd_at(wanted: GradientBlurSettings, progress: float) -> float:
    """Return a gradient's blur in pixels (Øygard, 2015: from wide to narrow)."""
    return wanted.first_sd_px + progress * (wanted.last_sd_px - wanted.first_sd_px)


def equalise_octaves(gradient: torch.Tensor, n: int) -> torch.Tensor:
    """Give each of the n finest octaves of a gradient, and the rest, the same strength.

    An image's gradient is taken apart into the bands of a Laplacian pyramid, each is divided by its
    own standard deviation and they are put together again, at the strength the gradient had
    (Mordvintsev, Olah & Tyka, 2015, the DeepDream notebook).
    """
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
