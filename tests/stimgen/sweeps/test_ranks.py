import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch.distributed import HashStore

from stimgen.__main__ import main
from stimgen.networks.compute_device import local_device
from stimgen.sweeps.ranks import Ranks, _name_of_group
from tests.stimgen.conftest import NoiseImages
from tests.stimgen.sweeping import (
    N_IMAGES,
    CoarseImages,
    CountingDecoder,
    sweep_photographs,
    sweep_toy,
)

ROOT = Path(__file__).parents[3]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]
TORCHRUN += ["--nproc-per-node", "2", "--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0"]

SETTINGS = """
name: small
network: {name: demo}
units: {sample: {n: 2, layers: [mixed3a]}}
images: {source: demo, n: 203, resize_px: 64, crop_px: 64}
natural: {n_batches: 3, n_bins: 10}
synthetic: {per_pole: 1, steps: 2, image_px: 48, margin_px: 2, jitter_px: [2, 2]}
"""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    # Only this machine takes part, whatever its name resolves to.
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "TP_SOCKET_IFNAME": "lo"}
    return subprocess.run(
        [*TORCHRUN, *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )


def test_alone_without_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    ranks = Ranks.join(torch.device("cpu"))
    assert (ranks.rank, ranks.world, ranks.is_first) == (0, 1, True)
    assert ranks.agree(lambda: True) and not ranks.agree(lambda: False)
    ranks.wait()


def test_each_rank_takes_a_device_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert local_device(torch.device("cuda")) == torch.device("cuda:3")
    assert local_device(torch.device("cuda:1")) == torch.device("cuda:1")
    assert local_device(torch.device("cpu")) == torch.device("cpu")


def test_ranks_name_of_group_anew_whatever_dead_ones_left_behind() -> None:
    store = HashStore()
    names = []
    for _ in range(3):
        with ThreadPoolExecutor(4) as pool:
            met = [pool.submit(_name_of_group, store, rank, 4) for rank in range(3)]
            time.sleep(0.2)  # the last one is late; the one that died has left its word
            assert not any(meeting.done() for meeting in met)
            met.append(pool.submit(_name_of_group, store, 3, 4))
            names.append({meeting.result(timeout=10) for meeting in met})
    assert [len(name) for name in names] == [1, 1, 1] and len(set.union(*names)) == 3


@pytest.mark.slow
def test_a_rank_that_is_killed_and_started_again_loses_nothing(tmp_path: Path) -> None:
    alone = sweep_toy(CoarseImages(N_IMAGES))
    alone.save(tmp_path / "alone.npz")
    module = ["-m", "tests.stimgen.sweeping", str(tmp_path)]
    run("--max-restarts", "1", *module, "--kill-at", "470")
    assert (tmp_path / "sweep.npz").read_bytes() == (tmp_path / "alone.npz").read_bytes()
    loaded = [int((tmp_path / f"loaded{rank}.txt").read_text()) for rank in (0, 1)]
    # How far both had come when one was killed is a matter of time; what they had is not lost.
    assert 0 < sum(loaded) < N_IMAGES


@pytest.mark.slow
def test_each_rank_decodes_its_own_share(tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for index in range(38):
        NoiseImages(38).load(index).save(folder / f"{index:02d}.jpg")
    (folder / "broken.jpg").write_bytes((folder / "00.jpg").read_bytes()[:300])
    alone = {0: CountingDecoder(torch.device("cpu")), 2: None}
    run("-m", "tests.stimgen.sweeping", str(tmp_path), "--photographs")
    for n, decoder in alone.items():
        found = sweep_photographs(tmp_path, n, decoder)
        assert found is not None and found.n_images == 38 and len(found.skipped) == 1
        found.save(tmp_path / f"alone{n}.npz")
        together = (tmp_path / f"together{n}.npz").read_bytes()
        assert together == (tmp_path / f"alone{n}.npz").read_bytes()
    # Every second batch of four, and the last one of three.
    assert [int((tmp_path / f"decoded{rank}.txt").read_text()) for rank in (0, 1)] == [20, 18]


@pytest.mark.slow
def test_two_ranks_build_the_set_that_one_process_builds(tmp_path: Path) -> None:
    settings = tmp_path / "small.yaml"
    settings.write_text(SETTINGS)
    one, two = tmp_path / "one", tmp_path / "two"
    for step in ("sweep", "build"):
        options = [step, str(settings), "--device", "cpu", "--quiet", "--out"]
        assert main([*options, str(one)]) == 0
        shown = run("-m", "stimgen", *options, str(two)).stdout
        if step == "sweep":
            assert shown.count("swept 203 images for 64 units") == 1
            swept = [(out / ".small.partial" / "sweep.npz").read_bytes() for out in (one, two)]
            assert swept[0] == swept[1]
            assert not (two / ".small.partial" / "sweep").exists()
        else:
            assert shown.count("wrote 124 images of 2 units") == 1
    assert sorted(path.name for path in two.iterdir()) == ["small"]
    manifests = [(out / "small" / "manifest.csv").read_bytes() for out in (one, two)]
    assert manifests[0] == manifests[1]
    again = run("-m", "stimgen", "build", str(settings), "--quiet", "--out", str(two)).stdout
    assert again.count("already exists") == 1
