from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stimgen.files import save_png
from stimgen.networks.network import Network
from stimgen.networks.preprocessing import to_tensor
from stimgen.sets.measure import measure
from stimgen.studies.build_settings import ActivationSettings
from unitscope.errors import BadInput


def test_files_have_their_own_units_activation(toy: Network, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 40, 40, 3), dtype=np.uint8)
    units = [toy.unit(*u) for u in (("late", "", 6), ("early", "", 1), ("late", "", 0))]
    files = []
    for i, image in enumerate(images):
        save_png(image, tmp_path / f"{i}.png")
        files.append((tmp_path / f"{i}.png", units[i % 3]))
    found = measure(toy, files, ActivationSettings(), batch=2, quiet=True)
    maps = toy.activations(to_tensor(list(images)), ["early", "late"], "pre", "mean").numpy()
    columns = [toy.units().index(unit) for _, unit in files]
    np.testing.assert_allclose(found, maps[range(5), columns], atol=1e-6)


def test_memory_that_runs_out_halves_a_pass(
    toy: Network,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = []
    for i, image in enumerate(np.random.default_rng(0).integers(0, 256, (7, 40, 40, 3))):
        save_png(image.astype(np.uint8), tmp_path / f"{i}.png")
        files.append((tmp_path / f"{i}.png", toy.units()[i]))
    expected = measure(toy, files, ActivationSettings(), quiet=True)
    passed = Network.activations

    def little_memory(own: Network, images: torch.Tensor, *rest: Any) -> torch.Tensor:
        if len(images) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return passed(own, images, *rest)

    monkeypatch.setattr(Network, "activations", little_memory)
    found = measure(toy, files, ActivationSettings(), batch=4, quiet=True)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert "4 images at a time do not fit into memory; continuing with 2" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_named(toy: Network, tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(b"no image")
    with pytest.raises(BadInput, match=r"broken\.png"):
        measure(toy, [(path, toy.units()[0])], ActivationSettings(), quiet=True)
