"""A second device for machines that have none: its tensors refuse to meet the processor's.

What is on a graphics card must be moved before it can be used with what is not; code that forgets
this works on the processor and fails there. Here everything is computed by the processor, and the
same rules hold.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map_only

from stimgen.networks.network import Network

APART = torch.device("meta")
"""Known to torch without a driver, and to its automatic gradients."""

aten = torch.ops.aten
INDEXING = (aten.index.Tensor, aten.index_put.default, aten.index_put_.default)


class Apart(torch.Tensor):
    """A tensor on the second device."""

    own: torch.Tensor

    @staticmethod
    def __new__(cls, own: torch.Tensor) -> Apart:
        made: Apart = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            own.shape,
            strides=own.stride(),
            storage_offset=own.storage_offset(),
            dtype=own.dtype,
            device=APART,
        )
        made.own = own
        return made

    @classmethod
    def __torch_dispatch__(
        cls, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return _run(function, args, kwargs or {})


def _run(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    given = [value for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)]
    device = kwargs.get("device")
    own_args, own_kwargs = tree_map_only(Apart, lambda value: value.own, (args, kwargs))
    if function is aten.copy_.default:
        function(*own_args, **own_kwargs)  # goes from one device to the other
        return args[0]
    # The processor's numbers, and indices as on CUDA, may be used anywhere.
    indices = args[1] if function in INDEXING else ()
    here = [value for value in given if not isinstance(value, Apart) and value.dim() > 0]
    here = [value for value in here if not any(value is index for index in indices)]
    if here and any(isinstance(value, Apart) for value in given):
        raise RuntimeError(f"{function}: expected all tensors to be on the same device")
    if device is not None and torch.device(device) == APART:
        own_kwargs["device"] = torch.device("cpu")
    result = function(*own_args, **own_kwargs)
    if device is not None and torch.device(device) != APART:
        return result.clone()
    # Outside nobody knows of signs and conjugates that are still to be taken.
    result = tree_map_only(torch.Tensor, lambda t: Apart(t.resolve_conj().resolve_neg()), result)
    return return_and_correct_aliasing(function, args, kwargs, result)


class _There(TorchDispatchMode):
    """Tensors that are made on the second device."""

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        device = (kwargs or {}).get("device")
        if device is not None and torch.device(device) == APART:
            return _run(function, args, kwargs)
        return function(*args, **(kwargs or {}))


def _with_tensors(index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(map(_with_tensors, index))
    return torch.tensor(index) if isinstance(index, list) else index


class _FromLists(TorchFunctionMode):
    """What torch does with a list before any of the above hears of it."""

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if function in (torch.tensor, torch.as_tensor) and kwargs.get("device") is not None:
            device = kwargs.pop("device")
            return function(*args, **kwargs).to(device)
        if function in (torch.Tensor.__getitem__, torch.Tensor.__setitem__):
            args = (args[0], _with_tensors(args[1]), *args[2:])
        return function(*args, **kwargs)


LISTS = (
    "torch.optim.optimizer._get_fused_kernels_supported_devices",
    "torch.optim.adam._get_capturable_supported_devices",
    "torch.optim.nadam._get_capturable_supported_devices",
)
"""Where torch's optimisers look up on which devices they can work."""


@contextmanager
def second_device() -> Iterator[torch.device]:
    """Let there be a second device within a block, in this thread."""
    with ExitStack() as stack:
        for name in LISTS:
            stack.enter_context(patch(name, lambda *args, **kwargs: [APART.type, "cpu"]))
        stack.enter_context(_FromLists())
        stack.enter_context(_There())
        yield APART


def moved(network: Network, device: torch.device) -> Network:
    """Return a copy of a network on another device."""
    there = copy.copy(network)
    there.module = copy.deepcopy(network.module).to(device)
    there._mean, there._sd = network._mean.to(device), network._sd.to(device)
    there.device = device
    return there


def in_this_thread(work: Callable[[Any], Any], items: Any, **settings: object) -> Iterator[Any]:
    """Do what other threads would."""
    return map(work, items)
