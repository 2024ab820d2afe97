"""Processes decode the images that threads decode, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stimgen.networks.network import Network
from stimgen.sets.build import Build
from stimgen.studies.build_settings import ActivationSettings, ImagesSettings, read
from stimgen.sweeps import decoding_processes, image_reading
from stimgen.sweeps.decoding_processes import DecodingProcesses
from stimgen.sweeps.image_reading import n_processes, read_batches, read_images
from stimgen.sweeps.image_sources import ImageFolder
from stimgen.sweeps.sweep import sweep
from tests.conftest import some
from tests.stimgen.conftest import NoiseImages

ROOT = Path(__file__).parents[3]
CROP = ImagesSettings(resize_px=40, crop_px=32)
ON_LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")

SETTINGS = """
name: small
network: {name: demo, weights: random}
units: {sample: {n: 1, layers: [mixed3a]}}
images: {resize_px: 64, crop_px: 64, decode: cpu, decode_processes: 2}
natural: {n_batches: 2, n_bins: 3}
synthetic: {per_pole: 1, steps: 2, image_px: 48, margin_px: 2, jitter_px: [2, 2]}
"""


def by(n: int) -> ImagesSettings:
    return replace(CROP, decode_processes=n)


@pytest.mark.parametrize("n", [1, 3])
def test_images_and_faults_are_those_of_threads(photographs: Path, n: int) -> None:
    NoiseImages(1, 200).load(0).save(photographs / "plain.jpg", quality=95)
    whole = (photographs / "plain.jpg").read_bytes()
    for name, content in (("hollow", whole[: len(whole) // 2] + whole[-2:]), ("cut", whole[:900])):
        (photographs / f"{name}.jpg").write_bytes(content)
    source = ImageFolder(photographs)
    everything = range(len(source))
    usual = dict(read_images(source, by(0), everything, together=7))
    found = list(read_images(source, by(n), everything, together=7))
    assert [index for index, _ in found] == list(everything)
    assert sum(isinstance(image, str) for image in usual.values()) == 3
    for index, image in found:
        if isinstance(image, str):
            assert image == usual[index]
        else:
            np.testing.assert_array_equal(image, usual[index])


def test_what_a_process_refuses_is_said_in_the_same_words(photographs: Path) -> None:
    source = ImageFolder(photographs)
    (photographs / "image02.png").unlink()
    index = next(i for i in range(len(source)) if source.name(i) == "image02.png")
    messages = [dict(read_images(source, by(n), [index]))[index] for n in (0, 1)]
    assert messages[0] == messages[1] == f"image02.png: {os.strerror(2)}"


def test_a_sweep_is_the_same_twice_and_by_any_number(
    toy: Network, photographs: Path, tmp_path: Path
) -> None:
    files = []
    for place, n in enumerate((0, 0, 1, 2, 2)):
        found = sweep(
            toy, ImageFolder(photographs), ["early", "late"], 4, by(n), ActivationSettings(),
            batch=8, quiet=True,
        )  # fmt: skip
        assert found is not None and len(found.skipped) == 2
        found.save(tmp_path / f"{place}.npz")
        files.append((tmp_path / f"{place}.npz").read_bytes())
    assert files == [files[0]] * 5


def test_threads_read_on_where_processes_end(
    photographs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[DecodingProcesses] = []

    class Dying(DecodingProcesses):
        def __enter__(self) -> DecodingProcesses:
            made.append(self)
            return super().__enter__()

        def __call__(self, data: bytes, pixels: np.ndarray) -> bool:
            if len(data) % 5 == 0:
                self._all[0].kill()
            return super().__call__(data, pixels)

    source = ImageFolder(photographs)
    usual = dict(read_images(source, by(0), range(len(source))))
    monkeypatch.setattr(image_reading, "DecodingProcesses", Dying)
    for n in (1, 2):
        found = dict(read_images(source, by(n), range(len(source))))
        assert all(np.array_equal(found[index], usual[index]) for index in some(usual))
        message = capsys.readouterr().err
        assert message.count("a process that decoded photographs ended with code -9") == 1
    processes = [process for one in made for process in one._all]
    assert all(process.poll() is not None for process in some(processes))


def test_a_process_that_cannot_start_is_done_without(
    photographs: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    source = ImageFolder(photographs)
    usual = dict(read_images(source, by(0), range(9)))
    monkeypatch.setattr(decoding_processes, "_START", "raise SystemExit(3)")
    found = dict(read_images(source, by(2), range(9)))
    assert all(np.array_equal(found[index], usual[index]) for index in some(usual))
    assert capfd.readouterr().err.count("ended with code 3") == 1


def test_where_pipes_have_no_more_room_the_usual_ones_do(
    photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, sizes = subprocess.Popen, []

    def narrow(*command: Any, pipesize: int, **more: Any) -> subprocess.Popen[bytes]:
        sizes.append(pipesize)
        if pipesize > 0:
            raise PermissionError
        return usual(*command, **more)

    source = ImageFolder(photographs)
    expected = dict(read_images(source, by(0), range(9)))
    monkeypatch.setattr(subprocess, "Popen", narrow)
    found = dict(read_images(source, by(2), range(9)))
    assert all(np.array_equal(found[index], expected[index]) for index in some(expected))
    assert sizes == [1 << 18, -1] * 2


def test_a_batch_is_one_piece_of_memory_from_which_a_card_copies(
    photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, pinned, rooms = torch.empty, [], []

    def empty(*shape: Any, pin_memory: bool, **more: Any) -> torch.Tensor:
        pinned.append(pin_memory)
        rooms.append(usual(*shape, **more))
        return rooms[-1]

    source = ImageFolder(photographs)
    for device, is_pinned in (("cpu", False), ("cuda", True)):
        with monkeypatch.context() as patched:
            patched.setattr(torch, "empty", empty)
            batches = list(read_batches(source, by(1), 8, range(6), True, None, device))
        assert pinned == [is_pinned] * 6
        # Without the images that cannot be read, the others are copied together.
        pairs = zip(batches, rooms, strict=True)
        own = [batch.images.data_ptr() == room.data_ptr() for batch, room in pairs]
        assert own == [not batch.skipped for batch in batches] and True in own and False in own
        pinned.clear()
        rooms.clear()


@pytest.mark.parametrize(
    ("cores", "n_images", "device", "asked", "expected"),
    [
        (16, 50_000, "cuda", None, 15),
        (8, 50_000, "cuda", None, 7),
        (4, 50_000, "cuda", None, 0),
        (16, 500, "cuda", None, 0),
        (16, 50_000, "cpu", None, 0),
        (2, 5, "cpu", 3, 3),
        (16, 50_000, "cuda", 0, 0),
    ],
)
def test_many_cores_and_images_call_for_processes(
    cores: int,
    n_images: int,
    device: str,
    asked: int | None,
    expected: int,
    photographs: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(image_reading, "own_cores", lambda: cores)
    images = ImagesSettings(decode_processes=asked)
    files = ImageFolder(photographs)
    assert n_processes(files, images, n_images, torch.device(device)) == expected
    assert n_processes(NoiseImages(9), images, n_images, torch.device(device)) == 0


def test_a_set_is_the_same_whoever_decodes(tmp_path: Path, photographs: Path) -> None:
    file = tmp_path / "small.yaml"
    prints = []
    for text in (SETTINGS, SETTINGS.replace(", decode_processes: 2", "")):
        file.write_text(text)
        build = Build(read(str(file)), images=photographs, out=tmp_path, device="cpu", quiet=True)
        prints.append(build.fingerprint)
    assert prints[0] == prints[1]


def started(photographs: Path, tmp_path: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """Start a long sweep, and return it with its processes."""
    (tmp_path / "small.yaml").write_text(SETTINGS)
    many = tmp_path / "many"
    many.mkdir()
    for i in range(20_000):
        (many / f"{i:05d}.png").hardlink_to(photographs / "image01.png")
    command = [sys.executable, "-m", "stimgen", "sweep", str(tmp_path / "small.yaml")]
    command += ["--images", str(many), "--out", str(tmp_path), "--device", "cpu", "--quiet"]
    running = subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    for _ in range(600):
        listed = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        decoding = [int(pid) for pid in listed if "decoding_processes" in command_of(int(pid))]
        if len(decoding) == 2:
            time.sleep(1)
            return running, decoding
        assert running.poll() is None, running.communicate()
        time.sleep(0.1)
    raise AssertionError("no processes were started")


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@ON_LINUX
@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_program(
    how: signal.Signals, photographs: Path, tmp_path: Path
) -> None:
    running, decoding = started(photographs, tmp_path)
    os.killpg(running.pid, how)
    _, errors = running.communicate(timeout=60)
    assert "Traceback" not in errors and "process that decoded" not in errors
    if how == signal.SIGINT:
        assert running.returncode == 130 and errors.strip().endswith("stopped")
    for _ in range(100):
        if not any(command_of(pid) for pid in decoding):
            return
        time.sleep(0.1)
    raise AssertionError(f"{decoding} outlived the program")
