"""The steps that a device takes, taken on the CPU: nothing here has run on CUDA."""

from __future__ import annotations

import io
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stimgen.__main__ import main
from stimgen.networks.compute_device import local_device
from stimgen.networks.network import Network
from stimgen.sets.exemplars import Exemplar, save_naturals
from stimgen.sets.measure import measure
from stimgen.studies.build_settings import ActivationSettings, ImagesSettings
from stimgen.sweeps import device_decoder
from stimgen.sweeps import sweep as sweeping
from stimgen.sweeps.device_decoder import DeviceDecoder, by_torchvision
from stimgen.sweeps.image_reading import plain_file, read_images
from stimgen.sweeps.image_sources import ImageFolder, open_source
from stimgen.sweeps.sweep import sweep
from tests.conftest import some
from unitscope.errors import BadInput

CPU = torch.device("cpu")
CROP = ImagesSettings(resize_px=64, crop_px=48)
SIZES = {"wide": (90, 70), "tall": (70, 121), "small": (50, 40), "exact": (64, 64)}
ROUNDING = 1
"""Levels by which one rounding, of values in 32 bits, differs from Pillow's two."""


def photograph(seed: int, size: tuple[int, int]) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture
def folder(photographs: Path) -> ImageFolder:
    """Plain photographs between images of many kinds, some of them broken."""
    for seed, (name, size) in enumerate(SIZES.items()):
        photograph(seed, size).save(photographs / f"{name}.jpg", quality=90)
        photograph(seed, size).save(photographs / f"{name}_progressive.jpg", progressive=True)
    whole = (photographs / "wide.jpg").read_bytes()
    (photographs / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (photographs / "hollow.jpg").write_bytes(whole[: len(whole) // 2] + whole[-2:])
    odd = io.BytesIO()
    photograph(9, (80, 60)).save(odd, "JPEG", keep_rgb=True)
    (photographs / "untransformed.jpg").write_bytes(odd.getvalue())
    return ImageFolder(photographs)


def test_images_are_those_of_pillow_but_for_rounding(folder: ImageFolder) -> None:
    everything = range(len(folder))
    usual = dict(read_images(folder, CROP, everything))
    found = list(read_images(folder, CROP, everything, DeviceDecoder(CPU), together=7))
    assert [index for index, _ in found] == list(everything)
    faulty = {index for index, pixels in usual.items() if isinstance(pixels, str)}
    assert {folder.name(index) for index in faulty} == {
        "broken.png",
        "truncated.jpg",
        "words.jpg",
    }
    for index, pixels in found:
        if index in faulty:
            assert pixels == usual[index]
            continue
        assert isinstance(pixels, torch.Tensor) and pixels.dtype == torch.uint8
        levels = np.abs(pixels.numpy().astype(int) - usual[index].astype(int))
        is_plain = plain_file(folder, index) is not None
        assert levels.shape == (48, 48, 3) and levels.max() <= (ROUNDING if is_plain else 0)


def test_only_whole_plain_photographs_go_to_the_device(folder: ImageFolder) -> None:
    plain = {folder.name(i) for i in range(len(folder)) if plain_file(folder, i) is not None}
    kinds = {f"{name}{kind}.jpg" for name in SIZES for kind in ("", "_progressive")}
    assert plain == kinds | {"hollow.jpg"}


def test_one_that_the_decoder_does_not_take_spoils_no_other(
    folder: ImageFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = DeviceDecoder(CPU)
    few = [index for index in range(len(folder)) if plain_file(folder, index)]
    before = dict(read_images(folder, CROP, few, decoder))
    refused = folder.encoded(few[2])
    decode, calls = decoder._decode, []

    def decode_but_one(files, device):
        calls.append(len(files))
        if refused in files:
            raise RuntimeError("unsupported subsampling")
        return decode(files, device)

    monkeypatch.setattr(decoder, "_decode", decode_but_one)
    after = dict(read_images(folder, CROP, few, decoder))
    assert calls[0] == len(few) and 1 in calls
    usual = dict(read_images(folder, CROP, few))
    for index in few:
        if isinstance(before[index], str):
            assert after[index] == before[index]
        else:
            expected = usual[index] if index == few[2] else before[index].numpy()
            np.testing.assert_array_equal(after[index].numpy(), expected)


def test_images_of_one_size_are_cut_together_as_they_are_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = [(70, 90), (121, 70), (70, 90), None, (64, 64), (70, 90), (121, 70)]
    decoded = [
        None if shape is None else torch.randint(0, 256, (3, *shape), generator=generator).byte()
        for shape in shapes
    ]
    rows = [6, 0, 2, 3, 1, 8, 4]
    together, alone = torch.full((2, 9, 48, 48, 3), 77, dtype=torch.uint8)
    assert device_decoder.cut(decoded, rows, CROP, together) == {3}
    for image, row in some(list(zip(decoded, rows, strict=True))):
        device_decoder.cut([image], [row], CROP, alone)
    assert torch.equal(together, alone)
    # Rows without an image are left as they were.
    assert [row for row in range(9) if bool((together[row] == 77).all())] == [3, 5, 7]


def test_a_batch_is_decoded_ahead_by_another_thread(
    folder: ImageFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder, threads, handed = DeviceDecoder(CPU), set(), []
    decode = decoder._decode

    def noted(files, device):
        threads.add(threading.get_ident())
        return decode(files, device)

    monkeypatch.setattr(decoder, "_decode", noted)
    monkeypatch.setattr(decoder, "hand_over", lambda pixels: handed.append(len(pixels)))
    found = list(read_images(folder, CROP, range(len(folder)), decoder, together=7))
    assert threads and threading.get_ident() not in threads
    assert sum(handed) == len(found) and max(handed) == 7


def test_auto_takes_the_device_where_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    card = torch.device("cuda")
    auto, cpu = ImagesSettings(), ImagesSettings(decode="cpu")
    assert auto.decode == "auto" and device_decoder.device_decoder(auto, CPU) is None
    monkeypatch.setattr(device_decoder, "_opened", lambda device: f"on {device}")
    assert device_decoder.device_decoder(auto, card) == "on cuda"
    monkeypatch.setenv("LOCAL_RANK", "3")  # as torchrun does, for the device of a rank
    assert device_decoder.device_decoder(auto, local_device(card)) == "on cuda:3"
    assert device_decoder.device_decoder(cpu, card) is None
    assert device_decoder.device_decoder(ImagesSettings("demo"), card) is None

    def none_works(device: torch.device) -> None:
        raise BadInput("no installed torchcodec or torchvision decodes JPEG on cuda")

    monkeypatch.setattr(device_decoder, "_opened", none_works)
    assert device_decoder.device_decoder(auto, card) is None


def test_batches_halve_where_memory_does_not_suffice(
    folder: ImageFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {i: file for i in range(len(folder)) if (file := plain_file(folder, i))}
    assert len(files) == 9
    decoder = DeviceDecoder(CPU)
    (before, refused), decode = decoder(files, len(folder), CROP), decoder._decode
    assert refused <= {next(i for i in files if folder.name(i) == "hollow.jpg")}

    def decode_three(some, device):
        if len(some) > 3:
            raise torch.OutOfMemoryError
        return decode(some, device)

    monkeypatch.setattr(decoder, "_decode", decode_three)
    after, refused_then = decoder(files, len(folder), CROP)
    assert refused_then == refused
    assert all(torch.equal(before[row], after[row]) for row in some(files.keys() - refused))
    assert "photographs at a time do not fit" in capsys.readouterr().err


def test_torchvision_decodes_alike(folder: ImageFolder) -> None:
    files = [file for i in range(len(folder)) if (file := plain_file(folder, i))]
    found = by_torchvision(files, CPU)
    for pixels, file in zip(found, files, strict=True):
        expected = np.asarray(Image.open(io.BytesIO(file)))
        np.testing.assert_array_equal(pixels.permute(1, 2, 0).numpy(), expected)


def test_the_first_decoder_that_works_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(files, device):
        raise RuntimeError("not compiled with nvJPEG support")

    monkeypatch.setattr(device_decoder, "by_torchcodec", broken)
    assert DeviceDecoder(CPU)._decode is by_torchvision
    monkeypatch.setattr(device_decoder, "by_torchvision", broken)
    with pytest.raises(BadInput, match="no installed torchcodec or torchvision decodes JPEG on"):
        DeviceDecoder(CPU)


def test_what_is_swept_is_what_is_saved(
    folder: ImageFolder, toy: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in folder.folder.rglob("*.png"):
        file.unlink()
    folder, decoder = ImageFolder(folder.folder), DeviceDecoder(CPU)
    usual = sweep(toy, folder, ["early"], 3, CROP, ActivationSettings(), batch=16, quiet=True)
    monkeypatch.setattr(sweeping, "device_decoder", lambda images, device: decoder)
    found = sweep(toy, folder, ["early"], 3, CROP, ActivationSettings(), batch=16, quiet=True)
    assert found is not None and usual is not None
    again = sweep(toy, folder, ["early"], 3, CROP, ActivationSettings(), batch=16, quiet=True)
    assert again is not None
    for place, one in enumerate((found, again)):
        one.save(tmp_path / f"{place}.npz")
    assert (tmp_path / "0.npz").read_bytes() == (tmp_path / "1.npz").read_bytes()
    assert found.skipped == usual.skipped and found.n_images == len(folder) - 2
    assert (found.mean != usual.mean).any()
    np.testing.assert_allclose(found.mean, usual.mean, atol=0.005)

    units = toy.units(["early"])
    chosen = [
        (unit, Exemplar("max", 0, rank, int(index)))
        for unit, indices in zip(units, found.top_indices, strict=True)
        for rank, index in enumerate(indices)
    ]
    images = save_naturals(folder, CROP, chosen, tmp_path / "set", decoder)
    files = [(tmp_path / "set" / image.path, image.unit) for image in images]
    measured = measure(toy, files, ActivationSettings(), quiet=True)
    np.testing.assert_array_equal(measured.reshape(found.top_values.shape), found.top_values)


def test_archives_give_the_same_files(folder: ImageFolder, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "shard.tar", "w") as archive:
        for index in range(len(folder)):
            archive.add(folder.folder / folder.name(index), folder.name(index))
    shard = open_source(tmp_path / "shard.tar")
    for index in some(range(len(folder))):
        assert plain_file(shard, index) == plain_file(folder, index)


def test_without_cuda_one_sentence_says_so(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "quick.yaml"
    settings.write_text(
        "name: quick\nnetwork: {name: demo}\nimages: {decode: cuda}\nunits: {sample: {n: 1}}\n"
        "natural: {n_batches: 2, n_bins: 3}\n"
    )
    command = ["build", str(settings), "--images", str(photographs), "--device", "cpu"]
    assert main([*command, "--out", str(tmp_path / "sets")]) == 2
    message = capsys.readouterr().err
    assert "images.decode is cuda, but the network runs on cpu" in message
    assert len(message.strip().splitlines()) == 1
    assert not (tmp_path / "sets").exists()


def test_demo_images_are_not_decoded() -> None:
    with pytest.raises(ValueError, match="decode is cuda, but demo images are rendered"):
        ImagesSettings("demo", decode="cuda")
