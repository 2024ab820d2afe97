import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stimgen.sets.exemplars import Exemplar, bin_and_shuffle, choose, rank_window
from stimgen.studies.natural_settings import NaturalSettings, QuerySettings
from stimgen.sweeps.sweep import Sweep
from unitscope.errors import BadInput
from unitscope.vocabulary import POLES, Unit

UNIT = Unit("toy", "late", "3x3", 5)


@given(
    st.integers(1, 25),
    st.integers(1, 12),
    st.integers(0, 2**32),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_each_batch_takes_one_image_of_each_bin(
    n_batches: int, n_bins: int, seed: int, random: object, shuffle_top: bool
) -> None:
    ascending = list(range(1000, 1000 + n_batches * n_bins))
    random.shuffle(ascending)  # type: ignore[attr-defined]
    batches = bin_and_shuffle(ascending, n_batches, n_bins, seed, "unit", shuffle_top=shuffle_top)
    assert [len(batch) for batch in batches] == [n_bins] * n_batches
    assert sorted(image for batch in batches for image in batch) == sorted(ascending)
    for batch in batches:
        assert [ascending.index(image) // n_batches for image in batch] == list(range(n_bins))


def test_the_published_numbers_put_all_200_images_into_their_bins() -> None:
    """Striding over the 200 images with a wrong constant would put 170 of them elsewhere."""
    batches = bin_and_shuffle(range(200), 20, 10, 0)
    found = [image // 20 == rank for batch in batches for rank, image in enumerate(batch)]
    assert sum(found) == 200


def test_bins_are_shuffled_and_by_the_seed() -> None:
    first, again, other = (bin_and_shuffle(range(200), 20, 10, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert first[0] != list(range(0, 200, 20))


def test_a_top_bin_that_is_not_shuffled_gives_batch_b_the_n_minus_bth_best() -> None:
    batches = bin_and_shuffle(range(200), 20, 10, 0, shuffle_top=False)
    assert [batch[-1] for batch in batches] == list(range(180, 200))
    assert [batch[-2] for batch in batches] != list(range(160, 180))


def test_a_wrong_number_of_images_is_refused() -> None:
    with pytest.raises(ValueError, match="got 199 images, expected 20 x 10"):
        bin_and_shuffle(range(199), 20, 10)


def make_sweep(n_images: int, k: int, seed: int = 0) -> tuple[Sweep, np.ndarray]:
    values = np.random.default_rng(seed).normal(size=n_images).astype(np.float32)
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


def query_rank(pole: str, n_bins: int) -> int:
    return 0 if pole == "min" else n_bins - 1


@given(
    st.integers(1, 6),
    st.integers(1, 10),
    st.integers(0, 30),
    st.integers(0, 9),
    st.sampled_from([("min", "max"), ("max",), ("min",)]),
    st.booleans(),
)
def test_ranks_rise_with_activation_and_no_image_is_taken_twice(
    n_batches: int, n_bins: int, spare: int, seed: int, poles: tuple[str, ...], shuffle: bool
) -> None:
    wanted = NaturalSettings(n_batches, n_bins, shuffle_top_bin=shuffle)
    k = wanted.n_extremes
    found, values = make_sweep(2 * k + spare, k, seed)
    chosen = choose(found, UNIT, wanted, poles, seed)
    # So batches share no image, nor do poles, and no query is a reference of any batch.
    assert len({e.index for e in chosen}) == len(chosen) == len(poles) * k
    assert {(e.pole, e.batch, e.rank) for e in chosen} == {
        (pole, batch, rank)
        for pole in poles
        for batch in range(n_batches)
        for rank in range(n_bins)
    }
    for pole in poles:
        by_rank = [
            [values[e.index] for e in chosen if e.pole == pole and e.rank == rank]
            for rank in range(n_bins)
        ]
        for lower, higher in itertools.pairwise(by_rank):
            assert max(lower) <= min(higher)
    if len(poles) == 2:
        highest_min = max(values[e.index] for e in chosen if e.pole == "min")
        assert highest_min < min(values[e.index] for e in chosen if e.pole == "max")


@given(st.integers(1, 6), st.integers(1, 10), st.integers(1, 12), st.integers(0, 9))
def test_batches_of_pairs_are_from_the_strongest_of_all(
    n_batches: int, n_bins: int, pair_batches: int, seed: int
) -> None:
    wanted = NaturalSettings(n_batches, n_bins, pair_batches=pair_batches)
    k = wanted.n_extremes
    found, values = make_sweep(2 * k, k, seed)
    chosen = choose(found, UNIT, wanted, POLES, seed)
    assert chosen_of(chosen, range(n_batches)) == choose(
        found, UNIT, NaturalSettings(n_batches, n_bins), POLES, seed
    )
    pairs = chosen_of(chosen, range(n_batches, n_batches + pair_batches))
    assert len({e.index for e in pairs}) == len(pairs) == 4 * pair_batches
    order = np.argsort(values)
    for pole, bins in (
        ("min", (order[:pair_batches], order[pair_batches : 2 * pair_batches])),
        ("max", (order[-2 * pair_batches : -pair_batches], order[-pair_batches:])),
    ):
        for rank, images in enumerate(bins):
            found_there = {e.index for e in pairs if e.pole == pole and e.rank == rank}
            assert found_there == set(images.tolist())


def chosen_of(chosen: list[Exemplar], batches: range) -> list[Exemplar]:
    return [e for e in chosen if e.batch in batches]


@given(
    st.integers(1, 5),
    st.integers(2, 10),
    st.integers(0, 20),
    st.sampled_from([85.0, 95.0, 99.0]),
    st.integers(200, 1500),
    st.integers(0, 9),
)
def test_queries_by_percentile_are_exact_and_never_references(
    n_batches: int, n_bins: int, wider: int, percentile: float, n_images: int, seed: int
) -> None:
    queries = QuerySettings(percentile, n_batches + wider)
    wanted = NaturalSettings(n_batches, n_bins, queries=queries)
    found, values = make_sweep(n_images, wanted.n_extremes, seed)
    try:
        chosen = choose(found, UNIT, wanted, POLES, seed, values)
    except BadInput:
        assume(False)
    assert len({e.index for e in chosen}) == len(chosen) == 2 * n_batches * n_bins
    rank_of = {int(index): rank for rank, index in enumerate(np.argsort(values))}
    for pole in POLES:
        ours = [e for e in chosen if e.pole == pole]
        asked = [e for e in ours if e.rank == query_rank(pole, n_bins)]
        shown = [e for e in ours if e.rank != query_rank(pole, n_bins)]
        assert sorted(e.batch for e in asked) == list(range(n_batches))
        target = (n_images - 1) * (percentile if pole == "max" else 100 - percentile) / 100
        assert all(abs(rank_of[e.index] - target) <= (n_batches + wider) / 2 + 1 for e in asked)
        extremes = np.argsort(values)[: len(shown)]
        if pole == "max":
            extremes = np.argsort(values)[len(values) - len(shown) :]
        assert {e.index for e in shown} == set(extremes.tolist())


def test_a_window_of_ranks_is_counted_among_readable_images_and_mirrored() -> None:
    values = np.full(1100, np.nan, dtype=np.float32)
    order = np.random.default_rng(0).permutation(1100)[:1001]
    values[order] = np.arange(1001)
    top = rank_window(values, "max", QuerySettings(95), 11)
    assert values[top].tolist() == list(range(945, 956))
    low = rank_window(values, "min", QuerySettings(95), 11)
    assert values[low].tolist() == list(range(45, 56))


def test_too_few_images_for_a_percentile() -> None:
    wanted = NaturalSettings(5, 10, queries=QuerySettings(99))
    found, values = make_sweep(1000, wanted.n_extremes)
    with pytest.raises(BadInput, match="percentile 99 overlap with the 45 references"):
        choose(found, UNIT, wanted, POLES, 0, values)
    with pytest.raises(BadInput, match="among 1000 images there are no 5 around percentile 100"):
        rank_window(values, "max", QuerySettings(100), 5)
    with pytest.raises(BadInput, match="no 300 around percentile 60"):
        rank_window(values, "max", QuerySettings(60), 300)


def test_the_best_image_is_a_query_in_some_batch() -> None:
    found, values = make_sweep(500, 200)
    chosen = choose(found, UNIT, NaturalSettings(), POLES, 0)
    assert [e.rank for e in chosen if e.index == values.argmax()] == [9]
    assert [e.rank for e in chosen if e.index == values.argmin()] == [0]
