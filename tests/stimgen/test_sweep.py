from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from conditions.errors import BadInput
from stimgen.networks import Network
from stimgen.preprocessing import to_tensor
from stimgen.settings import ActivationSettings, ImagesSettings
from stimgen.sweep import RunningMoments, RunningTop, Sweep, sweep
from tests.stimgen.conftest import NoiseImages, make_toy

CROP = ImagesSettings(resize_px=40, crop_px=32)
MEAN = ActivationSettings()

# Few distinct values, so that ties are common; signs, zeros of both signs and extremes.
values_with_ties = st.lists(
    st.sampled_from([-1e30, -2.5, -1.0, -1e-40, -0.0, 0.0, 1e-40, 1.0, 2.5, 1e30]),
    min_size=1,
    max_size=60,
)


@given(values_with_ties, st.integers(1, 12), st.lists(st.integers(1, 9), min_size=1), st.booleans())
@settings(deadline=None)
def test_streamed_top_is_that_of_a_full_sort(
    values: list[float], k: int, cuts: list[int], backwards: bool
) -> None:
    array = np.array([values, values[::-1]], dtype=np.float32)
    chunks, start = [], 0
    while start < len(values):
        stop = start + cuts[len(chunks) % len(cuts)]
        chunks.append(np.arange(start, min(stop, len(values))))
        start = stop
    top = RunningTop(2, k)
    for chunk in reversed(chunks) if backwards else chunks:
        top.add(torch.from_numpy(array[:, chunk]), torch.from_numpy(chunk))
    found_values, found_indices = top.result()
    order = np.argsort(-array, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(found_indices, order)
    np.testing.assert_array_equal(found_values, np.take_along_axis(array, order, 1))


@given(st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=40), st.integers(1, 39))
def test_moments_do_not_depend_on_the_cut(values: list[float], cut: int) -> None:
    array = torch.tensor([values])
    moments = RunningMoments(1)
    for part in (array[:, :cut], array[:, cut:]):
        if part.shape[1]:
            moments.add(part)
    mean, sd = moments.result()
    np.testing.assert_allclose(mean, np.mean(values), atol=1e-9)
    np.testing.assert_allclose(sd, np.std(values), atol=1e-6)


@pytest.mark.parametrize(("batch", "merge_every"), [(64, 4), (7, 2), (1, 3)])
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
    pictures = [np.asarray(source.load(i).crop((4, 4, 36, 36))) for i in range(50)]
    matrix = toy.activations(to_tensor(pictures), ["early", "late"], "pre", "mean").numpy().T
    np.testing.assert_array_equal(found.top_indices, np.argsort(-matrix, 1)[:, :8])
    np.testing.assert_array_equal(found.bottom_indices, np.argsort(matrix, 1)[:, :8])
    np.testing.assert_allclose(found.bottom_values, np.sort(matrix, 1)[:, :8], atol=1e-5)
    np.testing.assert_allclose(found.mean, matrix.mean(1), atol=1e-5)
    np.testing.assert_allclose(found.sd, matrix.std(1), atol=1e-5)
    assert found.units == tuple(unit.name for unit in toy.units())


def test_too_few_images_says_how_many_are_needed(toy: Network) -> None:
    with pytest.raises(BadInput, match="found 9 images, need at least 10: 5 at each pole"):
        sweep(toy, NoiseImages(9), ["late"], 5, CROP, MEAN, quiet=True)


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
