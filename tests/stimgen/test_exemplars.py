import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conditions.vocabulary import Unit
from stimgen.exemplars import bin_and_shuffle, choose
from stimgen.sweep import Sweep

UNIT = Unit("toy", "late", "3x3", 5)


@given(
    st.integers(1, 25),
    st.integers(1, 12),
    st.integers(0, 2**32),
    st.randoms(use_true_random=False),
)
def test_each_batch_takes_one_image_of_each_bin(
    n_batches: int, n_bins: int, seed: int, random: object
) -> None:
    ascending = list(range(1000, 1000 + n_batches * n_bins))
    random.shuffle(ascending)  # type: ignore[attr-defined]
    batches = bin_and_shuffle(ascending, n_batches, n_bins, seed, "unit")
    assert [len(batch) for batch in batches] == [n_bins] * n_batches
    assert sorted(image for batch in batches for image in batch) == sorted(ascending)
    for batch in batches:
        assert [ascending.index(image) // n_batches for image in batch] == list(range(n_bins))


def test_bins_are_shuffled_and_by_the_seed() -> None:
    first, again, other = (bin_and_shuffle(range(200), 20, 10, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert first[0] != list(range(0, 200, 20))


def test_a_wrong_number_of_images_is_refused() -> None:
    with pytest.raises(ValueError, match="got 199 images, expected 20 x 10"):
        bin_and_shuffle(range(199), 20, 10)


def make_sweep(n_images: int, k: int) -> tuple[Sweep, np.ndarray]:
    values = np.random.default_rng(0).normal(size=n_images).astype(np.float32)
    order = np.argsort(values)
    top, bottom = order[::-1][None, :k], order[None, :k]
    found = Sweep(
        (UNIT.name,),
        values[top],
        top,
        values[bottom],
        bottom,
        values.mean(keepdims=True),
        values.std(keepdims=True),
        np.empty((1, 0)),
        n_images,
    )
    return found, values


@given(st.integers(1, 6), st.integers(1, 10), st.integers(0, 30), st.integers(0, 9))
def test_ranks_rise_with_activation_and_poles_share_no_image(
    n_batches: int, n_bins: int, spare: int, seed: int
) -> None:
    k = n_batches * n_bins
    found, values = make_sweep(2 * k + spare, k)
    chosen = choose(found, UNIT, n_batches, n_bins, seed)
    assert len({e.index for e in chosen}) == len(chosen) == 2 * k
    assert {(e.pole, e.batch, e.rank) for e in chosen} == {
        (pole, batch, rank)
        for pole in ("min", "max")
        for batch in range(n_batches)
        for rank in range(n_bins)
    }
    for pole in ("min", "max"):
        by_rank = [
            [values[e.index] for e in chosen if e.pole == pole and e.rank == rank]
            for rank in range(n_bins)
        ]
        for lower, higher in itertools.pairwise(by_rank):
            assert max(lower) <= min(higher)
    highest_min = max(values[e.index] for e in chosen if e.pole == "min")
    assert highest_min < min(values[e.index] for e in chosen if e.pole == "max")


def test_the_best_image_is_a_query_in_some_batch() -> None:
    found, values = make_sweep(500, 200)
    chosen = choose(found, UNIT, 20, 10, 0)
    assert [e.rank for e in chosen if e.index == values.argmax()] == [9]
    assert [e.rank for e in chosen if e.index == values.argmin()] == [0]
