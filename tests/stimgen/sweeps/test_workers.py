import threading
import time

import pytest
import torch

from stimgen.networks.network import Network
from stimgen.sweeps.workers import with_network


@pytest.fixture
def three_threads() -> None:
    torch.set_num_threads(3)


@pytest.mark.usefixtures("three_threads")
def test_passes_side_by_side_do_not_meet(toy: Network) -> None:
    images = list(torch.rand(30, 1, 3, 32, 32))
    expected = [toy.activations(image, ["late"], "pre", "mean") for image in images]
    threads = set()

    def work(own: Network, image: torch.Tensor) -> torch.Tensor:
        threads.add(threading.get_ident())
        assert torch.get_num_threads() == 1
        time.sleep(0.005)
        return own.activations(image, ["late"], "pre", "mean")

    for found, wanted in zip(with_network(toy, work, images), expected, strict=True):
        torch.testing.assert_close(found, wanted)
    assert len(threads) > 1
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_long_work_is_told_to_stop(toy: Network) -> None:
    stop = threading.Event()

    def work(own: Network, item: int) -> int:
        if item == 0:
            return item
        assert stop.wait(10)
        return item

    results = with_network(toy, work, range(4), stop=stop)
    next(results)
    start = time.monotonic()
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - start < 5
    assert torch.get_num_threads() == 3
