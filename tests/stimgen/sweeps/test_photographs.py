from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision import transforms

from stimgen.sweeps.image_sources import ImageFolder
from stimgen.sweeps.photographs import as_rgb, crop
from unitscope.errors import BadInput


def test_names_are_posix_paths_in_order_whatever_the_suffixes_case(photographs: Path) -> None:
    folder = ImageFolder(photographs)
    names = [folder.name(i) for i in range(len(folder))]
    assert names == sorted(names)
    assert "More/image00.png" in names and "grey.JPG" in names and "notes.txt" not in names


def test_hash_follows_the_list(photographs: Path) -> None:
    before = ImageFolder(photographs).sha256
    assert before == ImageFolder(photographs).sha256
    (photographs / "grey.JPG").unlink()
    assert before != ImageFolder(photographs).sha256


def test_every_kind_of_image_is_rgb_and_upright(photographs: Path) -> None:
    folder = ImageFolder(photographs)
    loaded = {}
    for i in range(len(folder)):
        if folder.name(i) not in ("broken.png", "words.jpg"):
            loaded[folder.name(i)] = folder.load(i)
    assert {image.mode for image in loaded.values()} == {"RGB"}
    assert loaded["turned.jpeg"].size == (40, 60)
    upright = np.asarray(loaded["clear.png"].crop((0, 0, 60, 40)).rotate(270, expand=True), float)
    assert np.abs(np.asarray(loaded["turned.jpeg"], float) - upright).mean() < 10


def test_sixteen_bit_grey_keeps_its_range() -> None:
    levels = np.array([[0, 65535], [32768, 257]], dtype=np.uint16)
    assert np.asarray(as_rgb(Image.fromarray(levels)))[..., 0].tolist() == [[0, 255], [127, 1]]


def test_what_is_transparent_is_white() -> None:
    assert as_rgb(Image.new("RGBA", (1, 1), (0, 0, 0, 0))).getpixel((0, 0)) == (255, 255, 255)


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such folder"):
        ImageFolder(tmp_path / "nowhere")
    with pytest.raises(BadInput, match="no images there"):
        ImageFolder(tmp_path)


@pytest.mark.parametrize("size", [(300, 200), (201, 377), (256, 256), (100, 57)])
def test_crop_is_torchvisions(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    theirs = transforms.CenterCrop(91)(transforms.Resize(128)(image))
    np.testing.assert_array_equal(np.asarray(crop(image, 128, 91)), np.asarray(theirs))
