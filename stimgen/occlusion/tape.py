"""A tape of the torch operations of a function, recorded while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


@dataclass(frozen=True)
class Entry:
    """Index of a value on a tape, in place of an operation's argument."""

    index: int


@dataclass(frozen=True)
class Operation:
    """A call of a torch function, with entries in place of values that depend on the input.

    Parameters
    ----------
    name
        Name of the function.
    function
        The function; it does not change its arguments.
    args, kwargs
        Arguments of the call.
    """

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def uses(self) -> list[int]:
        """Entries that the operation needs."""
        return [entry.index for entry in _entries((self.args, self.kwargs))]

    def run(self, value_of: Callable[[int], Any]) -> Any:
        """Run the operation with other values."""
        return self.function(*fill(self.args, value_of), **fill(self.kwargs, value_of))


@dataclass
class Tape:
    """Operations between the input, entry 0, and the outputs.

    Parameters
    ----------
    operations
        By entry, in order, without those that no output needs; None for the input.
    values
        Value of each entry when it was recorded.
    outputs
        Entries of the outputs.
    """

    operations: dict[int, Operation | None] = field(default_factory=dict)
    values: dict[int, Any] = field(default_factory=dict)
    outputs: list[int] = field(default_factory=list)

    def last_uses(self) -> dict[int, list[int]]:
        """Return, for each entry, the entries that are not needed after it."""
        last = {index: index for index in self.operations}
        for index, operation in self.operations.items():
            for used in operation.uses if operation else ():
                last[used] = index
        unused: dict[int, list[int]] = {index: [] for index in self.operations}
        for index, user in last.items():
            unused[user].append(index)
        return unused


class _Recorder(TorchFunctionMode):
    def __init__(self, image: torch.Tensor) -> None:
        super().__init__()
        self.operations: list[Operation | None] = []
        self.values: list[Any] = []
        # Tensors are identified by id, so none may be freed while recording.
        self._alive: list[Any] = []
        self._entries: dict[int, int] = {}
        self.write(None, image)

    def write(self, operation: Operation | None, value: Any) -> int:
        index = len(self.operations)
        self.operations.append(operation)
        # A copy, because a later operation may work in place.
        self.values.append(value.clone() if isinstance(value, torch.Tensor) else value)
        self._alive.append(value)
        self._entries[id(value)] = index
        return index

    def entry_of(self, value: Any) -> Any:
        if isinstance(value, list | tuple | dict):
            return _rebuilt(value, self.entry_of)
        index = self._entries.get(id(value)) if isinstance(value, torch.Tensor) else None
        return value if index is None else Entry(index)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        given = kwargs or {}
        own_args, own_kwargs = self.entry_of(args), self.entry_of(given)
        result = func(*args, **given)
        if any(True for _ in _entries((own_args, own_kwargs))):
            name = str(getattr(func, "__name__", func))
            operation = Operation(name, _pure(func, name), own_args, own_kwargs)
            if isinstance(result, torch.Tensor):
                self.write(operation, result)
            elif isinstance(result, list | tuple) and not isinstance(result, torch.Size):
                whole = self.write(operation, result)
                for place, part in enumerate(result):
                    if isinstance(part, torch.Tensor):
                        self.write(Operation("part", _part, (Entry(whole), place), {}), part)
        return result


def record(function: Callable[[torch.Tensor], Iterable[torch.Tensor]], image: torch.Tensor) -> Tape:
    """Run a function and return the tape of its operations."""
    recorder = _Recorder(image)
    with torch.no_grad(), recorder:
        results = list(function(image))
    outputs = [recorder.entry_of(result) for result in results]
    if not all(isinstance(output, Entry) for output in outputs):
        raise ValueError("an output does not depend on the input")
    tape = Tape(outputs=[output.index for output in outputs])
    needed = set(tape.outputs)
    for index in range(len(recorder.operations) - 1, -1, -1):
        operation = recorder.operations[index]
        if index in needed and operation is not None:
            needed.update(operation.uses)
    for index in sorted(needed):
        tape.operations[index] = recorder.operations[index]
        tape.values[index] = recorder.values[index]
    return tape


def _pure(function: Any, name: str) -> Callable[..., Any]:
    """Return a version of a function that does not change its arguments."""
    in_place = name.endswith("_") and not name.endswith("__")
    in_place |= name.startswith("__i") and name != "__invert__"

    def run(*args: Any, **kwargs: Any) -> Any:
        if in_place:
            args = (args[0].clone(), *args[1:])
        if kwargs.get("inplace"):
            kwargs = kwargs | {"inplace": False}
        return function(*args, **kwargs)

    return run


def _part(parts: Any, place: int) -> Any:
    return parts[place]


def fill(value: Any, value_of: Callable[[int], Any]) -> Any:
    """Replace entries by values."""
    if isinstance(value, Entry):
        return value_of(value.index)
    if isinstance(value, list | tuple | dict):
        return _rebuilt(value, lambda part: fill(part, value_of))
    return value


def _rebuilt(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: change(part) for key, part in value.items()}
    if isinstance(value, torch.Size):
        return value
    return [*map(change, value)] if isinstance(value, list) else tuple(map(change, value))


def _entries(value: Any) -> Iterable[Entry]:
    if isinstance(value, Entry):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _entries(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _entries(part)
