"""Operations of a network on windows of maps, each image's window at its own position."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from stimgen.networks.pooling import max_pool2d
from stimgen.occlusion.tape import Operation

FULL_SHARE = 0.8
"""Largest proportion of a map that a window may cover; above it the whole map is as fast."""

_COMBINING = {
    *("add", "sub", "rsub", "mul", "div", "true_divide", "maximum", "minimum"),
    *("__add__", "__radd__", "__iadd__", "__sub__", "__rsub__", "__isub__"),
    *("__mul__", "__rmul__", "__imul__", "__truediv__", "__itruediv__", "__rdiv__"),
    *("add_", "sub_", "mul_", "div_"),
}

_POINTWISE = _COMBINING | {
    *("relu", "relu_", "relu6", "leaky_relu", "elu", "gelu", "silu", "mish", "sigmoid", "tanh"),
    *("hardswish", "hardsigmoid", "hardtanh", "clamp", "clamp_", "clip", "neg", "__neg__", "rsqrt"),
    *("dropout", "batch_norm", "local_response_norm", "cat", "concat"),
    *("clone", "contiguous", "detach", "to", "float", "unsqueeze", "__getitem__"),
}
"""Names of functions that compute each position of a map from that position alone."""


@dataclass(frozen=True)
class Window:
    """The part of a map that differs from the base image's map, for several images.

    Parameters
    ----------
    content
        Images x channels x height x width; outside of it the base image's values hold.
    top, left
        Position of each image's window, shape (images,).
    """

    content: torch.Tensor
    top: torch.Tensor
    left: torch.Tensor

    def same_place(self, other: Window) -> bool:
        """Return whether two windows have the same size and positions."""
        return (
            self.content.shape[-2:] == other.content.shape[-2:]
            and torch.equal(self.top, other.top)
            and torch.equal(self.left, other.left)
        )


class Base:
    """An operation's result for the base image, from which windows can be cut."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self._tables: dict[tuple[int, int, float], tuple[torch.Tensor, int]] = {}

    @property
    def is_map(self) -> bool:
        """Whether the value is maps, 1 x channels x height x width."""
        return isinstance(self.value, torch.Tensor) and self.value.ndim == 4

    def gather(
        self,
        top: torch.Tensor,
        left: torch.Tensor,
        height: int,
        width: int,
        before: int = 0,
        after: int = 0,
        fill: float = 0.0,
    ) -> torch.Tensor:
        """Cut windows out of the map, padded by ``before`` and ``after`` positions."""
        key = (before, after, fill)
        if key not in self._tables:
            padded = F.pad(self.value, (before, after, before, after), value=fill)
            places = padded[0].permute(1, 2, 0)
            self._tables[key] = places.reshape(-1, places.shape[-1]).contiguous(), places.shape[1]
        table, row_length = self._tables[key]
        rows = (top + before)[:, None] + torch.arange(height, device=top.device)
        columns = (left + before)[:, None] + torch.arange(width, device=top.device)
        index = rows[:, :, None] * row_length + columns[:, None, :]
        found = table.index_select(0, index.flatten())
        return found.view(len(top), height, width, -1).permute(0, 3, 1, 2)


def paste(region: torch.Tensor, top: torch.Tensor, left: torch.Tensor, window: Window) -> None:
    """Write a window's content into regions at ``top`` and ``left``, where they overlap."""
    height, width = region.shape[-2:]
    n, channels, inner_height, inner_width = window.content.shape
    device = region.device
    rows = (window.top - top)[:, None] + torch.arange(inner_height, device=device)
    columns = (window.left - left)[:, None] + torch.arange(inner_width, device=device)
    images = torch.arange(n, device=device)[:, None, None]
    index = (images * height + rows[:, :, None]) * width + columns[:, None, :]
    content = window.content.permute(0, 2, 3, 1).reshape(-1, channels)
    rows_in, columns_in = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
    if not bool(rows_in.all() & columns_in.all()):
        inside = (rows_in[:, :, None] & columns_in[:, None, :]).flatten()
        index, content = index.flatten()[inside], content[inside]
    # Gathered regions are channels last in memory, so this is a view of them.
    region.permute(0, 2, 3, 1).view(-1, channels).index_copy_(0, index.flatten(), content)


