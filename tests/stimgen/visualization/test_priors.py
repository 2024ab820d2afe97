import math

import pytest
import torch
from torchvision.transforms.v2.functional import gaussian_blur

from stimgen.studies.prior_settings import GradientBlurSettings, PatchColourSettings, PriorSettings
from stimgen.visualization.priors import (
    blur,
    distance_from_grey,
    equalise_octaves,
    filter_gradient,
    gradient_widths,
    high_frequency,
    patch_colour,
    penalty,
    total_variation,
)


def test_total_variation_counts_steps() -> None:
    images = torch.zeros(2, 3, 4, 4)
    images[1, :, :, 2:] = 1
    assert total_variation(images).tolist() == pytest.approx([0, 1 / 3])


def test_high_frequency_is_what_a_blur_takes_away() -> None:
    even = torch.full((1, 3, 16, 16), 0.3)
    slow = torch.linspace(0, 1, 16).expand(1, 3, 16, 16)
    chequered = ((torch.arange(16)[:, None] + torch.arange(16)) % 2).float().expand(1, 3, 16, 16)
    values = [high_frequency(images).item() for images in (even, slow, chequered)]
    assert values[0] == pytest.approx(0, abs=1e-5)
    assert values[1] < 0.05
    assert values[2] == pytest.approx(0.5, abs=0.02)


def test_distance_from_grey_is_zero_at_grey_and_one_at_the_ends() -> None:
    images = torch.stack([torch.full((3, 4, 4), level) for level in (0.5, 0.0, 1.0, 0.75)])
    assert distance_from_grey(images, 2).tolist() == pytest.approx([0, 1, 1, 0.25])
    assert distance_from_grey(images, 6).tolist() == pytest.approx([0, 1, 1, 0.5**6])


def test_patch_colour_is_least_where_colours_are_natural() -> None:
    natural = PatchColourSettings(1.0, 8, mean=(0.6, 0.5, 0.4), mean_sd=0.2, sd=0.1, sd_sd=0.05)
    chequered = ((torch.arange(32)[:, None] + torch.arange(32)) % 2).float() * 2 - 1

    def image(mean: tuple[float, float, float], sd: float) -> torch.Tensor:
        return torch.tensor(mean).view(3, 1, 1) + sd * chequered

    images = torch.stack(
        [image((0.6, 0.5, 0.4), 0.1), image((0.8, 0.7, 0.6), 0.1), image((0.6, 0.5, 0.4), 0.2)]
    )
    assert patch_colour(images, natural).tolist() == pytest.approx([0, 1, 4], abs=1e-3)


def test_penalties_add_up_by_their_weights() -> None:
    images = torch.rand(3, 3, 16, 16)
    assert penalty(images, PriorSettings()).tolist() == [0, 0, 0]
    patches = PatchColourSettings(5.0)
    together = penalty(images, PriorSettings(1.0, 2.0, 3.0, 4.0, patches))
    expected = total_variation(images) + 2 * high_frequency(images)
    expected += 3 * distance_from_grey(images, 2) + 4 * distance_from_grey(images, 6)
    expected += 5 * patch_colour(images, patches)
    torch.testing.assert_close(together, expected)


@pytest.mark.parametrize("sd_px", [0.3, 1.0, 4.0, 20.0])
def test_blur_keeps_the_mean_and_evens_out(sd_px: float) -> None:
    images = torch.rand(2, 3, 24, 24)
    blurred = blur(images, sd_px)
    assert blurred.shape == images.shape
    assert blurred.mean().item() == pytest.approx(images.mean().item(), abs=0.05)
    assert (blurred.std((2, 3)) < images.std((2, 3))).all()
    assert blur(images, 0.0) is images


def test_a_gradient_is_blurred_less_and_less() -> None:
    priors = PriorSettings(gradient_blur=GradientBlurSettings(3.0, 0.0))
    gradient = torch.randn(2, 3, 32, 32)
    widths = gradient_widths(priors.gradient_blur, 3)
    assert widths.tolist() == [3, 1.5, 0]
    made = [filter_gradient(gradient, priors, width) for width in widths]
    sds = [blurred.std().item() for blurred in made]
    assert sds[0] < sds[1] < sds[2] and torch.equal(made[2], gradient)
    for blurred, sd_px in zip(made, (3.0, 1.5), strict=False):
        torch.testing.assert_close(blurred, blur(gradient, sd_px))
    assert gradient_widths(None, 2).tolist() == [0, 0]
    assert filter_gradient(gradient, PriorSettings(), widths[0]) is gradient


@pytest.mark.parametrize("sd_px", [0.3, 1.0, 2.5])
def test_blur_is_torchvisions(sd_px: float) -> None:
    images = torch.rand(2, 3, 24, 31)
    side = 2 * math.ceil(3 * sd_px) + 1
    expected = gaussian_blur(images, [side, side], [sd_px, sd_px])
    torch.testing.assert_close(blur(images, sd_px), expected)


def test_octaves_of_a_gradient_become_equally_strong() -> None:
    fine = torch.randn(2, 3, 64, 64)
    coarse = 30 * blur(torch.randn(2, 3, 64, 64), 6.0)
    gradient = coarse + 0.1 * fine

    def share_of_fine(of: torch.Tensor) -> torch.Tensor:
        return (of - blur(of, 1.0)).std((1, 2, 3)) / of.std((1, 2, 3))

    equal = equalise_octaves(gradient, 3)
    assert (share_of_fine(equal) > 2 * share_of_fine(gradient)).all()
    torch.testing.assert_close(equal.std((1, 2, 3)), gradient.std((1, 2, 3)))
    # Each image's own: its company changes nothing.
    torch.testing.assert_close(equalise_octaves(gradient[:1], 3), equal[:1])
    assert torch.isfinite(equalise_octaves(torch.zeros(1, 3, 16, 16), 9)).all()
