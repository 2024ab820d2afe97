"""The demo network: InceptionV1 at a quarter of its width, for shape, texture and hue."""

from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import nn
from torchvision.models.googlenet import BasicConv2d, Inception

from stimgen.demo.demo_images import HUES, SHAPES, TEXTURES

INPUT_PX = 64
WEIGHTS = Path(__file__).with_name("weights.safetensors")

BLOCKS = (
    "inception3a",
    "inception3b",
    "inception4a",
    "inception4b",
    "inception4c",
    "inception4d",
    "inception4e",
    "inception5a",
    "inception5b",
)
BRANCHES = ("branch1", "branch2", "branch3", "branch4")

# Channels in, then 1x1, 3x3 reduction, 3x3, 5x5 reduction, 5x5 and pool projection, as published.
_WIDTHS = {
    "inception3a": (192, 64, 96, 128, 16, 32, 32),
    "inception3b": (256, 128, 128, 192, 32, 96, 64),
    "inception4a": (480, 192, 96, 208, 16, 48, 64),
    "inception4b": (512, 160, 112, 224, 24, 64, 64),
    "inception4c": (512, 128, 128, 256, 24, 64, 64),
    "inception4d": (512, 112, 144, 288, 32, 64, 64),
    "inception4e": (528, 256, 160, 320, 32, 128, 128),
    "inception5a": (832, 256, 160, 320, 32, 128, 128),
    "inception5b": (832, 384, 192, 384, 48, 128, 128),
}
_NARROWER = 4


class Logits(NamedTuple):
    """Logits of the levels of each factor, shape (images, levels)."""

    shape: torch.Tensor
    texture: torch.Tensor
    hue: torch.Tensor


class DemoNetwork(nn.Module):
    """GoogLeNet's nine blocks (Szegedy et al., 2015) for images of 64 pixels.

    The blocks and their branches have torchvision's names. The stem halves the image twice instead
    of three times, so that the blocks have maps of 16, 8 and 4 pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = BasicConv2d(3, 64 // _NARROWER, kernel_size=5, stride=2, padding=2)
        self.conv2 = BasicConv2d(64 // _NARROWER, 64 // _NARROWER, kernel_size=1)
        self.conv3 = BasicConv2d(64 // _NARROWER, 192 // _NARROWER, kernel_size=3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        for block, widths in _WIDTHS.items():
            self.add_module(block, Inception(*(width // _NARROWER for width in widths)))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.2)
        self.shape = nn.Linear(1024 // _NARROWER, len(SHAPES))
        self.texture = nn.Linear(1024 // _NARROWER, len(TEXTURES))
        self.hue = nn.Linear(1024 // _NARROWER, len(HUES))

    def forward(self, images: torch.Tensor) -> Logits:
        """Return logits of RGB images in [0, 1], shape (images, 3, 64, 64)."""
        x = self.conv3(self.conv2(self.conv1(2 * images - 1)))
        x = self.maxpool2(x)
        for block in BLOCKS:
            if block == "inception4a":
                x = self.maxpool3(x)
            elif block == "inception5a":
                x = self.maxpool4(x)
            x = self.get_submodule(block)(x)
        x = self.dropout(self.avgpool(x).flatten(1))
        return Logits(self.shape(x), self.texture(x), self.hue(x))


def load_demo_network(weights: Path = WEIGHTS) -> DemoNetwork:
    """Return the trained network in evaluation mode, on the CPU, in single precision."""
    network = DemoNetwork()
    network.load_state_dict(load_file(weights))
    return network.eval()
