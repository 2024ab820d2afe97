"""torchcodec and Pillow read the same pixels; what only Pillow understands goes to Pillow."""

from __future__ import annotations

import io
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stimgen.sweeps import photographs
from stimgen.sweeps.photographs import read_rgb

ROOT = Path(__file__).parents[3]

needs_torchcodec = pytest.mark.skipif(
    find_spec("torchcodec") is None,
    reason="torchcodec is not installed; it is pinned for Linux with Python 3.11 and later",
)


def photograph(mode="RGB", size=(61, 47)):
    rng = np.random.default_rng(1)
    small = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    return small.resize(size, Image.Resampling.BICUBIC).convert(mode)


def written(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def by_pillow(data, monkeypatch):
    monkeypatch.setattr(photographs, "decoder", lambda: None)
    found = np.asarray(read_rgb(io.BytesIO(data)))
    monkeypatch.undo()
    return found


@needs_torchcodec
@pytest.mark.parametrize("quality", [40, 75, 95])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_the_pixels_are_those_of_pillow(monkeypatch, quality, subsampling, progressive):
    assert photographs.decoder() is not None
    data = written(photograph(), quality=quality, subsampling=subsampling, progressive=progressive)
    quick = photographs.decode(data)
    assert quick is not None
    np.testing.assert_array_equal(np.asarray(quick), by_pillow(data, monkeypatch))
    np.testing.assert_array_equal(np.asarray(read_rgb(io.BytesIO(data))), np.asarray(quick))


def test_what_is_no_plain_photograph_is_left_to_pillow(monkeypatch):
    turned = Image.Exif()
    turned[photographs.ORIENTATION] = 6
    for data in (
        written(photograph("L")),
        written(photograph("CMYK")),
        written(photograph(), exif=turned.tobytes()),
    ):
        with Image.open(io.BytesIO(data)) as image:
            assert not photographs.is_plain(image)
        found = np.asarray(read_rgb(io.BytesIO(data)))
        np.testing.assert_array_equal(found, by_pillow(data, monkeypatch))
    upright = np.asarray(read_rgb(io.BytesIO(written(photograph(), exif=turned.tobytes()))))
    assert upright.shape == (61, 47, 3)


def test_a_truncated_photograph_fails_as_it_does_with_pillow(monkeypatch):
    data = written(photograph(size=(300, 200)))[:3000]
    for decoder in (photographs.decoder, lambda: None):
        monkeypatch.setattr(photographs, "decoder", decoder)
        with pytest.raises(OSError, match="truncated"):
            read_rgb(io.BytesIO(data))


def test_files_and_members_of_archives_are_read_alike(tmp_path):
    data = written(photograph())
    (tmp_path / "a.jpg").write_bytes(data)
    whole = io.BytesIO(data)
    np.testing.assert_array_equal(
        np.asarray(read_rgb(tmp_path / "a.jpg")), np.asarray(read_rgb(whole))
    )


def test_nothing_needs_torchcodec():
    code = (
        "import sys; sys.modules['torchcodec'] = None\n"
        "from stimgen.sweeps import photographs\n"
        "try:\n    found = photographs.decoder()\nexcept ValueError:\n    found = 'raised'\n"
        "assert found is None, found\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