def widen(window: Window, base: Base) -> torch.Tensor:
    """Return the whole map of each image."""
    zero = torch.zeros_like(window.top)
    height, width = base.value.shape[-2:]
    maps = base.gather(zero, zero, height, width)
    paste(maps, zero, zero, window)
    return maps


def run(operation: Operation, index: int, values: dict[int, Any], bases: dict[int, Base]) -> Any:
    """Run an operation for all images, on windows if possible, else on whole maps.

    Parameters
    ----------
    operation, index
        The operation, and the entry of its result.
    values
        By entry: a window; the whole map of each image; or any other value.
    bases
        Value of each entry for the base image.

    Returns
    -------
    object
        A window if possible, else the operation's own result.
    """
    windows = {used: values[used] for used in operation.uses if isinstance(values[used], Window)}
    if len(windows) == len(set(operation.uses)):
        done = None
        if operation.name == "pad":
            done = _shift(operation, windows)
        elif operation.name in ("conv2d", "max_pool2d"):
            kernel = _kernel(operation)
            if kernel is not None and all(bases[i].is_map for i in (*windows, index)):
                (used,) = windows
                done = _slide(kernel, windows[used], bases[used], bases[index].value.shape)
        elif _is_pointwise(operation, windows, bases, bases[index]):
            done = _run_pointwise(operation, windows, bases)
        if done is not None:
            return done
    return operation.run(lambda i: widen(windows[i], bases[i]) if i in windows else values[i])


@dataclass(frozen=True)
class _Kernel:
    """Geometry of a sliding kernel, by rows and columns, and its function of a region."""

    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    fill: float
    compute: Callable[[torch.Tensor], torch.Tensor]


def _conv2d(  # type: ignore[no-untyped-def]
    input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1
):
    if not isinstance(weight, torch.Tensor) or isinstance(padding, str):
        return None

    def convolve(region: torch.Tensor) -> torch.Tensor:
        return F.conv2d(region, weight, bias, stride, 0, dilation, groups)

    size = (int(weight.shape[2]), int(weight.shape[3]))
    return _Kernel(size, _pair(stride), _pair(padding), _pair(dilation), 0.0, convolve)


def _max_pool2d(  # type: ignore[no-untyped-def]
    input,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
    return_indices=False,
):
    step = kernel_size if stride is None else stride

    def highest(region: torch.Tensor) -> torch.Tensor:
        return max_pool2d(region, kernel_size, step, 0, dilation)

    lowest = float("-inf")
    sizes = _pair(kernel_size), _pair(step), _pair(padding), _pair(dilation)
    return None if return_indices else _Kernel(*sizes, lowest, highest)


def _kernel(operation: Operation) -> _Kernel | None:
    """Read a kernel from the positional and named arguments of a call."""
    read: Callable[..., Any] = _conv2d if operation.name == "conv2d" else _max_pool2d
    try:
        given = inspect.signature(read).bind(*operation.args, **operation.kwargs)
    except TypeError:
        return None
    kernel: _Kernel | None = read(*given.args, **given.kwargs)
    return kernel


def _shift(operation: Operation, windows: dict[int, Window]) -> Window | None:
    """Pad the maps, which shifts the windows and does not change their content."""

    def read(input: Any, pad: Any, mode: str = "constant", value: Any = None) -> Any:
        plain = mode == "constant" and len(pad) in (2, 4) and min(pad) >= 0
        return (*pad, 0)[:3] if plain else None

    sides = read(*operation.args, **operation.kwargs)
    if sides is None:
        return None
    (window,) = windows.values()
    return Window(window.content, window.top + sides[2], window.left + sides[0])


def _pair(value: Any) -> tuple[int, int]:
    values = [value] if isinstance(value, int) else list(value)
    return int(values[0]), int(values[-1])


