import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision import transforms

from stimgen.sweeps.image_sources import ImageFolder, TarShards
from stimgen.sweeps.photographs import MAX_SAMPLE_VALUE, as_rgb, crop, read_rgb
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


def saved(tmp_path: Path, levels: np.ndarray, **options: object) -> Path:
    file = tmp_path / "numbers.tif"
    Image.fromarray(levels).save(file, **options)
    return file


RAMP = np.linspace(0, 1, 32 * 32, dtype=np.float32).reshape(32, 32)
GREY = (RAMP * 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("levels", "tags"),
    [
        (RAMP, {}),
        ((RAMP * 65535).astype(np.uint16), {}),
        ((RAMP * 4095).astype(np.uint16), {MAX_SAMPLE_VALUE: 4095}),
        ((RAMP * 1023).astype(np.uint16), {MAX_SAMPLE_VALUE: 1023}),
    ],
    ids=["float", "16 bit", "12 of 16 bit, said", "10 of 16 bit, said"],
)
def test_numbers_are_scaled_by_what_the_file_says(
    tmp_path: Path, levels: np.ndarray, tags: dict[int, int]
) -> None:
    found = np.asarray(read_rgb(saved(tmp_path, levels, tiffinfo=tags)))[..., 0]
    assert np.abs(found.astype(int) - GREY).max() <= 1


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ((RAMP * 4095).astype(np.uint16), "numbers end at 4095, far from the 65535"),
        ((RAMP * 255).astype(np.uint16), "numbers end at 255, far from the 65535"),
        (RAMP * 255, "numbers go from 0 to 255, expected 0 to 1"),
        (RAMP - 0.5, "numbers go from -0.5 to 0.5, expected 0 to 1"),
        (RAMP * np.nan, "numbers go from nan to nan, expected 0 to 1"),
    ],
)
def test_numbers_of_unknown_scale_are_no_dark_image(
    tmp_path: Path, levels: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read_rgb(saved(tmp_path, levels))


def test_postscript_by_the_name_of_a_photograph_is_not_opened(tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    Image.new("RGB", (64, 64), "red").save(file, "EPS")
    with Image.open(file) as known:
        assert known.format == "EPS"
    with pytest.raises(ValueError, match="not an image of a known format"):
        read_rgb(file)


def jpeg(tmp_path: Path) -> tuple[bytes, np.ndarray]:
    rng = np.random.default_rng(3)
    file = tmp_path / "photo.jpg"
    Image.fromarray(rng.integers(0, 256, (70, 90, 3), dtype=np.uint8)).save(file)
    return file.read_bytes(), np.asarray(read_rgb(file))


def test_a_jpeg_without_the_mark_of_its_end_is_read(tmp_path: Path) -> None:
    content, whole = jpeg(tmp_path)
    np.testing.assert_array_equal(np.asarray(read_rgb(BytesIO(content[:-2]))), whole)


@pytest.mark.parametrize("lost", [3, 4, 5, 6, 8, 12, 20, 100, 3000])
def test_a_jpeg_without_more_than_that_is_not(tmp_path: Path, lost: int) -> None:
    content, _ = jpeg(tmp_path)
    with pytest.raises(OSError, match="truncated"):
        read_rgb(BytesIO(content[:-lost]))


@pytest.mark.parametrize("size", [(15, 300), (300, 15), (1, 1), (16, 161), (2000, 100)])
def test_tiny_images_and_strips_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"is {size[0]} x {size[1]} px, expected 16 or more"):
        crop(Image.new("RGB", size), 40, 32)


def test_files_of_other_suffixes_are_counted(tmp_path: Path) -> None:
    for name in ("a.png", "b.heic", "c.HEIC", "README", ".hidden.txt", "sub/d.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert ImageFolder(tmp_path).unread == "2 .heic, 1 .txt, 1 without any suffix"


def test_masks_beside_images_in_shards_are_no_photographs(tmp_path: Path) -> None:
    shard = tmp_path / "one.tar"
    names = ["a/1.jpg", "a/1.seg.png", "a/2.v3.jpg", "b/1.seg.png", "1.PNG", "1.depth.png"]
    with tarfile.open(shard, "w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    source = TarShards([shard])
    assert [source.name(i) for i in range(len(source))] == [
        f"one/{name}" for name in ("a/1.jpg", "a/2.v3.jpg", "b/1.seg.png", "1.PNG")
    ]
