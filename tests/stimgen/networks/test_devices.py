import pytest
import torch

from stimgen.networks.registry import load_network


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
