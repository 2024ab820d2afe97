import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stimgen.networks.network import Network
from stimgen.studies.build_settings import ActivationSettings, ImagesSettings
from stimgen.studies.synthetic_settings import SyntheticSettings
from stimgen.visualization.ascend import ascend
from stimgen.visualization.counted_noise import noise_keys
from stimgen.visualization.crops import Crops
from stimgen.visualization.fourier import COLOUR
from stimgen.visualization.goals import Goal
from stimgen.visualization.maco import MacoImages, antisymmetric
from stimgen.visualization.spectrum import estimate_spectrum, signed_magnitude
from tests.stimgen.conftest import NoiseImages

PRE = ActivationSettings()
STEPS = 12
CROPS = Crops(n=6, sides=(0.9, 0.5), noise_sd=0.02)
SETTINGS = SyntheticSettings(
    method="maco", steps=STEPS, image_px=48, margin_px=0, diversity_weight=0, jitter_px=(0, 0)
)


@pytest.fixture(scope="module")
def magnitude(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    path = tmp_path_factory.mktemp("spectrum") / "spectrum.npz"
    images = ImagesSettings(resize_px=40, crop_px=40)
    return estimate_spectrum(NoiseImages(30), images, 48, 30, path, quiet=True)


def goal(network: Network, channel: int, pole: str, *seeds: int) -> Goal:
    return Goal(network.unit("late", "", channel), pole, seeds)


def start(
    magnitude: np.ndarray, seeds: list[int], steps: int = STEPS, crops: Crops = CROPS
) -> MacoImages:
    return MacoImages(seeds, magnitude, steps=steps, crops=crops, input_px=32)


def magnitude_of(image: torch.Tensor) -> torch.Tensor:
    """Magnitudes by the full transform of the image itself, with double precision."""
    before = torch.einsum(
        "cr,rhw->chw", torch.tensor(np.linalg.inv(COLOUR)), image.double().logit()
    )
    return torch.fft.fft2(before, norm="ortho").abs()


@pytest.mark.parametrize("size", [8, 9])
def test_phases_are_those_of_a_real_image(size: int) -> None:
    angles = torch.randn(3, size, size // 2 + 1, generator=torch.Generator().manual_seed(0))
    spectrum = torch.polar(torch.ones_like(angles), antisymmetric(angles))
    back = torch.fft.rfft2(torch.fft.irfft2(spectrum, s=(size, size)))
    torch.testing.assert_close(back, spectrum, atol=1e-5, rtol=0)
    assert torch.equal(antisymmetric(angles)[..., 1:-1], angles[..., 1:-1])


def test_only_the_phase_changes(toy: Network, magnitude: np.ndarray) -> None:
    parametrization = start(magnitude, [1, 2])
    before = parametrization.images().detach()
    goals = [goal(toy, 5, "max", 1, 2)]
    images = ascend(toy, goals, SETTINGS, PRE, start=lambda _: parametrization)[0, :, :3]
    assert (images - before).abs().mean() > 0.02
    wanted = torch.tensor(np.abs(magnitude))
    for image in images:
        found = magnitude_of(image)[..., : magnitude.shape[2]]
        torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("steps", [STEPS, 8 * STEPS])
def test_max_rises_and_min_falls(toy: Network, magnitude: np.ndarray, steps: int) -> None:
    settings = dataclasses.replace(SETTINGS, steps=steps)
    goals = [goal(toy, 5, "max", 1, 2), goal(toy, 5, "min", 3, 4)]
    images = ascend(
        toy, goals, settings, PRE, start=lambda seeds: start(magnitude, list(seeds), steps)
    )[:, :, :3]
    first = start(magnitude, [1, 2, 3, 4]).images().detach().reshape(images.shape)
    for place, sign in enumerate([1, -1]):
        now, before = (
            toy.activations(each[place], ["late"], "pre", "mean")[:, 5] for each in (images, first)
        )
        assert (sign * (now - before) > 0).all()


def test_an_image_does_not_depend_on_its_company(toy: Network, magnitude: np.ndarray) -> None:
    def made(*goals: object) -> tuple[torch.Tensor, torch.Tensor]:
        kept: list[MacoImages] = []

        def begin(seeds: object) -> MacoImages:
            kept.append(start(magnitude, list(seeds)))  # type: ignore[call-overload]
            return kept[0]

        return ascend(toy, goals, SETTINGS, PRE, start=begin), kept[0].transparency  # type: ignore[arg-type]

    alone, map_alone = made(goal(toy, 5, "max", 1, 2))
    together, maps = made(goal(toy, 2, "min", 6, 7), goal(toy, 5, "max", 1, 2))
    torch.testing.assert_close(together[1], alone[0], atol=2e-3, rtol=0)
    torch.testing.assert_close(maps[2:], map_alone, atol=1e-4, rtol=1e-2)
    again, _ = made(goal(toy, 5, "max", 1, 2))
    assert torch.equal(again, alone)


def test_transparency_is_the_sum_of_gradient_sizes(magnitude: np.ndarray) -> None:
    parametrization = start(magnitude, [1])
    weights = torch.randn(1, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    for step in range(2):
        images = parametrization.images()
        parametrization.prepare(step)
        parametrization.views(images, step)
        torch.autograd.grad((images * weights).sum(), parametrization.parameters)
    torch.testing.assert_close(parametrization.transparency, 2 * weights.abs().mean(1))
    assert parametrization.buffers["transparency"] is parametrization.transparency


def test_crops_show_what_lies_there() -> None:
    ramp = torch.linspace(0, 1, 200).expand(1, 3, 200, 200)
    crops = Crops(n=2, sides=(0.5, 0.5), noise_sd=0)
    boxes = torch.tensor([[[0.5, 0.25, 0.5], [0.2, 0.7, 0.3]]])
    noise = crops.noise(noise_keys([0], 1)[0], 20)
    across, down = (crops.cut(image, boxes, noise) for image in (ramp, ramp.mT))
    assert across.shape == (2, 3, 20, 20)
    for each, axis, side in ((across, 1, -1), (down, 2, -2)):
        for crop, box in zip(each, boxes[0], strict=True):
            assert crop.mean().item() == pytest.approx(box[axis].item(), abs=0.01)
            spread = crop.select(side, -1).mean() - crop.select(side, 0).mean()
            assert spread.item() == pytest.approx(box[0].item(), rel=0.1)


def test_crops_shrink_and_stay_inside() -> None:
    boxes = Crops().draw([1, 2], 256)
    assert boxes.shape == (256, 2, 32, 3)
    side, centre = boxes[..., :1], boxes[..., 1:]
    assert (centre - side / 2 >= -1e-6).all() and (centre + side / 2 <= 1 + 1e-6).all()
    assert side[0].mean().item() == pytest.approx(0.5, abs=0.03)
    assert side[-1].mean().item() == pytest.approx(0.07, abs=0.02)
    assert side.min() >= 0.05 - 1e-6
    assert torch.equal(boxes[:, 1:], Crops().draw([2], 256))


def test_noise_is_an_images_own() -> None:
    grey = torch.full((2, 3, 40, 40), 0.5)
    crops = Crops(n=3, noise_sd=0.1)
    boxes, keys = crops.draw([1, 2], 1)[0], noise_keys([1, 2], 2)
    noisy = crops.cut(grey, boxes, crops.noise(keys[0], 32))
    alone = crops.cut(grey[:1], boxes[1:], crops.noise(keys[0, 1:], 32))
    assert torch.equal(noisy[3:], alone)
    assert (noisy - 0.5).std().item() == pytest.approx(0.1, rel=0.05)
    assert not torch.equal(noisy, crops.cut(grey, boxes, crops.noise(keys[1], 32)))


def test_spectrum_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stimgen.visualization.spectrum._SAVE_EVERY_S", 0.0)
    images = ImagesSettings(resize_px=40, crop_px=36)
    loaded: list[int] = []

    class Stopping(NoiseImages):
        stops_at: int | None = 17

        def load(self, index: int) -> Image.Image:
            if index == self.stops_at:
                raise KeyboardInterrupt
            loaded.append(index)
            return super().load(index)

    def estimate(source: NoiseImages, path: str, n: int = 20) -> np.ndarray:
        return estimate_spectrum(source, images, 24, n, tmp_path / path, quiet=True)

    source = Stopping(40)
    with pytest.raises(KeyboardInterrupt):
        estimate(source, "a.npz", 30)
    loaded.clear()
    source.stops_at = None
    found = estimate(source, "a.npz", 30)
    assert min(loaded) >= 17 and max(loaded) == 38
    assert found.shape == (3, 24, 13)
    assert np.array_equal(found, estimate(NoiseImages(40), "b.npz", 30))
    loaded.clear()
    assert np.array_equal(found, estimate(source, "a.npz", 30)) and not loaded
    assert not np.array_equal(found, estimate(source, "a.npz", 10))


def test_spectrum_is_the_mean_over_readable_images(tmp_path: Path) -> None:
    class Broken(NoiseImages):
        def load(self, index: int) -> Image.Image:
            if index % 2:
                raise OSError("cut short")
            return super().load(index)

    images = ImagesSettings(resize_px=40, crop_px=40)
    found = estimate_spectrum(Broken(6), images, 40, 100, tmp_path / "a.npz", quiet=True)
    pixels = [np.asarray(NoiseImages(6).load(index)) / 255 for index in (0, 2, 4)]
    stacked = torch.tensor(np.stack(pixels)).permute(0, 3, 1, 2)
    np.testing.assert_allclose(found, signed_magnitude(stacked).mean(0), atol=1e-5)


def test_phases_of_an_image_give_it_back() -> None:
    """The spectrum is taken where images are made: its own phases complete an image."""
    image = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(1)).double() * 0.8 + 0.1
    magnitude = signed_magnitude(image[None])[0]
    before = torch.einsum("cr,rhw->chw", torch.tensor(np.linalg.inv(COLOUR)), image.logit())
    angles = torch.fft.rfft2(before, norm="ortho").angle()
    spectrum = torch.polar(torch.tensor(np.abs(magnitude)), angles)
    decorrelated = torch.fft.irfft2(spectrum, s=(16, 16), norm="ortho")
    back = torch.einsum("rc,chw->rhw", torch.tensor(COLOUR), decorrelated).sigmoid()
    torch.testing.assert_close(back, image, atol=1e-6, rtol=0)
