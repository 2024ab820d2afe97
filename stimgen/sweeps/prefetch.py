"""Work in threads, in advance of the use of the results."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from stimgen.networks.compute_device import own_cores

Item = TypeVar("Item")
Result = TypeVar("Result")


def prefetch(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    ahead: int = 128,
    workers: int | None = None,
    stop: threading.Event | None = None,
) -> Generator[Result, None, None]:
    """Apply a function in threads and yield the results in order.

    Parameters
    ----------
    function, items
        Function to apply, and the items.
    ahead
        Largest number of results held at a time.
    workers
        Threads; one for each of this process's CPU cores if None.
    stop
        Set when no more results are wanted, so that long-running functions can stop.
    """
    pending: deque[Future[Result]] = deque()
    left = iter(items)
    with ThreadPoolExecutor(workers or own_cores()) as pool:
        try:
            pending.extend(pool.submit(function, item) for item in islice(left, ahead))
            while pending:
                result = pending.popleft().result()
                pending.extend(pool.submit(function, item) for item in islice(left, 1))
                yield result
        finally:
            if stop is not None:
                stop.set()
            for future in pending:
                future.cancel()