def _slide(kernel: _Kernel, window: Window, base: Base, shape: torch.Size) -> Window | None:
    """Apply a kernel at all positions whose result can differ; None if that is nearly the map."""
    sizes, n_out, n_in = window.content.shape[-2:], shape[-2:], base.value.shape[-2:]
    starts, lengths = [], []
    for axis, start in enumerate((window.top, window.left)):
        reach = (kernel.size[axis] - 1) * kernel.dilation[axis]
        stride, padding = kernel.stride[axis], kernel.padding[axis]
        low = -((reach - padding - start) // stride)  # rounded upwards
        high = (start + sizes[axis] - 1 + padding).div(stride, rounding_mode="floor") + 1
        low = low.clamp(0, n_out[axis] - 1)
        length = int((high.clamp(max=n_out[axis]) - low).max().clamp(min=1))
        lengths.append(length)
        starts.append(low.clamp(max=n_out[axis] - length))
    if lengths[0] * lengths[1] > FULL_SHARE * n_out[0] * n_out[1]:
        return None
    first, extents, after = [], [], 0
    for axis in (0, 1):
        reach = (kernel.size[axis] - 1) * kernel.dilation[axis] + 1
        stride, padding = kernel.stride[axis], kernel.padding[axis]
        first.append(starts[axis] * stride - padding)
        extents.append((lengths[axis] - 1) * stride + reach)
        after = max(after, (n_out[axis] - 1) * stride - padding + reach - n_in[axis])
    unchanged = (
        torch.equal(first[0], window.top)
        and torch.equal(first[1], window.left)
        and tuple(extents) == tuple(sizes)
    )
    if unchanged:
        region = window.content
    else:
        before = max(kernel.padding)
        region = base.gather(first[0], first[1], extents[0], extents[1], before, after, kernel.fill)
        paste(region, first[0], first[1], window)
    return Window(kernel.compute(region), starts[0], starts[1])


def _is_pointwise(
    operation: Operation, windows: dict[int, Window], bases: dict[int, Base], result: Base
) -> bool:
    if operation.name not in _POINTWISE or not isinstance(result.value, torch.Tensor):
        return False
    shapes = [bases[used].value.shape for used in windows]
    place = result.value.shape[-2:]
    if any(len(shape) < 3 or shape[-2:] != place for shape in shapes):
        return False
    if operation.name in _COMBINING and not all(
        part.numel() == 1 or (part.ndim > 2 and part.shape[-2:] == (1, 1))
        for part in (*operation.args, *operation.kwargs.values())
        if isinstance(part, torch.Tensor)
    ):
        return False  # a constant with a value for each position
    if operation.name in ("cat", "concat", "unsqueeze"):
        given = operation.args[1] if len(operation.args) > 1 else 0
        return bool(operation.kwargs.get("dim", given) == 1)
    if operation.name == "__getitem__":
        index = operation.args[1]
        return isinstance(index, tuple) and len(index) == 2 and len(shapes[0]) == 4
    return True


def _run_pointwise(
    operation: Operation, windows: dict[int, Window], bases: dict[int, Base]
) -> Window | None:
    first = next(iter(windows.values()))
    if all(first.same_place(window) for window in windows.values()):
        result = operation.run(lambda i: windows[i].content)
        return Window(result, first.top, first.left)
    if not all(bases[i].is_map for i in windows):
        return None
    top, left, aligned = _align({i: (window, bases[i]) for i, window in windows.items()})
    return Window(operation.run(lambda i: aligned[i]), top, left)


def _align(
    parts: dict[int, tuple[Window, Base]],
) -> tuple[torch.Tensor, torch.Tensor, dict[int, torch.Tensor]]:
    """Extend windows to a common size and position that contains all of them."""
    windows = [window for window, _ in parts.values()]
    shape = next(iter(parts.values()))[1].value.shape
    starts, lengths = [], []
    for axis, places in ((-2, [w.top for w in windows]), (-1, [w.left for w in windows])):
        ends = [p + w.content.shape[axis] for p, w in zip(places, windows, strict=True)]
        low, high = torch.stack(places).amin(0), torch.stack(ends).amax(0)
        length = int((high - low).max())
        lengths.append(length)
        starts.append(low.clamp(max=shape[axis] - length))
    aligned = {}
    for index, (window, base) in parts.items():
        same = torch.equal(window.top, starts[0]) and torch.equal(window.left, starts[1])
        if same and list(window.content.shape[-2:]) == lengths:
            aligned[index] = window.content
        else:
            region = base.gather(starts[0], starts[1], lengths[0], lengths[1])
            paste(region, starts[0], starts[1], window)
            aligned[index] = region
    return starts[0], starts[1], aligned
