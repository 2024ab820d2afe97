"""Use all processors by many passes side by side, each on one, instead of dividing each pass."""

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

    On the CPU as many items are worked on at a time as torch has threads, each with one: results
    then do not depend on the number of processors, and nothing waits where a processor is busy
    with something else. A CUDA device takes one item at a time.

    Parameters
    ----------
    network
        Each thread uses a copy, for the hooks of one pass must not meet another.
    function, items
        What to apply, and to what.
    stop
        Set when no more results are wanted, so that long functions can give up.
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
