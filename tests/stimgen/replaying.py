"""Graphs of operations on the second device, which repeat what CUDA graphs would.

What is captured is done again operation by operation on the same tensors: Python is not asked, so
its numbers and branches stay those of the captured step. Operations are refused for which the
processor would have to wait, or whose memory it may have changed before the graph is repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from tests.stimgen.apart import Apart, aten

WAITING = {
    aten._local_scalar_dense,
    aten.is_nonzero,
    aten.equal,
    aten.nonzero,
    aten.masked_select,
    aten._unique2,
    aten.unique_dim,
    aten.repeat_interleave,
}
"""Operations whose result, or its size, must be known to the processor."""


class Recording(TorchDispatchMode):
    """Records operations on the second device, and refuses those that no graph can repeat."""

    def __init__(self, left_out: str = "") -> None:
        super().__init__()
        self.left_out = left_out
        self.operations: list[tuple[Any, Any, Any, Any]] = []
        self.changed: list[tuple[Apart, torch.Tensor]] = []

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        there = [value for value in given if isinstance(value, Apart)]
        name = function.overloadpacket
        if there and (name in WAITING or _chooses(function, args)):
            raise RuntimeError(f"{function}: the processor would wait for the device")
        for value, argument in zip(args, function._schema.arguments, strict=False):
            if argument.alias_info is not None and argument.alias_info.is_write:
                leaves = [leaf for leaf in tree_leaves(value) if isinstance(leaf, Apart)]
                self.changed += [(leaf, leaf.own.clone()) for leaf in leaves]
        result = function(*args, **kwargs)
        made = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        is_there = any(isinstance(value, Apart) for value in made) or bool(there)
        here = [value for value in (*given, *made) if not isinstance(value, Apart)]
        if is_there and any(value.dim() for value in here):
            raise RuntimeError(f"{function}: memory of the processor in a captured step")
        if is_there and name.__name__ != self.left_out:
            # The processor's numbers are copied into a graph when it is captured.
            frozen = tree_map_only(
                torch.Tensor, lambda t: t if isinstance(t, Apart) else t.clone(), (args, kwargs)
            )
            self.operations.append((function, *frozen, result))
        return result

    def undo(self) -> None:
        """Give all that was changed its old values: what is captured is not done."""
        for tensor, old in reversed(self.changed):
            tensor.own.copy_(old)
        self.changed.clear()

    @torch.no_grad()
    def repeat(self) -> None:
        """Do all operations again on the same tensors."""
        for function, args, kwargs, result in self.operations:
            own = {_memory(leaf) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Apart)}
            old = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Apart)]
            if old and not function._schema.is_mutable and all(_memory(t) in own for t in old):
                continue  # views
            new = [t for t in tree_leaves(function(*args, **kwargs)) if isinstance(t, Apart)]
            for before, now in zip(old, new, strict=True):
                if _memory(before) not in own:
                    before.own.copy_(now.own)


def _chooses(function: Any, args: Any) -> bool:
    """Return whether an operation takes or sets what is true in a mask."""
    if function.overloadpacket not in (aten.index, aten.index_put, aten.index_put_):
        return False
    indices = [index for index in args[1] if index is not None]
    return any(index.dtype in (torch.bool, torch.uint8) for index in indices)


def _memory(tensor: Apart) -> int:
    return tensor.own.untyped_storage()._cdata


class Replaying:
    """Captures like CUDA, by :class:`Recording`.

    Parameters
    ----------
    left_out
        Name of an operation that graphs lack.
    fails_with
        Error of every capture.
    """

    def __init__(self, left_out: str = "", fails_with: BaseException | None = None) -> None:
        self.left_out, self.fails_with = left_out, fails_with
        self.n_python = self.n_tried = self.n_graphs = self.n_repeated = 0

    def aside(self, work: Callable[[], None]) -> None:
        self.n_python += 1
        work()

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        self.n_tried += 1
        if self.fails_with is not None:
            raise self.fails_with
        recording = Recording(self.left_out)
        with recording:
            work()
        recording.undo()
        self.n_graphs += 1

        def repeat() -> None:
            self.n_repeated += 1
            recording.repeat()

        return repeat

    def pace(self) -> None:
        pass

    def wait(self) -> None:
        pass
