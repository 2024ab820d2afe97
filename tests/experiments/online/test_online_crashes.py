"""A server that is killed at random moments loses no trial that it said was recorded."""

from __future__ import annotations

import pytest

from benchmarks.online_load import run


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path):
    counted = run(tmp_path, 8, kills=6, pace_s=0.3, ramp_s=1, most_s=400, size_px=16, seed=1)
    assert counted.failures == []
    assert counted.retries > 0
    assert sum(counted.recorded.values()) > 100


@pytest.mark.slow
def test_twenty_at_once_lose_and_double_nothing(tmp_path):
    counted = run(tmp_path, 20, pace_s=0.3, ramp_s=2, most_s=400, size_px=16)
    assert counted.failures == []
    assert counted.retries == 0
