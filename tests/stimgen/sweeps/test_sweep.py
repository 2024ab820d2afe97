from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stimgen.networks.network import Network
from stimgen.networks.preprocessing import to_tensor
from stimgen.studies.build_settings import ActivationSettings, ImagesSettings
from stimgen.sweeps.sweep import Sweep, batch_on, most_at_once, sweep
from tests.stimgen.conftest import NoiseImages, make_toy
from unitscope.errors import BadInput

CROP = ImagesSettings(resize_px=40, crop_px=32)
MEAN = ActivationSettings()


@pytest.mark.parametrize(("batch", "merge_every"), [(64, 4), (7, 20), (1, 1024)])
def test_sweep_finds_what_a_full_matrix_holds(toy: Network, batch: int, merge_every: int) -> None:
    source = NoiseImages(50)
    found = sweep(
        toy,
        source,
        ["early", "late"],
        8,
        CROP,
        MEAN,
        batch=batch,
        merge_every=merge_every,
        quiet=True,
    )
    images = [np.asarray(source.load(i).crop((4, 4, 36, 36))) for i in range(50)]
    matrix = toy.activations(to_tensor(images), ["early", "late"], "pre", "mean").numpy().T
    np.testing.assert_array_equal(found.top_indices, np.argsort(-matrix, 1)[:, :8])
    np.testing.assert_array_equal(found.bottom_indices, np.argsort(matrix, 1)[:, :8])
    np.testing.assert_allclose(found.bottom_values, np.sort(matrix, 1)[:, :8], atol=1e-5)
    np.testing.assert_allclose(found.mean, matrix.mean(1), atol=1e-5)
    np.testing.assert_allclose(found.sd, matrix.std(1), atol=1e-5)
    assert found.histogram.sum(1).tolist() == [50] * len(matrix)
    assert found.units == tuple(unit.name for unit in toy.units())


def test_too_few_images_says_how_many_are_needed(toy: Network) -> None:
    with pytest.raises(BadInput, match="found 9 images, need at least 10: 5 at each pole"):
        sweep(toy, NoiseImages(9), ["late"], 5, CROP, MEAN, quiet=True)
    one_pole = sweep(toy, NoiseImages(9), ["late"], 5, CROP, MEAN, n_poles=1, quiet=True)
    assert one_pole is not None and one_pole.top_indices.shape == (7, 5)
    with pytest.raises(BadInput, match="found 4 images, need at least 5: 5 at each pole"):
        sweep(toy, NoiseImages(4), ["late"], 5, CROP, MEAN, n_poles=1, quiet=True)


def test_unreadable_images_are_skipped_and_counted(toy: Network) -> None:
    class Faulty(NoiseImages):
        def load(self, index: int):  # type: ignore[no-untyped-def]
            if index in (3, 11):
                raise OSError("image file is truncated")
            return super().load(index)

    found = sweep(toy, Faulty(20), ["late"], 9, CROP, MEAN, quiet=True)
    assert found.n_images == 18
    assert found.skipped == (
        "noise-3: image file is truncated",
        "noise-11: image file is truncated",
    )
    assert not np.isin([3, 11], found.top_indices).any()
    with pytest.raises(BadInput, match=r"found 18 images \(2 more cannot be read\)"):
        sweep(toy, Faulty(20), ["late"], 10, CROP, MEAN, quiet=True)


def test_activations_that_are_not_finite_are_refused() -> None:
    toy = make_toy()
    toy.module.get_parameter("left.bias").fill_(torch.inf)
    with pytest.raises(BadInput, match="late-1x1-0000 of network 'toy' is not finite"):
        sweep(toy, NoiseImages(4), ["late"], 2, CROP, MEAN, quiet=True)


def test_a_sweep_survives_the_disk(toy: Network, tmp_path: Path) -> None:
    found = sweep(toy, NoiseImages(12), ["late"], 4, CROP, MEAN, quiet=True)
    found.save(tmp_path / "sweep.npz")
    again = Sweep.load(tmp_path / "sweep.npz")
    assert again.units == found.units and again.n_images == 12 and again.skipped == ()
    np.testing.assert_array_equal(again.top_values, found.top_values)
    (tmp_path / "sweep.npz").write_bytes(b"nothing")
    with pytest.raises(BadInput, match="not a sweep"):
        Sweep.load(tmp_path / "sweep.npz")


def test_too_little_memory_halves_the_batch(
    toy: Network, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    images, layers, activation = NoiseImages(50), ["early", "late"], ActivationSettings()
    much = sweep(toy, images, layers, 5, CROP, activation, batch=16, quiet=True)
    usual, sizes = Network.activations, set()

    def scarce(self: Network, some: torch.Tensor, *others: Any) -> torch.Tensor:
        if len(some) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        sizes.add(len(some))
        return usual(self, some, *others)

    monkeypatch.setattr(Network, "activations", scarce)
    little = sweep(toy, images, layers, 5, CROP, activation, batch=16, quiet=True)
    assert much is not None and little is not None and max(sizes) == 4
    assert "8 images at a time do not fit into memory; continuing with 4" in capsys.readouterr().err
    np.testing.assert_array_equal(little.top_indices, much.top_indices)
    np.testing.assert_array_equal(little.bottom_indices, much.bottom_indices)
    np.testing.assert_allclose(little.mean, much.mean, atol=1e-6)


@pytest.mark.parametrize(("gib", "expected"), [(8, 128), (80, 512)])
def test_a_cards_batch_follows_from_its_memory(
    gib: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stimgen.sweeps.sweep.memory_gib", lambda device: gib)
    assert batch_on(torch.device("cuda")) == expected
    assert batch_on(torch.device("cpu")) == 32


def test_of_a_batch_as_many_pass_at_once_as_others_leave_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    card, cpu = torch.device("cuda"), torch.device("cpu")
    for gib, expected in ((70, 512), (3, 128)):
        monkeypatch.setattr("stimgen.sweeps.sweep.free_gib", lambda device, own=gib: own)
        assert most_at_once(card) == expected
    assert most_at_once(cpu) is None
