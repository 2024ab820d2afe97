import numpy as np
import pytest
import torch

from stimgen.demo.demo_images import DemoImages
from stimgen.visualization.fourier import COLOURS, FourierImages, in_colour


@pytest.mark.parametrize("size_px", [32, 33])
def test_images_are_grey_noise_in_range(size_px: int) -> None:
    images = FourierImages([1, 2], size_px).images()
    assert images.shape == (2, 3, size_px, size_px)
    assert images.min() >= 0 and images.max() <= 1
    assert abs(images.mean() - 0.5) < 0.1 and images.std() > 0


@pytest.mark.parametrize("name", sorted(COLOURS))
@pytest.mark.parametrize("size_px", [32, 33])
def test_images_are_the_damped_spectrum_in_colour(size_px: int, name: str) -> None:
    parametrization = FourierImages([1, 2], size_px, decay=1.5, colours=name)
    values = parametrization.spectrum.detach().double().numpy()
    frequency = np.hypot(np.fft.fftfreq(size_px)[:, None], np.fft.rfftfreq(size_px))
    damped = (values[..., 0] + 1j * values[..., 1]) / np.maximum(frequency, 1 / size_px) ** 1.5 / 4
    before = np.fft.irfft2(damped, (size_px,) * 2, norm="ortho")
    pixels = np.einsum("rc,bchw->brhw", COLOURS[name], before)
    expected = torch.from_numpy(1 / (1 + np.exp(-pixels))).float()
    torch.testing.assert_close(parametrization.images(), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", sorted(COLOURS))
def test_colours_are_the_same_where_they_are_added_up(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(0)).requires_grad_()
    found = []
    for is_waited_for in (False, True):
        monkeypatch.setattr(
            "stimgen.visualization.fourier.is_waited_for", lambda device, a=is_waited_for: a
        )
        images = in_colour(before, COLOURS[name])
        (gradient,) = torch.autograd.grad(images.square().sum(), before)
        found.append((images.detach(), gradient))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size_px", [32, 33])
def test_an_image_and_its_gradient_do_not_depend_on_the_others(size_px: int) -> None:
    def made(seeds: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        parametrization = FourierImages(seeds, size_px)
        images = parametrization.images()
        images.square().sum().backward()
        assert parametrization.spectrum.grad is not None
        return images.detach(), parametrization.spectrum.grad

    for alone, together in zip(made([7]), made([3, 7, 5]), strict=True):
        assert torch.equal(alone[0], together[1])


def test_an_image_starts_from_its_own_seed() -> None:
    alone = FourierImages([7], 16).images()[0]
    torch.testing.assert_close(FourierImages([3, 7], 16).images()[1], alone)


def test_more_decay_is_smoother() -> None:
    def roughness(decay: float) -> float:
        images = FourierImages([1], 64, decay=decay).images().detach()
        return float((images[..., 1:] - images[..., :-1]).std() / images.std())

    assert roughness(2.0) < roughness(1.0) < roughness(0.0)


def test_the_first_colour_channel_is_brightness() -> None:
    parametrization = FourierImages([0], 8, start_sd=0)
    with torch.no_grad():
        parametrization.spectrum[0, 0, 0, 0, 0] = 10
    red, green, blue = parametrization.images()[0].mean((1, 2))
    assert min(red, green, blue) > 0.6 and max(red, green, blue) - min(red, green, blue) < 0.05


def test_colours_of_the_demo_are_those_of_its_images() -> None:
    source = DemoImages(300, size_px=32)
    rgb = np.stack([source.pixels(i) for i in range(len(source))]).reshape(-1, 3) / 255
    values, vectors = np.linalg.eigh(np.cov(rgb.T))
    root = (vectors * np.sqrt(values))[:, ::-1]
    root = root / np.linalg.norm(root, axis=0).max()
    signs = np.sign((root * COLOURS["demo"]).sum(0))
    np.testing.assert_allclose(root * signs, COLOURS["demo"], atol=0.03)
    # More hue for its contrast than ImageNet's, which would fail.
    hue = np.linalg.norm(root, axis=0)[1:]
    assert (hue > 1.4 * np.linalg.norm(COLOURS["imagenet"], axis=0)[1:]).all()


def test_images_with_the_colours_of_the_demo_have_more_hue() -> None:
    def hue(colours: str) -> float:
        images = FourierImages([1], 32, start_sd=0.1, colours=colours).images().detach()
        return float(images.std(1).mean() / images.mean(1).std())

    assert hue("demo") > 1.5 * hue("imagenet")
