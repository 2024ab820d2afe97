"""ReLUs that pass gradients to images whose whole gradient they would block."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from stimgen.networks.compute_device import is_waited_for

_RELUS: set[Callable[..., Any]] = {
    F.relu,
    F.relu_,
    torch.relu,
    torch.relu_,
    torch.Tensor.relu,
    torch.Tensor.relu_,
}


class _Redirected(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, high: float) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.high = high
        return x.clamp(0, high)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        (x,) = ctx.saved_tensors
        usual: torch.Tensor = torch.ops.aten.threshold_backward(grad, x, 0)
        if ctx.high < math.inf:
            usual = usual.masked_fill_(x >= ctx.high, 0)
        places = tuple(range(1, x.ndim))
        is_blocked = (usual.amax(places) == 0) & (usual.amin(places) == 0)
        # The loss is minimised: a positive gradient decreases its input, a negative increases it.
        if is_waited_for(x.device):
            further = _further_out(x, grad, ctx.high)
            passed = torch.where(is_blocked.view(-1, *[1] * len(places)) & ~further, grad, usual)
            return passed, None
        (blocked,) = is_blocked.nonzero(as_tuple=True)
        if len(blocked):
            further = _further_out(x[blocked], grad[blocked], ctx.high)
            usual[blocked] = torch.where(further, 0, grad[blocked])
        return usual, None


def _further_out(x: torch.Tensor, grad: torch.Tensor, high: float) -> torch.Tensor:
    """Return where a descent step would lead further below 0 or above the upper bound."""
    below = (x < 0) & (grad > 0)
    return below | ((x > high) & (grad < 0)) if high < math.inf else below


class RedirectedRelus(TorchFunctionMode):
    """Context in which no ReLU or ReLU6 blocks the whole gradient of an image.

    For each image whose whole gradient a ReLU would block, the gradient passes, except where the
    input is negative and a descent step would decrease it further (the rule of Lucid; Olah et al.,
    2017, doi:10.23915/distill.00007), or is above 6 and would be increased further. In-place ReLUs
    work on a copy.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        high = _upper_bound(func, args, given)
        if high is not None:
            return _Redirected.apply(args[0] if args else given["input"], high)
        return func(*args, **given)


def _upper_bound(
    func: Callable[..., Any], args: Sequence[Any], given: Mapping[str, Any]
) -> float | None:
    """Return up to which value a ReLU passes its input; None for any other function."""
    if func in _RELUS:
        return math.inf
    if func is F.relu6:
        return 6.0
    if func is F.hardtanh:  # torch computes its ReLU6 modules by this function
        low, high = (*args[1:3], given.get("min_val"), given.get("max_val"))[:2]
        return 6.0 if (low, high) == (0, 6) else None
    return None
