"""Max pooling that is faster than torch's on CPUs, and pooling before ReLUs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd.function import once_differentiable
from torch.overrides import handle_torch_function, has_torch_function_unary

from stimgen.loops import can_loop_over
from stimgen.networks.substitution import has_hooks, substitute

_POOLED = {"conv1": "maxpool1", "conv3": "maxpool2"}
"""Convolutions of GoogLeNet's stem, and the max pools that follow them."""

Sizes = int | tuple[int, ...] | list[int]
"""One size for both directions, or one for each."""


def pool_before_relu(module: nn.Module) -> None:
    """Move the ReLUs of the stem's convolutions behind the max pools, in place.

    max(relu(x)) = relu(max(x)), so activations and gradients stay the same bit for bit. Only where
    the gradient of a blocked ReLU is redirected (see
    :class:`stimgen.networks.relus.RedirectedRelus`) it is that of the pooled values.

    Parameters
    ----------
    module
        A module whose stem has torchvision's names; weights keep their names.
    """
    parts = dict(module.named_children())
    for conv, pool in _POOLED.items():
        if conv in parts and pool in parts:
            # Without the ReLU at the end of torchvision's convolutions.
            module.set_submodule(conv, nn.Sequential(OrderedDict(parts[conv].named_children())))
            module.set_submodule(pool, nn.Sequential(parts[pool], nn.ReLU(inplace=True)))


class MaxPool2d(nn.MaxPool2d):
    """torch's module, computed by :func:`max_pool2d`."""

    @classmethod
    def like(cls, other: nn.MaxPool2d) -> MaxPool2d:
        """Return a pool with the geometry of another."""
        sizes = other.kernel_size, other.stride, other.padding, other.dilation
        return cls(*sizes, ceil_mode=other.ceil_mode)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Pool maps of images x channels x height x width."""
        sizes = self.kernel_size, self.stride, self.padding, self.dilation
        return max_pool2d(input, *sizes, self.ceil_mode)


def replace_max_pools(module: nn.Module) -> None:
    """Replace each of torch's max pools that does not return indices by a :class:`MaxPool2d`."""
    for part in list(module.modules()):
        if type(part) is not nn.MaxPool2d or part is module:
            continue
        if not part.return_indices and not has_hooks(part):
            substitute(module, part, MaxPool2d.like(part))


def max_pool2d(
    input: torch.Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> torch.Tensor:
    """Compute torch's function of this name, with compiled loops where they are faster.

    They are for 3 x 3 windows with stride 1 or 2, channels last, on CPUs. Maxima are the same bit
    for bit, and so are 32-bit gradients; 16-bit gradients are summed in 32 bits and rounded once.
    """
    sizes = kernel_size, kernel_size if stride is None else stride, padding, dilation
    if has_torch_function_unary(input):
        own: torch.Tensor = handle_torch_function(max_pool2d, (input,), input, *sizes, ceil_mode)
        return own
    if not _is_suited(input, *map(_pair, sizes)):
        return F.max_pool2d(input, *sizes, ceil_mode)
    (step, _), (margin, _) = _pair(sizes[1]), _pair(padding)
    if input.requires_grad and torch.is_grad_enabled():
        pooled: torch.Tensor = _MaxPool.apply(input, step, margin, ceil_mode)
        return pooled
    from stimgen.loops.compiled import stored
    from stimgen.loops.pooling_loops import highest

    found = _room(input, _size(input, step, margin, ceil_mode))
    highest(stored(input), step, margin, stored(found))
    return found


def _pair(size: Sizes) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[-1])


def _is_suited(
    maps: torch.Tensor,
    side: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
) -> bool:
    is_known = stride in ((1, 1), (2, 2)) and padding in ((0, 0), (1, 1))
    is_plain = side == (3, 3) and dilation == (1, 1) and can_loop_over(maps)
    # Maps smaller than a window are left to torch, which raises its own error.
    return is_known and is_plain and min(maps.shape[2:]) + 2 * padding[0] >= 3


def _size(maps: torch.Tensor, stride: int, padding: int, ceil_mode: bool) -> list[int]:
    """Return the number of windows of side 3 along a column and a row, as torch counts them."""
    size = []
    for length in maps.shape[2:]:
        last = length + 2 * padding - 3
        n = (-(-last // stride) if ceil_mode else last // stride) + 1
        # No window begins beyond the end.
        size.append(n - 1 if (n - 1) * stride >= length + padding else n)
    return size


def _room(
    maps: torch.Tensor, size: Sequence[int], dtype: torch.dtype | None = None
) -> torch.Tensor:
    """Return an empty tensor of a given map size for the images and channels of ``maps``."""
    shape = *maps.shape[:2], *size
    return torch.empty(shape, dtype=dtype or maps.dtype, memory_format=torch.channels_last)


class _MaxPool(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, maps: torch.Tensor, stride: int, padding: int, ceil_mode: bool
    ) -> torch.Tensor:
        from stimgen.loops.compiled import stored
        from stimgen.loops.pooling_loops import highest_and_place

        size = _size(maps, stride, padding, ceil_mode)
        found, place = _room(maps, size), _room(maps, size, torch.uint8)
        highest_and_place(stored(maps), stride, padding, stored(found), stored(place))
        ctx.save_for_backward(place)
        ctx.geometry = maps.shape[2:], stride, padding
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        from stimgen.loops.compiled import stored
        from stimgen.loops.pooling_loops import spread_by_1, spread_by_2

        (place,), (size, stride, padding) = ctx.saved_tensors, ctx.geometry
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        whole = _room(gradient, size)
        spread = spread_by_1 if stride == 1 else spread_by_2
        spread(stored(gradient), stored(place), padding, stored(whole))
        return whole, None, None, None
