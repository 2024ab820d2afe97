"""Ways of doing the same work, measured in alternation, each in its own process."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import Any, Literal

import torch

Work = Callable[[], Any]
"""Function that is measured; it may return a value."""

Clock = Literal["wall", "processor"]
"""Clock of a measurement; processor time is the sum over all threads."""

CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}

Way = tuple[Callable[..., Work], tuple[Any, ...]]
"""Function that prepares the work, and its arguments; both must be picklable."""


class Side:
    """A process that does its work on request.

    Ways do not share a process, because one may change how memory is managed for the next.

    Parameters
    ----------
    way
        Way to measure.
    threads
        Number of torch's threads.
    """

    def __init__(self, way: Way, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, threads, *way), daemon=True)
        self._process.start()
        theirs.close()
        self._receive()

    def run(self, clock: Clock = "wall") -> tuple[float, Any]:
        """Do the work once and return its duration in seconds and its value."""
        self._ours.send(clock)
        seconds, value = self._receive()
        return seconds, value

    def _receive(self) -> Any:
        try:
            answer = self._ours.recv()
        except EOFError:
            raise RuntimeError("a measured process ended; is there enough memory?") from None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *error: object) -> None:
        self._ours.close()
        self._process.join(10)
        self._process.kill()


def _serve(
    theirs: Connection, threads: int, prepare: Callable[..., Work], arguments: tuple[Any, ...]
) -> None:
    try:
        torch.set_num_threads(threads)
        work = prepare(*arguments)
        theirs.send("ready")
        while True:
            now = CLOCKS[theirs.recv()]
            start = now()
            value = work()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            theirs.send((now() - start, value))
    except (EOFError, KeyboardInterrupt):
        pass
    except Exception as error:
        theirs.send(error)


def in_turns(
    ways: Sequence[Way], repeats: int, clock: Clock = "wall"
) -> tuple[list[float], list[Any]]:
    """Measure ways in alternation, so that the state of the machine is the same for all.

    Each uses as many threads as torch has here. Processor time is for a single thread, because
    waiting for other threads counts as work.

    Returns
    -------
    seconds, values
        For each way: the shortest duration, and the last value.
    """
    with ExitStack() as stack:
        sides = [stack.enter_context(Side(way, torch.get_num_threads())) for way in ways]
        runs = [[side.run(clock) for side in sides] for _ in range(repeats)]
    seconds = [min(run[place][0] for run in runs) for place in range(len(ways))]
    return seconds, [value for _, value in runs[-1]]
