import pytest
import torch

from stimgen.visualization.fourier import FourierImages


@pytest.mark.parametrize("size_px", [32, 33])
def test_images_are_grey_noise_in_range(size_px: int) -> None:
    images = FourierImages([1, 2], size_px).images()
    assert images.shape == (2, 3, size_px, size_px)
    assert images.min() >= 0 and images.max() <= 1
    assert abs(images.mean() - 0.5) < 0.1 and images.std() > 0


def test_an_image_starts_from_its_own_seed() -> None:
    alone = FourierImages([7], 16).images()[0]
    torch.testing.assert_close(FourierImages([3, 7], 16).images()[1], alone)


def test_more_decay_is_smoother() -> None:
    def roughness(decay: float) -> float:
        images = FourierImages([1], 64, decay=decay).images().detach()
        return float((images[..., 1:] - images[..., :-1]).std() / images.std())

    assert roughness(2.0) < roughness(1.0) < roughness(0.0)


def test_the_first_colour_channel_is_brightness() -> None:
    pictured = FourierImages([0], 8, start_sd=0)
    with torch.no_grad():
        pictured.spectrum[0, 0, 0, 0, 0] = 10
    red, green, blue = pictured.images()[0].mean((1, 2))
    assert min(red, green, blue) > 0.6 and max(red, green, blue) - min(red, green, blue) < 0.05
