"""Ways of doing the same work, measured in turns, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import Any, Literal

import torch

Work = Callable[[], Any]
"""What is measured; it may return something."""

Clock = Literal["wall", "processor"]
"""What seconds are counted by; processor seconds are those of all threads together."""

CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}

Way = tuple[Callable[..., Work], tuple[Any, ...]]
"""What prepares the work, and its arguments; both must be known by name in another process."""


class Side:
    """A process that does its work whenever it is asked to.

    Ways do not share a process, for one may change how the next one's memory is managed.

    Parameters
    ----------
    way
        Its work.
    threads
        That torch may use.
    """

    def __init__(self, way: Way, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, threads, *way), daemon=True)
        self._process.start()
        theirs.close()
        self._receive()

    def run(self, clock: Clock = "wall") -> tuple[float, Any]:
        """Do the work once and return the seconds it took and what it returned."""
        self._ours.send(clock)
        seconds, value = self._receive()
        return seconds, value

    def _receive(self) -> Any:
        try:
            answer = self._ours.recv()
        except EOFError:
            raise RuntimeError("a measured process ended; is there memory enough?") from None
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
    """Measure ways in turns, so that all meet the machine in the same state.

    Each uses as many threads as torch has here. Processor time is for one thread: several wait for
    each other where other programs keep the processors busy, and that counts as work.

    Returns
    -------
    seconds, values
        By way: the shortest time, and what the work returned last.
    """
    with ExitStack() as stack:
        sides = [stack.enter_context(Side(way, torch.get_num_threads())) for way in ways]
        runs = [[side.run(clock) for side in sides] for _ in range(repeats)]
    seconds = [min(run[place][0] for run in runs) for place in range(len(ways))]
    return seconds, [value for _, value in runs[-1]]
