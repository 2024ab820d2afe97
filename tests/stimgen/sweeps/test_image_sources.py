import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stimgen.studies.build_settings import ActivationSettings, ImagesSettings
from stimgen.sweeps.image_sources import ImageFolder, ImageList, ImageSource, TarShards, open_source
from stimgen.sweeps.sweep import sweep
from tests.stimgen.conftest import NoiseImages, make_toy
from unitscope.errors import BadInput


def pack(shard: Path, folder: Path, names: list[str]) -> Path:
    with tarfile.open(shard, "w") as archive:
        for name in names:
            archive.add(folder / name, name)
    return shard


def names_of(source: ImageSource) -> list[str]:
    return [source.name(i) for i in range(len(source))]


@pytest.fixture
def names(photographs: Path) -> list[str]:
    return names_of(ImageFolder(photographs))


@pytest.fixture
def shards(photographs: Path, names: list[str], tmp_path: Path) -> Path:
    folder = tmp_path / "shards"
    folder.mkdir()
    pack(folder / "b.tar", photographs, names[20:])
    pack(folder / "a.tar", photographs, [*names[:20], "notes.txt"])
    return folder


def test_a_folder_a_list_and_shards_hold_the_same_images(
    photographs: Path, names: list[str], shards: Path
) -> None:
    listed = photographs / "some.txt"
    listed.write_text("\n".join(["", *reversed(names), ""]), encoding="utf-8")
    folder, of_list, of_shards = (open_source(p) for p in (photographs, listed, shards))
    assert [type(s) for s in (folder, of_list, of_shards)] == [ImageFolder, ImageList, TarShards]
    assert names_of(of_list) == names[::-1]
    assert names_of(of_shards) == [f"{'a' if i < 20 else 'b'}/{n}" for i, n in enumerate(names)]
    for index, name in enumerate(names):
        if name in ("broken.png", "words.jpg"):
            continue
        expected = folder.load(index).tobytes()
        assert of_list.load(len(names) - 1 - index).tobytes() == expected
        assert of_shards.load(index).tobytes() == expected


def test_what_a_folder_does_not_read_is_counted(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "mine", tmp_path / "elsewhere"
    for place in (folder, elsewhere):
        place.mkdir()
        Image.new("RGB", (20, 20)).save(place / "one.png")
    (folder / "notes.txt").touch()
    (folder / ".hidden").touch()
    for name, target in (("more", elsewhere), ("gone.png", tmp_path / "gone.png")):
        try:
            (folder / name).symlink_to(target)
        except OSError:
            pytest.skip("links need a privilege here")
    found = ImageFolder(folder)
    assert names_of(found) == ["one.png"]
    assert found.unread == "1 .txt, 1 links to folders, 1 links to nothing"
    assert ImageFolder(elsewhere).unread == ""
    (folder / "one.png").unlink()
    with pytest.raises(
        BadInput, match="no images there .* there are 1 .txt, 1 links to folders, 1"
    ):
        ImageFolder(folder)


def test_one_shard_alone(shards: Path) -> None:
    assert len(open_source(shards / "a.tar")) == 20


def test_shards_are_read_by_many_threads(shards: Path) -> None:
    source = open_source(shards)
    readable = [i for i in range(len(source)) if not source.name(i).endswith(("broken.png", "jpg"))]
    alone = [source.load(i).tobytes() for i in readable]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert [image.tobytes() for image in pool.map(source.load, readable)] == alone


def test_hashes_follow_names_order_and_sizes(photographs: Path, shards: Path) -> None:
    listed = photographs / "some.txt"
    digests = set()
    for text in ("image01.png\nimage02.png", "image02.png\nimage01.png", "image01.png"):
        listed.write_text(text)
        assert open_source(listed).sha256 == open_source(listed).sha256
        digests.add(open_source(listed).sha256)
    digests |= {open_source(shards).sha256, open_source(shards / "a.tar").sha256}
    assert len(digests) == 5


def test_corrupt_members_are_listed_and_skipped(shards: Path) -> None:
    source = open_source(shards)
    index = names_of(source).index("b/image05.png")
    with tarfile.open(shards / "b.tar") as archive:
        start = archive.getmember("image05.png").offset_data
    with (shards / "b.tar").open("r+b") as file:
        file.seek(start)
        file.write(bytes(40))
    crop, activation = ImagesSettings(resize_px=40, crop_px=32), ActivationSettings()
    found = sweep(make_toy(), open_source(shards), ["late"], 3, crop, activation, quiet=True)
    assert {entry.split(":")[0] for entry in found.skipped} == {
        "a/broken.png",
        "b/image05.png",
        "b/words.jpg",
    }
    assert found.n_images == len(source) - 3
    assert index not in found.top_indices


def test_a_list_keeps_absolute_paths_to_itself(photographs: Path) -> None:
    (photographs / "More" / "list.txt").write_text(f"{photographs / 'grey.JPG'}\nimage00.png\n")
    source = ImageList(photographs / "More" / "list.txt")
    assert names_of(source) == ["../grey.JPG", "image00.png"]
    (photographs / "grey.JPG").unlink()
    with pytest.raises(OSError) as gone:
        source.load(0)
    assert str(gone.value) == os.strerror(2)


def test_images_beside_shards_make_a_folder_of_images(shards: Path) -> None:
    NoiseImages(1).load(0).save(shards / "cover.png")
    assert names_of(open_source(shards)) == ["cover.png"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "list.txt: lists no images"),
        ("image01.png\n\nimage99.png", "list.txt, line 3: no such file as image99.png"),
        ("image01.png\n./image01.png", "line 2: image01.png is in line 1 already"),
        ("More", "line 1: no such file as More"),
        (b"\xff\xfe\x00", "list.txt: not a text file"),
    ],
)
def test_mistakes_in_a_list_name_the_line(
    photographs: Path, text: str | bytes, message: str
) -> None:
    file = photographs / "list.txt"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadInput, match=message):
        open_source(file)


def test_mistakes_in_shards(photographs: Path, shards: Path, tmp_path: Path) -> None:
    whole = (shards / "a.tar").read_bytes()
    cut = tmp_path / "cut.tar"
    for length in (1000, len(whole) // 2, len(whole) // 2 + 300):
        cut.write_bytes(whole[:length])
        with pytest.raises(BadInput, match="cut.tar: not a complete, uncompressed tar"):
            open_source(cut)
    with pytest.raises(BadInput, match="twice.tar: holds image01.png twice"):
        open_source(pack(tmp_path / "twice.tar", photographs, ["image01.png"] * 2))
    with pytest.raises(BadInput, match="none.tar: no images in the shards"):
        open_source(pack(tmp_path / "none.tar", photographs, ["notes.txt"]))
    with tarfile.open(tmp_path / "packed.tar", "w:gz") as archive:
        archive.add(photographs / "image01.png", "image01.png")
    with pytest.raises(BadInput, match="packed.tar: not a complete, uncompressed tar"):
        open_source(tmp_path / "packed.tar")


def test_other_files_and_missing_ones(photographs: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected a folder, a list file"):
        open_source(photographs / "image01.png")
    with pytest.raises(BadInput, match="no such folder"):
        open_source(tmp_path / "nowhere")
    assert np.asarray(open_source(photographs).load(0)).ndim == 3
