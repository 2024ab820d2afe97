import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms.functional import gaussian_blur

from stimgen.occlusion.patches import (
    Occlusion,
    Patch,
    Sharpening,
    apply,
    blur,
    offsets,
)


def noise(size_px: int = 40, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size_px, size_px, 3), dtype=np.uint8)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 20), st.integers(0, 9), st.booleans())
def test_the_patch_has_the_mean_colour_of_what_it_covers(x, y, size, seed, dark):
    image = noise(seed=seed) // (64 if dark else 1)
    hidden = apply(Occlusion(image), Patch(x, y, size))
    rows, columns = Patch(x, y, size).slices
    covered = image[rows, columns].reshape(-1, 3).astype(float)
    expected = np.floor(covered.mean(0) + 0.5)
    assert np.array_equal(hidden[rows, columns], np.broadcast_to(expected, (size, size, 3)))
    hidden[rows, columns] = image[rows, columns]
    assert np.array_equal(hidden, image)


def test_halves_are_rounded_upwards():
    image = np.zeros((2, 2, 3), np.uint8)
    image[0] = [1, 3, 255]
    assert Occlusion(image).inside([Patch(0, 0, 2)])[0, 1, 1].tolist() == [1, 2, 128]


def test_the_image_itself_stays_as_it_is():
    image = noise()
    before = image.copy()
    apply(Occlusion(image), Patch(3, 4, 9))
    assert np.array_equal(image, before)


@pytest.mark.parametrize("patch", [Patch(31, 0, 10), Patch(0, -1, 10), Patch(0, 0, 0)])
def test_a_patch_must_lie_in_the_image(patch):
    with pytest.raises(ValueError, match=r"is not inside an image of 40 x 40 px"):
        apply(Occlusion(noise()), patch)


def test_the_studies_positions():
    assert len(offsets(224, 90, 2)) == 68
    assert offsets(224, 90, 2)[-1] + 90 == 224
    assert len(offsets(224, 224, 2)) == 1


@pytest.mark.parametrize(("size", "stride"), [(0, 2), (225, 2), (90, 0)])
def test_impossible_positions(size, stride):
    with pytest.raises(ValueError, match="expected"):
        offsets(224, size, stride)


def test_the_centre_is_that_of_the_published_rule():
    assert Patch(67, 67, 90).centre_px == (111.5, 111.5)


def test_blur_is_a_gaussian():
    image = noise(60)
    tensor = torch.from_numpy(image).permute(2, 0, 1).double()
    expected = gaussian_blur(tensor, [21, 21], [3.5, 3.5]).permute(1, 2, 0).numpy()
    assert np.abs(blur(image, 21, 3.5) - expected).max() <= 0.5 + 1e-9


def test_a_sharp_window_in_a_blurred_image():
    image = noise(60)
    edit = Sharpening(image)
    patch = Patch(10, 4, 20)
    shown = apply(edit, patch)
    rows, columns = patch.slices
    assert np.array_equal(shown[rows, columns], image[rows, columns])
    shown[rows, columns] = edit.base[rows, columns]
    assert np.array_equal(shown, blur(image, 21, 3.5))
