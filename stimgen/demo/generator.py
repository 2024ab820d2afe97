"""The demo generator: a small up-convolutional network that generates images like the demo's."""

from itertools import pairwise
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

CODE_SIZE = 192
WEIGHTS = Path(__file__).with_name("generator.safetensors")

_WIDTHS = (96, 64, 48, 32)
SLOPE = 0.3


class DemoGenerator(nn.Module):
    """Generates images of 64 pixels from codes, after Dosovitskiy & Brox (2016).

    Attributes
    ----------
    code_shape
        Shape of one image's code.
    code_sd
        Standard deviation of each element of the code over the training images, whose codes are
        not negative.
    """

    code_shape = (CODE_SIZE,)
    code_sd: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("code_sd", torch.ones(CODE_SIZE))
        self.start = nn.Linear(CODE_SIZE, _WIDTHS[0] * 4 * 4)
        self.ups = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
            )
            for before, after in pairwise(_WIDTHS)
        )
        self.last = nn.ConvTranspose2d(_WIDTHS[-1], 3, 4, stride=2, padding=1)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Return RGB images in [0, 1], shape (images, 3, 64, 64), of codes (images, 192)."""
        x = F.leaky_relu(self.start(codes), SLOPE).reshape(-1, _WIDTHS[0], 4, 4)
        for up in self.ups:
            x = F.leaky_relu(up(x), SLOPE)
        return torch.sigmoid(self.last(x))


def load_demo_generator() -> DemoGenerator:
    """Return the trained generator in evaluation mode, on the CPU, in single precision."""
    generator = DemoGenerator()
    generator.load_state_dict(load_file(WEIGHTS))
    return generator.eval()
