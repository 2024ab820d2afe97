"""Which photographs show the same, whatever their names and formats."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from stimgen.studies.build_settings import ImagesSettings
from stimgen.sweeps.image_sources import ImageFolder
from stimgen.sweeps.same_images import SameImages
from tests.conftest import some
from unitscope.errors import BadInput

SETTINGS = ImagesSettings(resize_px=40, crop_px=32)


class Counting(ImageFolder):
    """A folder that remembers which images were read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.read: list[str] = []

    def load(self, index: int) -> Image.Image:
        self.read.append(self.name(index))
        return super().load(index)


@pytest.fixture
def source(photographs: Path) -> Counting:
    """Photographs, one of them twice, one in another format, one that differs outside the crop."""
    shutil.copyfile(photographs / "image01.png", photographs / "zz copy.png")
    with Image.open(photographs / "image02.png") as image:
        image.save(photographs / "zz other format.bmp")
    with Image.open(photographs / "image04.png") as image:
        image.putpixel((0, 0), (1, 2, 3))
        image.save(photographs / "zz other corner.png")
    with Image.open(photographs / "image05.png") as image:
        image.putpixel((20, 20), (1, 2, 3))
        image.save(photographs / "zz other middle.png")
    return Counting(photographs)


def test_what_shows_the_same_is_found_by_its_pixels(source: Counting) -> None:
    places = {source.name(index): index for index in range(len(source))}
    shown = SameImages(source, SETTINGS, "fp32")(dict.fromkeys(good(places), 1.0))
    for first, second, same in some(
        [
            ("image01.png", "zz copy.png", True),
            ("image02.png", "zz other format.bmp", True),
            ("image04.png", "zz other corner.png", True),
            ("image05.png", "zz other middle.png", False),
            ("image01.png", "image02.png", False),
        ]
    ):
        assert (shown[places[first]] == shown[places[second]]) == same, (first, second)


def good(places: dict[str, int]) -> list[int]:
    return [index for name, index in places.items() if name not in ("broken.png", "words.jpg")]


def test_only_images_with_a_neighbour_in_activation_are_read_and_once(source: Counting) -> None:
    places = {source.name(index): index for index in range(len(source))}
    far = {index: float(place) for place, index in enumerate(good(places))}
    same = SameImages(source, SETTINGS, "fp32")
    assert same(far) == {index: index for index in far} and source.read == []
    near = far | {places["zz copy.png"]: far[places["image01.png"]] + 1e-7}
    for _ in range(2):
        shown = same(near)
        assert shown[places["zz copy.png"]] == shown[places["image01.png"]]
    assert sorted(source.read) == ["image01.png", "zz copy.png"]


def test_an_image_that_can_no_longer_be_read_is_named(source: Counting) -> None:
    places = {source.name(index): index for index in range(len(source))}
    with pytest.raises(BadInput, match="can no longer be read: words.jpg"):
        SameImages(source, SETTINGS, "fp32")({places["words.jpg"]: 0.0, places["grey.JPG"]: 0.0})
