"""ReLUs that pass gradients to images whose whole gradient they would block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch.autograd.function import FunctionCtx
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
    def forward(ctx: FunctionCtx, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x.clamp_min(0)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        usual: torch.Tensor = torch.ops.aten.threshold_backward(grad, x, 0)
        places = tuple(range(1, x.ndim))
        is_blocked = (usual.amax(places) == 0) & (usual.amin(places) == 0)
        # The loss is minimised: a positive gradient decreases its input.
        if is_waited_for(x.device):
            lower = (x < 0) & (grad > 0)
            return torch.where(is_blocked.view(-1, *[1] * len(places)) & ~lower, grad, usual)
        (blocked,) = is_blocked.nonzero(as_tuple=True)
        if len(blocked):
            lower = (x[blocked] < 0) & (grad[blocked] > 0)
            usual[blocked] = torch.where(lower, 0, grad[blocked])
        return usual


class RedirectedRelus(TorchFunctionMode):
    """Context in which no ReLU blocks the whole gradient of an image.

    For each image whose whole gradient a ReLU would block, the gradient passes, except where the
    input is negative and a descent step would decrease it further (the rule of Lucid; Olah et al.,
    2017, doi:10.23915/distill.00007). In-place ReLUs work on a copy.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func in _RELUS:
            return _Redirected.apply(args[0] if args else (kwargs or {})["input"])
        return func(*args, **(kwargs or {}))
