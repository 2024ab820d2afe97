"""Compilation of the loops, and the number formats that they read and write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

Loop = TypeVar("Loop", bound=Callable[..., object])


def compiled(loop: Loop) -> Loop:
    """Compile a function of arrays and numbers at its first call, and cache it on disk.

    It releases the interpreter lock. Floating-point operations are neither reordered nor
    contracted, so rounding is the same on every CPU. The cache is renewed when the loop's own file
    changes, but not when the file of a function that it calls does.
    """
    made: Loop
    try:
        made = njit(nogil=True, cache=True)(loop)
    except RuntimeError:  # there is no writable place for the cache
        made = njit(nogil=True)(loop)
    return made


def inlined(loop: Loop) -> Loop:
    """Compile a function that compiled loops call."""
    made: Loop = njit(nogil=True, inline="always")(loop)
    return made


_INT = ir.IntType(32)


_HALF = ir.Constant(_INT, 16)


def stored(tensor: torch.Tensor) -> np.ndarray:
    """Return maps as an array of images x height x width x channels, bfloat16 as uint16.

    Parameters
    ----------
    tensor
        Images x channels x height x width, float32 or bfloat16, channels last in memory.
    """
    own = tensor.detach().permute(0, 2, 3, 1)
    array: np.ndarray = (own.view(torch.uint16) if own.dtype == torch.bfloat16 else own).numpy()
    return array


@intrinsic  # type: ignore[untyped-decorator]
def number(typing_context: Any, value: Any) -> Any:
    """Return a stored number as float32."""
    if value == types.float32:
        return types.float32(value), lambda context, builder, signature, args: args[0]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = builder.shl(builder.zext(args[0], _INT), _HALF)
        return builder.bitcast(wide, ir.FloatType())

    return types.float32(types.uint16), generate


@intrinsic  # type: ignore[untyped-decorator]
def rounded(typing_context: Any, value: Any, like: Any) -> Any:
    """Return a float32 in the format of ``like``, rounded to nearest even."""
    if like == types.float32:
        return types.float32(value, like), lambda context, builder, signature, args: args[0]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], _INT)
        odd = builder.and_(builder.lshr(bits, _HALF), ir.Constant(_INT, 1))
        up = builder.add(builder.add(bits, ir.Constant(_INT, 0x7FFF)), odd)
        return builder.trunc(builder.lshr(up, _HALF), ir.IntType(16))

    return types.uint16(types.float32, like), generate
