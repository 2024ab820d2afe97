import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stimgen.sweeps.checkpoints import Checkpoints
from stimgen.sweeps.ranks import Ranks
from tests.stimgen.sweeping import N_IMAGES, CoarseImages, sweep_toy
from unitscope.errors import BadInput

ROOT = Path(__file__).parents[3]


class Alone(Ranks):
    """A rank whose partners are run before or after it, not beside it."""

    def wait(self) -> None:
        pass


class Interrupted(CoarseImages):
    """Ends the sweep when so many images have been asked for."""

    left = 10**9

    def load(self, index: int) -> Image.Image:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().load(index)


def bytes_of(found, folder: Path) -> bytes:
    found.save(folder / "sweep.npz")
    return (folder / "sweep.npz").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return bytes_of(sweep_toy(CoarseImages(N_IMAGES)), tmp_path_factory.mktemp("whole"))


# Earlier runs: how many ranks, and after how many images each of them was stopped.
runs = st.lists(
    st.integers(1, 4).flatmap(
        lambda world: st.lists(st.integers(0, N_IMAGES), min_size=world, max_size=world)
    ),
    max_size=3,
)


@given(runs, st.integers(1, 4), st.sampled_from([1, 17, 100, 1024]), st.sampled_from([0, 1e9]))
@settings(deadline=None, max_examples=25)
def test_any_interruptions_and_any_ranks_give_the_same_bytes(
    whole: bytes, stops: list[list[int]], world: int, merge_every: int, every_s: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        parts = Path(folder) / "parts"
        for earlier in stops:
            for rank, stop in enumerate(earlier):
                images = Interrupted(N_IMAGES)
                images.left = stop
                checkpoints = Checkpoints(parts, Alone(rank, len(earlier)), every_s=0)
                # The first rank finds parts missing where it alone came to its end.
                with contextlib.suppress(KeyboardInterrupt, BadInput):
                    sweep_toy(images, checkpoints, merge_every=1)
        for rank in reversed(range(world)):
            checkpoints = Checkpoints(parts, Alone(rank, world), every_s=every_s)
            found = sweep_toy(CoarseImages(N_IMAGES), checkpoints, merge_every=merge_every)
        assert bytes_of(found, Path(folder)) == whole


def test_what_is_done_is_not_done_again(tmp_path: Path, whole: bytes) -> None:
    images = Interrupted(N_IMAGES)
    images.left = 400
    with pytest.raises(KeyboardInterrupt):
        sweep_toy(images, Checkpoints(tmp_path / "parts", every_s=0), merge_every=1)
    again = CoarseImages(N_IMAGES)
    assert bytes_of(sweep_toy(again, Checkpoints(tmp_path / "parts")), tmp_path) == whole
    assert again.n_loaded <= N_IMAGES - 400 + 128 + 4 * 16
    third = CoarseImages(N_IMAGES)
    assert bytes_of(sweep_toy(third, Checkpoints(tmp_path / "parts")), tmp_path) == whole
    assert third.n_loaded == 0


def test_parts_of_another_sweep_are_left_out(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "parts", Alone(0, 1))
    sweep_toy(CoarseImages(N_IMAGES), checkpoints)
    for images, options in (
        (CoarseImages(N_IMAGES - 1), {}),
        (CoarseImages(N_IMAGES), {"batch": 8}),
    ):
        found = sweep_toy(images, checkpoints, **options)
        assert images.n_loaded == len(images)
        np.testing.assert_array_equal(found.top_indices, sweep_toy(images, **options).top_indices)


def test_a_damaged_part_is_made_again(tmp_path: Path, whole: bytes) -> None:
    checkpoints = Checkpoints(tmp_path / "parts")
    sweep_toy(CoarseImages(N_IMAGES), checkpoints)
    part = tmp_path / "parts" / "rank0-of-1.npz"
    for damaged in (b"", part.read_bytes()[:5000]):
        part.write_bytes(damaged)
        assert bytes_of(sweep_toy(CoarseImages(N_IMAGES), checkpoints), tmp_path) == whole
    checkpoints.clear()
    assert not part.parent.exists()


def test_a_rank_that_is_missing_or_counted_twice_is_found_out(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    with pytest.raises(BadInput, match="8 of 16 batches of images are missing.*the same --out"):
        sweep_toy(CoarseImages(N_IMAGES), Checkpoints(parts, Alone(0, 2)))
    sweep_toy(CoarseImages(N_IMAGES), Checkpoints(parts, Alone(1, 2)))
    shutil.copyfile(parts / "rank1-of-2.npz", parts / "rank1-of-3.npz")
    with pytest.raises(BadInput, match="two simultaneous sweeps; remove .*parts"):
        sweep_toy(CoarseImages(N_IMAGES), Checkpoints(parts, Alone(0, 2)))


@pytest.mark.skipif(os.name != "posix", reason="there is no such signal")
def test_killed_by_the_system_and_started_again(tmp_path: Path, whole: bytes) -> None:
    command = [sys.executable, "-m", "tests.stimgen.sweeping", str(tmp_path)]
    killed = subprocess.run([*command, "--kill-at", "400"], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "sweep.npz").exists()
    subprocess.run(command, cwd=ROOT, check=True)
    assert (tmp_path / "sweep.npz").read_bytes() == whole
    assert int((tmp_path / "loaded0.txt").read_text()) < N_IMAGES - 100
