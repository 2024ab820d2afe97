import dataclasses
import io
from pathlib import Path

import numpy as np
from PIL import Image

from stimgen.sets.time_estimates import FirstImages, first_crop, first_images, png_bytes
from tests.stimgen.sets.test_build import SETTINGS, make_build


class Partly:
    """Images of which only the last can be read."""

    sha256 = "0" * 64

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def name(self, index: int) -> str:
        return f"{index}.png"

    def load(self, index: int) -> Image.Image:
        if index < self.n - 1:
            raise OSError("cannot be read")
        return Image.new("RGB", (90, 90), (10, 200, 30))


def test_no_more_images_are_tried_than_there_are(photographs: Path, tmp_path: Path) -> None:
    build = make_build(photographs, tmp_path, SETTINGS)
    assert len(first_images(build)) == 32 < len(build.source)
    assert len(FirstImages(Partly(3), 32)) == 3


def test_the_image_tried_is_the_first_that_can_be_read() -> None:
    images = dataclasses.replace(SETTINGS.images, resize_px=48, crop_px=32)
    settings = dataclasses.replace(SETTINGS, images=images)
    assert np.unique(first_crop(Partly(4), settings).reshape(-1, 3), axis=0).tolist() == [
        [10, 200, 30]
    ]
    assert first_crop(Partly(4), settings).shape == (32, 32, 3)
    assert not first_crop(FirstImages(Partly(4), 2), settings).any()


def test_bytes_are_those_of_the_file() -> None:
    crop_px = SETTINGS.images.crop_px
    file = io.BytesIO()
    black = Image.new("RGB", (crop_px, crop_px))
    black.save(file, format="PNG", compress_level=3)
    assert png_bytes(FirstImages(Partly(2), 1), SETTINGS) == len(file.getvalue())
