import numpy as np
import torch

from stimgen.networks.preprocessing import resize, to_8bit, to_tensor


def test_images_survive_the_way_there_and_back() -> None:
    images = list(np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3), dtype=np.uint8))
    for before, after in zip(images, to_8bit(to_tensor(images)), strict=True):
        np.testing.assert_array_equal(before, after)


def test_resize_leaves_the_right_size_alone_and_keeps_the_mean() -> None:
    images = torch.rand(1, 3, 224, 224)
    assert resize(images, 224) is images
    assert resize(images, 64).shape == (1, 3, 64, 64)
    torch.testing.assert_close(resize(images, 64).mean(), images.mean(), atol=2e-3, rtol=0)
