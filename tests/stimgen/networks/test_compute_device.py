import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from stimgen.__main__ import main
from stimgen.networks.compute_device import (
    free_gib,
    keep_freed_memory,
    own_cores,
    pick_device,
)
from stimgen.networks.registry import load_network
from unitscope.errors import BadInput

MEASURE = """
import resource, torch
from stimgen.networks.compute_device import keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(10_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
usual = faults()
keep_freed_memory()
for _ in range(4):
    faults()
print(usual, faults())
"""


def test_cuda_computes_with_all_bits_and_alike_in_every_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    matmul.allow_tf32 = True
    monkeypatch.setattr(cudnn, "allow_tf32", True)
    monkeypatch.setattr(cudnn, "benchmark", True)
    monkeypatch.setattr(cudnn, "deterministic", False)

    load_network("demo")

    assert not (cudnn.allow_tf32 or matmul.allow_tf32 or cudnn.benchmark)
    assert cudnn.deterministic


class Card:
    """What torch says of a CUDA device of 80 GiB, most of which another program may use."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fault: Exception | None = None) -> None:
        self.taken: list[torch.device] = []
        self.workspace: list[str | None] = []
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        monkeypatch.setattr(torch.cuda, "set_device", self.take)
        monkeypatch.setattr(torch, "zeros", self.zeros)
        self.fault = fault

    def take(self, device: torch.device) -> None:
        self.taken.append(device)
        self.workspace.append(os.environ.get("CUBLAS_WORKSPACE_CONFIG"))

    def zeros(self, *size: int, device: torch.device) -> None:
        if self.fault is not None:
            raise self.fault


def test_a_card_becomes_the_process_own_after_cuda_is_told_to_compute_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setenv("LOCAL_RANK", "1")
    card = Card(monkeypatch)
    assert pick_device("auto") == pick_device("cuda") == torch.device("cuda:1")
    assert card.taken == [torch.device("cuda:1")] * 2
    assert card.workspace == [":4096:8"] * 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 MiB\nmore"), "of memory"),
        (RuntimeError("CUDA error: device(s) is/are busy or unavailable\nhints"), "busy or unav"),
    ],
)
def test_a_card_that_others_have_is_refused_in_a_sentence(
    fault: Exception,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Card(monkeypatch, fault)
    assert main(["build", "demo", "--device", "cuda", "--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1 and reason in told and "--device cpu" in told
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["cuda:2", "cuda:9", "mps", "meta", "gpu"])
def test_other_devices_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Card(monkeypatch)
    with pytest.raises(BadInput, match=f"no device {name!r}"):
        pick_device(name)


def test_no_memory_later_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def used_up(*args: object, **kwargs: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("stimgen.networks.registry.network_layers", used_up)
    assert main(["units"]) == 2
    told = capsys.readouterr().err
    assert "the device's memory does not suffice" in told and len(told.splitlines()) == 1
    with pytest.raises(BadInput) as raised:
        main(["units", "--debug"])
    assert isinstance(raised.value.__cause__, torch.OutOfMemoryError)


def test_what_is_free_is_what_others_and_torch_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3 << 30, 80 << 30))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 6 << 30)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 5 << 30)
    assert free_gib(torch.device("cuda")) == 4


@pytest.mark.parametrize(
    ("allowed", "neighbours", "expected"),
    [(16, 1, 16), (4, 1, 4), (16, 4, 4), (4, 4, 4), (16, 99, 1)],
)
def test_cores_are_shared_among_the_processes_of_torchrun(
    allowed: int, neighbours: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(allowed)), raising=False)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(neighbours))
    assert own_cores() == expected
    assert own_cores(shared=False) == allowed


def test_it_returns_whether_the_library_took_the_settings() -> None:
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")


def test_freed_blocks_are_used_again() -> None:
    if not keep_freed_memory():
        return
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True
    )
    usual, kept = map(int, done.stdout.split())
    assert kept < 0.01 * usual
