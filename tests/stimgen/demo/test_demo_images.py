"""The demo images are the same on every machine, at every size, and hold every factor level."""

import numpy as np
import pytest
from PIL import Image

from stimgen.demo.demo_images import HUES, SHAPES, TEXTURES, DemoImages


def shrunk(image: Image.Image, size_px: int) -> np.ndarray:
    return np.asarray(image.resize((size_px, size_px), Image.Resampling.BOX), dtype=float)


def test_an_image_is_rgb_and_square():
    image = DemoImages(1, size_px=96).load(0)
    assert (image.mode, image.size) == ("RGB", (96, 96))


@pytest.mark.parametrize("size_px", [64, 224])
def test_an_image_depends_on_seed_and_index_only(size_px):
    few, many = DemoImages(5, 7, size_px), DemoImages(1000, 7, size_px)
    forwards = [few.load(i).tobytes() for i in range(5)]
    backwards = [many.load(i).tobytes() for i in reversed(range(5))]
    assert forwards == backwards[::-1]
    assert len(set(forwards)) == 5
    assert few.load(0).tobytes() != DemoImages(5, 8, size_px).load(0).tobytes()


def test_names_are_unique_and_the_same_at_every_size():
    images = DemoImages(1200, 3, 64)
    assert images.name(123) == "demo-3-000123" == DemoImages(124, 3).name(123)
    assert len({images.name(i) for i in range(len(images))}) == 1200


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_outside_the_list_is_refused(index):
    images = DemoImages(3)
    for use in (images.name, images.labels, images.load):
        with pytest.raises(IndexError, match=f"from 0 to 2, got {index}"):
            use(index)


@pytest.mark.parametrize("arguments", [(-1, 0, 224), (1, -1, 224), (1, 0, 4)])
def test_impossible_lists_are_refused(arguments):
    with pytest.raises(ValueError, match="expected n >= 0"):
        DemoImages(*arguments)


def test_the_scene_is_the_same_at_two_sizes():
    small, large = DemoImages(40, 0, 64), DemoImages(40, 0, 224)
    for i in range(40):
        assert small.labels(i) == large.labels(i)
        at_16 = shrunk(small.load(i), 16), shrunk(large.load(i), 16)
        assert np.abs(at_16[0] - at_16[1]).mean() < 1.0
        another = shrunk(large.load((i + 1) % 40), 16)
        assert np.abs(at_16[0] - another).mean() > 10


def test_every_level_occurs_about_equally_often():
    images = DemoImages(3000, 5)
    labels = np.array([images.labels(i) for i in range(len(images))])
    for factor, levels in enumerate((SHAPES, TEXTURES, HUES)):
        counts = np.bincount(labels[:, factor], minlength=len(levels))
        assert len(counts) == len(levels)
        # Five standard deviations of a binomial count.
        p = 1 / len(levels)
        assert np.abs(counts - 3000 * p).max() < 5 * (3000 * p * (1 - p)) ** 0.5


def test_images_use_the_whole_range_of_light_without_drowning_in_it():
    images = DemoImages(100, 11, 64)
    pixels = np.stack([images.pixels(i) for i in range(100)])
    assert pixels.min() < 10
    assert pixels.max() == 255
    assert (pixels == 255).mean() < 0.1
    assert (pixels.std((1, 2)) > 5).all()


# Coarse, so that another rounding of a few pixels passes.
PINNED = {
    0: (("star", "striped", "red"), [120, 91, 82, 76, 45, 37, 114, 96, 83, 122, 89, 82]),
    1: (("cross", "dotted", "blue"), [111, 109, 161, 79, 64, 98, 97, 80, 117, 80, 68, 95]),
    2: (("disc", "checked", "cyan"), [122, 178, 188, 156, 174, 192, 169, 180, 190, 160, 153, 169]),
    999: (("triangle", "dotted", "red"), [154, 94, 108, 115, 68, 90, 139, 77, 85, 124, 85, 89]),
}


@pytest.mark.parametrize("index", PINNED)
def test_images_are_those_that_the_weights_were_trained_on(index):
    labels, means = PINNED[index]
    images = DemoImages(1000, 0, 64)
    names = tuple(
        levels[label]
        for levels, label in zip((SHAPES, TEXTURES, HUES), images.labels(index), strict=True)
    )
    assert names == labels
    np.testing.assert_allclose(shrunk(images.load(index), 2).ravel(), means, atol=1.5)
