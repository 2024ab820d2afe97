"""A faster gradient for the first convolution, whose input is the image."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from stimgen.networks.substitution import is_plain, substitute

FEW_CHANNELS = 4
"""CPU libraries work on blocks of channels, which are mostly empty for inputs of so few."""

CHANNELS_AT_ONCE = 16
"""Length of a CPU vector in 32-bit numbers (or twice it); partly filled vectors are slower."""


class StemConv2d(nn.Conv2d):
    """A convolution of few channels whose gradient is itself computed as a convolution.

    With a stride of s, pixels 0, s, 2 s, ... of the gradient depend on every s-th weight, pixels 1,
    s + 1, ... on the weights next to these, and so on: s x s small convolutions without stride,
    which are computed as one and interleaved. This needs frozen weights on the CPU; otherwise it is
    a plain convolution.
    """

    @classmethod
    def like(cls, other: nn.Conv2d) -> StemConv2d:
        """Return a convolution that shares the weights of another."""
        own = cls(
            other.in_channels,
            other.out_channels,
            other.kernel_size,  # type: ignore[arg-type]  # pairs, as all of a Conv2d's are
            other.stride,  # type: ignore[arg-type]
            other.padding,  # type: ignore[arg-type]
            bias=other.bias is not None,
            device="meta",
        )
        own.weight, own.bias = other.weight, other.bias
        return own

    def _conv_forward(
        self, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        passes_gradient = torch.is_grad_enabled() and input.requires_grad
        if not passes_gradient or weight.requires_grad or weight.device.type != "cpu":
            plain: torch.Tensor = super()._conv_forward(input, weight, bias)
            return plain
        padding = int(self.padding[0])
        result: torch.Tensor = _Convolution.apply(input, weight, bias, self.stride[0], padding)
        return result


def replace_stem_convolutions(module: nn.Module) -> None:
    """Replace each convolution that becomes faster by a :class:`StemConv2d`."""
    for path, part in list(module.named_modules()):
        if path and isinstance(part, nn.Conv2d) and is_plain(part) and _suits(part):
            substitute(module, part, StemConv2d.like(part))


def _suits(conv: nn.Conv2d) -> bool:
    if conv.groups > 1 or conv.dilation != (1, 1) or isinstance(conv.padding, str):
        return False
    sides = (conv.kernel_size, conv.stride, conv.padding)
    is_square = all(rows == columns for rows, columns in sides)
    is_plain = is_square and conv.padding_mode == "zeros"
    # Without a stride nothing is gained.
    return is_plain and conv.stride[0] > 1 and conv.in_channels <= FEW_CHANNELS


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        image: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        stride: int,
        padding: int,
    ) -> torch.Tensor:
        ctx.save_for_backward(weight)
        ctx.geometry = image.shape[-2:], stride, padding
        return F.conv2d(image, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        # A network that lowers its own precision has a gradient of fewer bits than its weights.
        weight = ctx.saved_tensors[0].to(gradient.dtype)
        return gradient_of_image(gradient, weight, *ctx.geometry), None, None, None, None


def gradient_of_image(
    gradient: torch.Tensor, weight: torch.Tensor, size_px: torch.Size, stride: int, padding: int
) -> torch.Tensor:
    """Return the gradient of a convolution with respect to its input.

    Parameters
    ----------
    gradient
        With respect to the output: images x channels out x height x width.
    weight
        Channels out x channels in x side x side.
    size_px
        Height and width of the input.
    stride, padding
        Stride and padding of the convolution.
    """
    n_out, n_in, side, _ = weight.shape
    # Pixel stride * j + r receives weight r + padding - stride * d from output position j + d.
    first, last = -((side - 1 - padding) // stride), (stride - 1 + padding) // stride
    width = last - first + 1
    place = torch.arange(stride)[:, None] + padding - stride * torch.arange(first, last + 1)
    padded = F.pad(weight, (0, 1, 0, 1))  # the appended zero stands for weights outside the kernel
    place = torch.where((place >= 0) & (place < side), place, side)
    taken = padded[:, :, place[:, None, :, None], place[None, :, None, :]]
    # (r of rows x r of columns x channels in) x channels out x d of rows x d of columns.
    kernels = taken.permute(2, 3, 1, 0, 4, 5).reshape(-1, n_out, width, width)
    n_kernels = len(kernels)
    kernels = F.pad(kernels, (0, 0, 0, 0, 0, 0, 0, -n_kernels % CHANNELS_AT_ONCE))
    kernels = kernels.contiguous(memory_format=torch.channels_last)
    n_blocks = [-(-size // stride) for size in size_px]
    lacking = [n - there for n, there in zip(n_blocks, gradient.shape[-2:], strict=True)]
    margin = max(0, -first, last + max(lacking))
    blocks = F.conv2d(gradient, kernels, padding=margin)
    start = margin + first
    blocks = blocks[:, :n_kernels, start : start + n_blocks[0], start : start + n_blocks[1]]
    # With channels last, a row of a block is one run in memory; pixel_shuffle copies every number.
    rows = blocks.permute(0, 2, 3, 1).unfold(3, stride * n_in, stride * n_in).transpose(2, 3)
    height, width = (stride * n for n in n_blocks)
    image: torch.Tensor = rows.reshape(len(gradient), height, width, n_in).permute(0, 3, 1, 2)
    return image[..., : size_px[0], : size_px[1]]
