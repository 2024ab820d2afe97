"""Steps of an optimisation, which CUDA captures once as a graph of kernels and then repeats.

A step launches some hundred kernels; a graph launches them at once, so that the device need not
wait for Python. A graph repeats operations on the same memory: numbers of Python and branches stay
those of the step that was captured. Steps that differ in these are of different forms, each of
which has its own graph, and everything else that depends on the step is written into tensors.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from functools import cache
from typing import Protocol

import torch
from tqdm import tqdm

WARM_UP = 4
"""Steps of a form before it is captured, in which libraries choose and allocate."""

AHEAD = 4
"""Steps that are launched before the first of them is done: what a progress bar is ahead of."""

TOLERANCE = 0.01
"""Largest mean difference of a repeated step from the same step in Python, relative to its size."""

Work = Callable[[], None]


class Steps(Protocol):
    """What is to be done in steps."""

    def form(self, step: int) -> Hashable | None:
        """Return which operations a step consists of; None if it cannot be captured."""

    def prepare(self, step: int) -> None:
        """Write the tensors that depend on the step."""

    def run(self, step: int) -> None:
        """Do a step, after :meth:`prepare`; steps of one form do the same with the same tensors."""

    def tensors(self) -> Sequence[torch.Tensor]:
        """Return everything that a step changes, and later ones depend on."""


class Capture(Protocol):
    """How a device captures work."""

    def aside(self, work: Work) -> None:
        """Do work in such a way that it can be captured next time."""

    def capture(self, work: Work) -> Work:
        """Return a function that repeats work, which itself is not done."""

    def pace(self) -> None:
        """Wait for the work of :data:`AHEAD` calls ago."""

    def wait(self) -> None:
        """Wait for all work."""


class CapturedSteps:
    """Does steps in order: on CUDA most of them as graphs, elsewhere each in Python.

    The first step of each graph is also done in Python and must have the same result. Where it has
    not, or where capturing fails, that is said and all later steps of this process are done in
    Python; where memory runs out, all later steps of this optimisation.

    Parameters
    ----------
    steps
        What is done.
    capture
        How it is captured, as :func:`capture_on` returns it; not at all if None.

    Examples
    --------
    >>> class Counting:
    ...     total = torch.zeros(())
    ...     def form(self, step): return ()
    ...     def prepare(self, step): pass
    ...     def run(self, step): self.total += step
    ...     def tensors(self): return [self.total]
    >>> counting = Counting()
    >>> with CapturedSteps(counting, capture_on(torch.device("cpu"))) as steps:
    ...     for step in range(4):
    ...         steps.do(step)
    >>> counting.total.item()
    6.0
    """

    def __init__(self, steps: Steps, capture: Capture | None) -> None:
        self._steps, self._capture = steps, capture
        self._graphs: dict[Hashable, Work] = {}
        self._done: dict[Hashable, list[int]] = {}

    def do(self, step: int) -> None:
        """Do a step."""
        form = self._steps.form(step)
        if self._capture is None or form is None:
            self._do_in_python(step)
            return
        done = self._done.setdefault(form, [])
        if form in self._graphs:
            self._steps.prepare(step)
            self._graphs[form]()
        elif len(done) < WARM_UP:
            self._capture.aside(lambda: self._do_in_python(step))
            done.append(step)
        else:
            self._do_and_capture(step, form, done[-1])
        if self._capture is not None:
            self._capture.pace()

    def __enter__(self) -> CapturedSteps:
        return self

    def __exit__(self, *error: object) -> None:
        if self._capture is not None:
            self._capture.wait()  # before graphs and memory of another stream are gone
        self._graphs.clear()

    def _do_in_python(self, step: int) -> None:
        self._steps.prepare(step)
        self._steps.run(step)

    def _do_and_capture(self, step: int, form: Hashable, last: int) -> None:
        """Do a step, and again by a graph of the last step of its form, which shows old values."""
        assert self._capture is not None
        before = self._copy()
        self._capture.aside(lambda: self._do_in_python(step))
        after = self._copy()
        self._restore(before)
        self._steps.prepare(last)
        try:
            graph = self._capture.capture(lambda: self._steps.run(last))
            self._steps.prepare(step)
            graph()
            if not _agree(self._copy(), after, before):
                raise RuntimeError("its result differs")
        except RuntimeError as error:  # memory that runs out is one, too
            self._capture = None
            self._graphs.clear()
            # The end of a capture fails too, with less to say.
            _give_up(error.__context__ or error)
        else:
            self._graphs[form] = graph
            return
        self._restore(after)

    def _copy(self) -> list[torch.Tensor]:
        return [tensor.detach().clone() for tensor in self._steps.tensors()]

    def _restore(self, copies: Sequence[torch.Tensor]) -> None:
        with torch.no_grad():
            for tensor, copy in zip(self._steps.tensors(), copies, strict=True):
                tensor.copy_(copy)


def _agree(
    found: Sequence[torch.Tensor], wanted: Sequence[torch.Tensor], before: Sequence[torch.Tensor]
) -> bool:
    """Return whether tensors changed alike; rounding may differ."""
    for one, other, old in zip(found, wanted, before, strict=True):
        far = (one.double() - other.double()).abs().sum()
        if not bool(far <= TOLERANCE * (other.double() - old.double()).abs().sum()):
            return False
    return True


_GIVEN_UP: list[str] = []
"""Why this process captures nothing more."""


def _give_up(error: BaseException) -> None:
    reason = str(error).strip()
    if not _GIVEN_UP:
        told = reason.splitlines()[0] if reason else "unknown reason"
        tqdm.write(
            f"a step could not be captured as a CUDA graph ({told}); continuing without, slower",
            file=sys.stderr,
        )
    # There may be memory for the next images, which may be fewer.
    if not isinstance(error, torch.OutOfMemoryError):
        _GIVEN_UP.append(reason)


def capture_on(device: torch.device) -> Capture | None:
    """Return how a device captures steps; None for CPUs, and after a failure in this process.

    Examples
    --------
    >>> capture_on(torch.device("cpu")) is None
    True
    """
    return CudaCapture(device) if device.type == "cuda" and not _GIVEN_UP else None


class CudaCapture:
    """Captures on a stream of its own; graphs run on the current one.

    Graphs of one optimisation share their memory: all that is needed after a step lies outside.

    Parameters
    ----------
    device
        A CUDA device.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._events: deque[torch.cuda.Event] = deque()
        with torch.cuda.device(device):
            self._pool = torch.cuda.graph_pool_handle()

    def aside(self, work: Work) -> None:
        """Do work on the stream of captures, in its turn."""
        current, stream = torch.cuda.current_stream(self._device), _stream_for(self._device)
        stream.wait_stream(current)
        with torch.cuda.stream(stream):
            work()
        current.wait_stream(stream)

    def capture(self, work: Work) -> Work:
        """Return a function that repeats work on the current stream."""
        with torch.cuda.device(self._device):
            graph = torch.cuda.CUDAGraph()
            try:
                with torch.cuda.graph(
                    graph,
                    pool=self._pool,
                    stream=_stream_for(self._device),
                    capture_error_mode="thread_local",
                ):
                    work()
            except RuntimeError:
                graph.reset()
                _FAILED.append(graph)
                # Where the driver refused an operation, torch leaves the graph's memory taken.
                index = torch.cuda.current_device()
                with suppress(RuntimeError, AttributeError):
                    torch._C._cuda_endAllocateToPool(index, self._pool)
                    torch._C._cuda_releasePool(index, self._pool)
                raise
        return graph.replay

    def pace(self) -> None:
        """Wait for the work of :data:`AHEAD` calls ago."""
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self._device))
        self._events.append(event)
        if len(self._events) > AHEAD:
            self._events.popleft().synchronize()

    def wait(self) -> None:
        """Wait for all work on the device."""
        torch.cuda.synchronize(self._device)


_FAILED: list[torch.cuda.CUDAGraph] = []
"""Graphs whose capture failed, which torch's allocator may still ask."""


@cache
def _stream_for(device: torch.device) -> torch.cuda.Stream:
    # One for all optimisations, because libraries keep a workspace for each stream.
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
