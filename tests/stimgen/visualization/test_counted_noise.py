from statistics import NormalDist

import numpy as np
import pytest
import torch
from scipy import stats

from stimgen.visualization.counted_noise import noise_keys, normal
from tests.conftest import some
from tests.stimgen.apart import second_device


def mixed(value: int) -> int:
    """MurmurHash3's end, in whole numbers without bounds."""
    value = (value ^ value >> 16) * 0x85EBCA6B % 2**32
    value = (value ^ value >> 13) * 0xC2B2AE35 % 2**32
    return value ^ value >> 16


def test_numbers_are_those_of_whole_arithmetic() -> None:
    keys = noise_keys([3, 2**32 - 1], 2)
    drawn = normal(keys.flatten(), 50)
    for key, row in some(list(zip(keys.flatten().tolist(), drawn.tolist(), strict=True))):
        parts = [((mixed(mixed(i) ^ key % 2**32) >> 9) + 0.5) / 2**23 for i in range(50)]
        assert row == pytest.approx([NormalDist().inv_cdf(part) for part in parts], abs=1e-5)


def test_numbers_are_normal_and_independent() -> None:
    keys = noise_keys([1, 2, 3], 2)
    drawn = normal(keys.flatten(), 200_000).numpy()
    assert stats.kstest(drawn.flatten(), "norm").pvalue > 0.01
    assert np.isfinite(drawn).all()
    limit = 4 / np.sqrt(drawn.shape[1])
    assert np.abs(np.corrcoef(drawn) - np.eye(len(drawn))).max() < limit
    for apart in (1, 2, 3, 224, 224**2):
        assert abs(np.corrcoef(drawn[0, apart:], drawn[0, :-apart])[0, 1]) < limit


def test_the_ends_are_finite() -> None:
    ends = torch.tensor([0.5, 2**23 - 0.5]).mul(2.0**-22).sub(1).erfinv()
    assert ends.isfinite().all() and ends[0] == -ends[1]


def test_each_step_and_image_has_a_key_of_its_own() -> None:
    keys = noise_keys(range(20), 30)
    assert len(keys.unique()) == 600
    assert torch.equal(noise_keys([7], 10), keys[:10, 7:8])


def test_every_device_draws_the_same() -> None:
    keys = noise_keys([1, 2], 1)[0]
    with second_device() as device:
        there = normal(keys.to(device), 100)
        assert there.device == device
        assert torch.equal(there.cpu(), normal(keys, 100))
