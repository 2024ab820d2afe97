"""Numbers of operations, and the peak of this machine's arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.generator.sides import CLOCKS, Clock
from stimgen.networks.network import Precision
from stimgen.networks.registry import load_network


def flops_of_convolutions(
    device: torch.device, precision: Precision = "fp32", clock: Clock = "wall"
) -> float:
    """Return the operations per second of a convolution of favourable size: the peak."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    images = torch.randn(16, 256, 28, 28, device=device, dtype=dtype)
    kernel = torch.randn(256, 256, 3, 3, device=device, dtype=dtype)
    images, kernel = (t.to(memory_format=torch.channels_last) for t in (images, kernel))

    def seconds() -> float:
        start = CLOCKS[clock]()
        F.conv2d(images, kernel, padding=1)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return CLOCKS[clock]() - start

    with torch.inference_mode():
        return 2 * 16 * 256 * 256 * 9 * 28 * 28 / min(seconds() for _ in range(12))


def counted_flops(work: Callable[[], object]) -> float:
    """Return the number of operations of some work; a multiply-add counts as two."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        work()
    return float(counter.get_total_flops())


def flops_of_pass(layer: str) -> float:
    """Return the number of operations of a pass of one image through GoogLeNet up to a layer."""
    network = load_network("googlenet", "random")
    return counted_flops(lambda: network.maps(torch.zeros(1, 3, 224, 224), [layer]))
