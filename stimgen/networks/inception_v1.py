"""Lucid's InceptionV1 ("Inception5h"): without batch norm, with TensorFlow's padding and LRN."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from stimgen.networks.network import Branch, Layer
from stimgen.networks.pooling import max_pool2d

INPUT_PX = 224
MEAN = (117 / 255,) * 3
SD = (1 / 255,) * 3
"""Together they convert images in 0..1 to the range of the training images, 0..255 minus 117."""

N_CLASSES = 1008


class Widths(NamedTuple):
    """Numbers of channels of a block's convolutions."""

    one: int
    three_reduced: int
    three: int
    five_reduced: int
    five: int
    pool: int

    @property
    def branches(self) -> dict[str, int]:
        """Number of channels of each branch, in the order of concatenation."""
        return {"1x1": self.one, "3x3": self.three, "5x5": self.five, "pool": self.pool}


WIDTHS = {
    "mixed3a": Widths(64, 96, 128, 16, 32, 32),
    "mixed3b": Widths(128, 128, 192, 32, 96, 64),
    "mixed4a": Widths(192, 96, 204, 16, 48, 64),  # the paper, and torchvision, have 208
    "mixed4b": Widths(160, 112, 224, 24, 64, 64),
    "mixed4c": Widths(128, 128, 256, 24, 64, 64),
    "mixed4d": Widths(112, 144, 288, 32, 64, 64),
    "mixed4e": Widths(256, 160, 320, 32, 128, 128),
    "mixed5a": Widths(256, 160, 320, 48, 128, 128),
    "mixed5b": Widths(384, 192, 384, 48, 128, 128),
}
_POOLED_FIRST = ("mixed4a", "mixed5a")


def same_padding(size_px: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the padding before and after of TensorFlow's SAME; an odd pixel goes after."""
    n_out = -(-size_px // stride)
    total = max((n_out - 1) * stride + kernel - size_px, 0)
    return total // 2, total - total // 2


def _pad(x: torch.Tensor, kernel: int, stride: int, value: float) -> torch.Tensor:
    rows = same_padding(x.shape[-2], kernel, stride)
    columns = same_padding(x.shape[-1], kernel, stride)
    return F.pad(x, (*columns, *rows), value=value)


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding, whatever the stride."""

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int = 1) -> None:
        # With stride 1 and an odd kernel the padding is symmetric and needs no copy.
        super().__init__(n_in, n_out, kernel, stride, kernel // 2 if stride == 1 else 0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve maps of images x channels x height x width."""
        if self.stride[0] > 1:
            x = _pad(x, self.kernel_size[0], self.stride[0], 0.0)
        return super().forward(x)


def max_pool(x: torch.Tensor, stride: int) -> torch.Tensor:
    """Take the maximum over 3 x 3 windows with SAME padding, which never is the maximum."""
    if stride == 1:
        return max_pool2d(x, 3, 1, padding=1)
    return max_pool2d(_pad(x, 3, stride, -torch.inf), 3, stride)


def normalise(x: torch.Tensor) -> torch.Tensor:
    """Apply local response normalisation with the constants of Lucid's graph.

    That is x / sqrt(2 + 1e-4 * s), where s is the sum of squares over a channel and the 5 channels
    on either side. As a convolution it is several times as fast as torch's own function.
    """
    place = torch.arange(x.shape[1], device=x.device)
    near = ((place[:, None] - place).abs() <= 5).to(x.dtype)
    return x * torch.rsqrt(F.conv2d(x * x, 1e-4 * near[..., None, None]) + 2)


class InceptionV1(nn.Module):
    """The network; its state dict has the keys of the public conversion to PyTorch."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d0_pre_relu_conv = SameConv2d(3, 64, 7, stride=2)
        self.conv2d1_pre_relu_conv = SameConv2d(64, 64, 1)
        self.conv2d2_pre_relu_conv = SameConv2d(64, 192, 3)
        n_in = 192
        for block, widths in WIDTHS.items():
            for part, sizes in {
                "1x1": (n_in, widths.one, 1),
                "3x3_bottleneck": (n_in, widths.three_reduced, 1),
                "5x5_bottleneck": (n_in, widths.five_reduced, 1),
                "pool_reduce": (n_in, widths.pool, 1),
                "3x3": (widths.three_reduced, widths.three, 3),
                "5x5": (widths.five_reduced, widths.five, 5),
            }.items():
                self.add_module(f"{block}_{part}_pre_relu_conv", SameConv2d(*sizes))
            n_in = sum(widths.branches.values())
        self.softmax2_pre_activation_matmul = nn.Linear(n_in, N_CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of images in -117..138, shape (images, 1008)."""
        x = normalise(max_pool(self._activate("conv2d0", x), 2))
        x = self._activate("conv2d2", self._activate("conv2d1", x))
        x = max_pool(normalise(x), 2)
        for block in WIDTHS:
            x = self._block(block, max_pool(x, 2) if block in _POOLED_FIRST else x)
        logits: torch.Tensor = self.softmax2_pre_activation_matmul(x.mean((-2, -1)))
        return logits

    def _block(self, block: str, x: torch.Tensor) -> torch.Tensor:
        three = self._activate(f"{block}_3x3_bottleneck", x)
        five = self._activate(f"{block}_5x5_bottleneck", x)
        return torch.cat(
            [
                self._activate(f"{block}_1x1", x),
                self._activate(f"{block}_3x3", three),
                self._activate(f"{block}_5x5", five),
                self._activate(f"{block}_pool_reduce", max_pool(x, 1)),
            ],
            1,
        )

    def _activate(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.get_submodule(f"{name}_pre_relu_conv")(x))


def inception_v1_layers() -> tuple[Layer, ...]:
    """Return the stem's convolutions and the nine blocks, with four branches each."""
    layers = [
        Layer(name, (Branch("", range(width), f"{name}_pre_relu_conv"),))
        for name, width in (("conv2d0", 64), ("conv2d1", 64), ("conv2d2", 192))
    ]
    for block, widths in WIDTHS.items():
        branches: list[Branch] = []
        for branch, width in widths.branches.items():
            start = branches[-1].channels.stop if branches else 0
            part = "pool_reduce" if branch == "pool" else branch
            where = f"{block}_{part}_pre_relu_conv"
            branches.append(Branch(branch, range(start, start + width), where))
        layers.append(Layer(block, tuple(branches), (block.replace("mixed", "inception"),)))
    return tuple(layers)
