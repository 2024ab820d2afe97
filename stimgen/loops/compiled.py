"""How the loops of this package are compiled."""

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
    """Compile a function of arrays and numbers when it is first called, and keep it on disk.

    Other threads go on while it runs. Rounding is that of the code as it is written, on every
    processor: nothing is reordered or contracted. What is on disk is made anew when the loop's own
    file changes, but not when another does whose functions it calls.
    """
    made: Loop
    try:
        made = njit(nogil=True, cache=True)(loop)
    except RuntimeError:  # nowhere to keep it
        made = njit(nogil=True)(loop)
    return made


def inlined(loop: Loop) -> Loop:
    """Compile a function that compiled loops call."""
    made: Loop = njit(nogil=True, inline="always")(loop)
    return made


_INT = ir.IntType(32)


_HALF = ir.Constant(_INT, 16)


def stored(tensor: torch.Tensor) -> np.ndarray:
    """Return maps as an array of images x height x width x channels, bfloat16 as 16 bits.

    Parameters
    ----------
    tensor
        Images x channels x height x width, of 32 bits or bfloat16, channels last in memory.
    """
    own = tensor.detach().permute(0, 2, 3, 1)
    array: np.ndarray = (own.view(torch.uint16) if own.dtype == torch.bfloat16 else own).numpy()
    return array


@intrinsic  # type: ignore[untyped-decorator]
def number(typing_context: Any, value: Any) -> Any:
    """Return a stored number in 32 bits."""
    if value == types.float32:
        return types.float32(value), lambda context, builder, signature, args: args[0]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = builder.shl(builder.zext(args[0], _INT), _HALF)
        return builder.bitcast(wide, ir.FloatType())

    return types.float32(types.uint16), generate


@intrinsic  # type: ignore[untyped-decorator]
def rounded(typing_context: Any, value: Any, like: Any) -> Any:
    """Return a number as it is stored, rounded to even; ``like`` is any that is stored so."""
    if like == types.float32:
        return types.float32(value, like), lambda context, builder, signature, args: args[0]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], _INT)
        odd = builder.and_(builder.lshr(bits, _HALF), ir.Constant(_INT, 1))
        up = builder.add(builder.add(bits, ir.Constant(_INT, 0x7FFF)), odd)
        return builder.trunc(builder.lshr(up, _HALF), ir.IntType(16))

    return types.uint16(types.float32, like), generate
