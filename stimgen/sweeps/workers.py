"""Parallel forward passes, each on one CPU core, instead of a division of each pass."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from stimgen.networks.network import Network
from stimgen.sweeps.prefetch import prefetch

Item = TypeVar("Item")
Result = TypeVar("Result")


def with_network(
    network: Network,
    function: Callable[[Network, Item], Result],
    items: Iterable[Item],
    *,
    stop: threading.Event | None = None,
) -> Iterator[Result]:
    """Apply a function of a network to items and yield the results in order.

    On the CPU, as many items are processed in parallel as torch has threads, each on one thread:
    results do not depend on the number of cores, and no thread waits for a busy core. A CUDA device
    processes one item at a time.

    Parameters
    ----------
    network
        Each thread uses a copy, because forward hooks must not be shared between passes.
    function, items
        Function to apply, and the items.
    stop
        Set when no more results are wanted, so that long-running functions can stop.
    """
    workers = torch.get_num_threads() if network.device.type == "cpu" else 1
    own = threading.local()

    def work(item: Item) -> Result:
        if not hasattr(own, "network"):
            own.network = copy.copy(network)
            own.network.module = copy.deepcopy(network.module)
        return function(own.network, item)

    with _one_thread_each():
        yield from prefetch(work, items, ahead=workers + 1, workers=workers, stop=stop)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
