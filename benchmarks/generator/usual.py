"""The usual way: what common scripts do, for comparison with stimgen.

All of them use torchvision's GoogLeNet unchanged: channels first, separate batch norms, and
full forward passes, with hooks that store activations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torchvision.models import googlenet

from benchmarks.generator.sides import Work
from stimgen.networks.weights import randomise
from stimgen.visualization.fourier import COLOUR

MEAN, SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def usual_googlenet(device: torch.device) -> nn.Module:
    """Return the network with random weights, which require gradients, as is the default."""
    module: nn.Module = googlenet(weights=None, aux_logits=False, init_weights=False)
    randomise(module, 0)
    return module.eval().to(device)


def _normalised(images: torch.Tensor) -> torch.Tensor:
    mean, sd = (torch.tensor(v, device=images.device).view(3, 1, 1) for v in (MEAN, SD))
    return (images - mean) / sd


def hook_loop(
    device: torch.device, images: Sequence[np.ndarray], n_images: int, k: int, batch: int = 64
) -> Work:
    """Prepare to record the units of all blocks for images, and to find each unit's extremes.

    Hooks store the blocks' whole maps; after each batch they are reduced to each unit's mean, and
    the means of all images are stored and sorted at the end.

    Parameters
    ----------
    device
        Device of the network.
    images
        8-bit images of the network's input size, repeated.
    n_images, k
        Number of images, and number of images kept at each pole.
    batch
        Images in a forward pass.
    """
    module = usual_googlenet(device)
    kept: dict[str, torch.Tensor] = {}

    def hook(name: str) -> Any:
        def keep(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
            kept[name] = output.detach()

        return keep

    for name, part in module.named_children():
        if name.startswith("inception"):
            part.register_forward_hook(hook(name))
    opened = [Image.fromarray(image) for image in images]

    def work() -> None:
        means = []
        for start in range(0, n_images, batch):
            shown = [
                np.array(opened[index % len(opened)])
                for index in range(start, min(start + batch, n_images))
            ]
            levels = torch.from_numpy(np.stack(shown)).permute(0, 3, 1, 2).contiguous()
            with torch.no_grad():
                module(_normalised(levels.to(device).float() / 255))
            means.append(torch.cat([maps.mean((2, 3)) for maps in kept.values()], 1).cpu())
        everything = torch.cat(means)
        everything.topk(k, 0)
        everything.topk(k, 0, largest=False)

    return work


def render_loop(
    device: torch.device, layer: str, channels: Sequence[int], steps: int, image_px: int = 224
) -> Work:
    """Prepare to render units one after the other, as Lucent does.

    One image at a time, from a decorrelated Fourier spectrum; padding, jitter, scale, rotation and
    jitter in separate steps, the same for the batch; full passes, with hooks on every module; and
    gradients of the weights too.

    Parameters
    ----------
    device, layer, channels
        Device, and what to render.
    steps
        Steps of each optimisation.
    image_px
        Side of the image and of the network's input.
    """
    module = usual_googlenet(device)
    kept: dict[str, torch.Tensor] = {}
    for name, part in module.named_modules():
        if name:
            part.register_forward_hook(
                lambda module, inputs, output, name=name: kept.__setitem__(name, output)
            )
    colours = torch.tensor(COLOUR, dtype=torch.float32, device=device)
    frequency = torch.fft.fftfreq(image_px)[:, None].square()
    frequency = (frequency + torch.fft.rfftfreq(image_px).square()).sqrt()
    scale = (1 / frequency.clamp(min=1 / image_px)).to(device) * image_px
    rng = np.random.default_rng(0)

    def image_of(spectrum: torch.Tensor) -> torch.Tensor:
        image = torch.fft.irfft2(torch.view_as_complex(spectrum) * scale, (image_px,) * 2) / 4
        mixed = torch.matmul(image.permute(0, 2, 3, 1), colours.T).permute(0, 3, 1, 2)
        return torch.sigmoid(mixed)

    def seen(image: torch.Tensor) -> torch.Tensor:
        image = F.pad(image, (12,) * 4, value=0.5)
        image = _jitter(image, 8, rng)
        side = math.ceil(image.shape[-1] * (1 + (int(rng.integers(11)) - 5) / 50))
        image = F.interpolate(image, size=side, mode="bilinear", align_corners=False)
        angle = math.radians(int(rng.integers(-10, 11)))
        cos, sin = math.cos(angle), math.sin(angle)
        turn = torch.tensor([[[cos, -sin, 0.0], [sin, cos, 0.0]]], device=device)
        grid = F.affine_grid(turn, list(image.shape), align_corners=False)
        image = _jitter(F.grid_sample(image, grid, align_corners=False), 4, rng)
        image = F.interpolate(image, size=image_px, mode="bilinear", align_corners=False)
        return _normalised(image)

    def work() -> None:
        for channel in channels:
            spectrum = 0.01 * torch.randn(1, 3, image_px, image_px // 2 + 1, 2, device=device)
            spectrum.requires_grad_()
            optimiser = torch.optim.Adam([spectrum], 0.05)
            for _ in range(steps):
                optimiser.zero_grad()
                module(seen(image_of(spectrum)))
                torch.autograd.backward(-kept[layer][:, channel].mean())
                optimiser.step()

    return work


def _jitter(image: torch.Tensor, by_px: int, rng: np.random.Generator) -> torch.Tensor:
    x, y = rng.integers(0, by_px + 1, 2)
    return image[..., y : image.shape[-2] - by_px + y, x : image.shape[-1] - by_px + x]


def occlusion_loop(
    device: torch.device, images: Sequence[np.ndarray], layer: str, channel: int
) -> Work:
    """Prepare to measure a unit for images, with a full forward pass each.

    Parameters
    ----------
    device, layer, channel
        Device, and what to measure.
    images
        8-bit images with patches.
    """
    module = usual_googlenet(device)
    kept: dict[str, torch.Tensor] = {}
    module.get_submodule(layer).register_forward_hook(
        lambda module, inputs, output: kept.__setitem__("maps", output)
    )

    def work() -> None:
        values = []
        for levels in images:
            image = torch.from_numpy(levels).permute(2, 0, 1)[None].contiguous()
            with torch.no_grad():
                module(_normalised(image.to(device).float() / 255))
            values.append(float(kept["maps"][0, channel].mean()))

    return work
