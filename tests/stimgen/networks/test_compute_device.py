import platform
import subprocess
import sys

import pytest
import torch

from stimgen.networks.compute_device import keep_freed_memory
from stimgen.networks.registry import load_network

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
