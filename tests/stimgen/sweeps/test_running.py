from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stimgen.sweeps.running import HISTOGRAM_EDGES, RunningHistogram, RunningMoments, RunningTop

# Few distinct values, so that ties are common; signs, zeros of both signs and extremes.
with_ties = st.sampled_from([-1e30, -2.5, -1.0, -1e-40, -0.0, 0.0, 1e-40, 1.0, 2.5, 1e30])
lists = st.lists(with_ties, min_size=1, max_size=60)
finite = st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1)


def chunks_of(n: int, cuts: list[int], backwards: bool) -> list[np.ndarray]:
    chunks, start = [], 0
    while start < n:
        stop = start + cuts[len(chunks) % len(cuts)]
        chunks.append(np.arange(start, min(stop, n)))
        start = stop
    return chunks[::-1] if backwards else chunks


@given(
    lists, st.integers(1, 12), st.lists(st.integers(1, 9), min_size=1), st.booleans(), st.booleans()
)
@settings(deadline=None)
def test_streamed_top_is_that_of_a_full_sort(
    values: list[float], k: int, cuts: list[int], backwards: bool, smallest: bool
) -> None:
    array = np.array([values, values[::-1]], dtype=np.float32)
    top = RunningTop(2, k, smallest=smallest)
    for chunk in chunks_of(len(values), cuts, backwards):
        top.add(torch.from_numpy(array[:, chunk]), torch.from_numpy(chunk))
    found_values, found_indices = top.result()
    order = np.argsort(array if smallest else -array, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(found_indices, order)
    np.testing.assert_array_equal(found_values, np.take_along_axis(array, order, 1))
    assert not np.signbit(found_values[found_values == 0]).any()


@given(finite)
@settings(deadline=None)
def test_moments_are_the_exact_ones_rounded_once(values: list[float]) -> None:
    moments = RunningMoments(1)
    moments.add(torch.tensor([values]))
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    variance = sum((value - mean) ** 2 for value in exact) / len(exact)
    found_mean, found_sd = moments.result()
    assert found_mean[0] == float(mean)
    assert found_sd[0] == float(variance) ** 0.5


def test_moments_of_many_values_without_overflow() -> None:
    moments = RunningMoments(2)
    values = torch.stack([torch.full((4096,), 255.99998), torch.full((4096,), -1e-42)])
    for _ in range(3):
        moments.add(values)
    sums = moments.arrays["sums"]
    # So many copies as would come of 2**32 values.
    moments.merge({"sums": sums * (2**32 // (3 * 4096) - 1), "n": np.array(2**32 - 3 * 4096)})
    assert moments.arrays["sums"].min() >= -(2**62) and moments.arrays["sums"].max() <= 2**62
    moments.n = 3 * 4096 * (2**32 // (3 * 4096))
    mean, sd = moments.result()
    assert mean.tolist() == values[:, 0].double().tolist() and sd.tolist() == [0, 0]


@given(finite)
@settings(deadline=None)
def test_histogram_counts_what_lies_between_its_edges(values: list[float]) -> None:
    edges = [edge for edge in HISTOGRAM_EDGES if np.isfinite(edge)]
    values = [*values, *edges, *np.nextafter(edges, 0, dtype=np.float32).tolist()]
    histogram = RunningHistogram(1)
    histogram.add(torch.tensor([values], dtype=torch.float32))
    array = np.array(values, dtype=np.float32).astype(float)
    # numpy puts an edge into the bin above it, which is farther from zero on one side only.
    positive, _ = np.histogram(array[array >= 0], HISTOGRAM_EDGES)
    negative, _ = np.histogram(-array[array < 0], HISTOGRAM_EDGES)
    np.testing.assert_array_equal(histogram.result()[0], positive + negative[::-1])
    assert len(HISTOGRAM_EDGES) == 258 and (np.diff(HISTOGRAM_EDGES) > 0).all()
    np.testing.assert_array_equal(HISTOGRAM_EDGES, -HISTOGRAM_EDGES[::-1])


@pytest.mark.parametrize("kind", [RunningMoments, RunningHistogram, lambda n: RunningTop(n, 4)])
@given(
    lists,
    st.lists(st.integers(1, 9), min_size=1),
    st.lists(st.integers(0, 2), min_size=1),
    st.booleans(),
)
@settings(deadline=None)
def test_any_split_over_parts_merges_to_the_same(
    kind, values: list[float], cuts: list[int], owners: list[int], backwards: bool
) -> None:
    array = torch.tensor([values, values[::-1]])

    def add(running, chunk: np.ndarray) -> None:
        new = array[:, torch.from_numpy(chunk)]
        running.add(
            *((new, torch.from_numpy(chunk)) if isinstance(running, RunningTop) else (new,))
        )

    whole, parts, merged = kind(2), [kind(2) for _ in range(3)], kind(2)
    add(whole, np.arange(len(values)))
    for number, chunk in enumerate(chunks_of(len(values), cuts, backwards)):
        add(parts[owners[number % len(owners)]], chunk)
    for part in parts[::-1] if backwards else parts:
        merged.merge(part.arrays)
    np.testing.assert_array_equal(merged.result(), whole.result())
