"""Accuracy of the demo network, and selectivity of its units for the factors."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch.nn import functional as F

from stimgen.demo.demo_images import DemoImages
from stimgen.demo.demo_network import BLOCKS, BRANCHES, INPUT_PX, DemoNetwork

FACTORS = ("shape", "texture", "hue")
_BATCH = 100


def render(
    images: DemoImages, progress: Callable[[Sequence[int]], Sequence[int]] | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Render images and resize them to the network's input.

    Parameters
    ----------
    images
        Larger ones are shrunk with antialiasing, as a sweep shrinks its images.
    progress
        Wraps the indices, as `tqdm` does.

    Returns
    -------
    tuple of torch.Tensor
        Images, uint8, shape (n, 3, 64, 64), and labels, shape (n, 3).
    """
    pixels = torch.empty(len(images), 3, INPUT_PX, INPUT_PX, dtype=torch.uint8)
    labels = torch.empty(len(images), len(FACTORS), dtype=torch.long)
    indices = range(len(images))
    for i in progress(indices) if progress else indices:
        image = torch.from_numpy(images.pixels(i)).permute(2, 0, 1)
        if images.size_px != INPUT_PX:
            image = shrink(image[None].float())[0].round().to(torch.uint8)
        pixels[i] = image
        labels[i] = torch.tensor(images.labels(i))
    return pixels, labels


def shrink(images: torch.Tensor) -> torch.Tensor:
    """Return images of shape (n, 3, height, width) at 64 pixels, antialiased."""
    return F.interpolate(images, (INPUT_PX, INPUT_PX), mode="bilinear", antialias=True)


@torch.no_grad()
def accuracy(network: DemoNetwork, pixels: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """Return the proportion correct, for each factor and for all three (`joint`)."""
    correct = torch.cat(
        [
            torch.stack([scores.argmax(1) for scores in network(batch)], dim=1)
            for batch in _batches(pixels)
        ]
    ).eq(labels)
    shares = dict(zip(FACTORS, correct.double().mean(0).tolist(), strict=True))
    return {**shares, "joint": correct.all(1).double().mean().item()}


@torch.no_grad()
def unit_activations(network: DemoNetwork, pixels: torch.Tensor) -> torch.Tensor:
    """Return the spatial mean before the ReLU of every branch's units, shape (images, units)."""
    means: list[torch.Tensor] = []

    def record(module: torch.nn.Module, inputs: object, output: torch.Tensor) -> None:
        means.append(output.mean((2, 3)))

    hooks = [
        list(network.get_submodule(f"{block}.{branch}").modules())[-1].register_forward_hook(record)
        for block in BLOCKS
        for branch in BRANCHES
    ]
    rows = []
    try:
        for batch in _batches(pixels):
            network(batch)
            rows.append(torch.cat(means, dim=1))
            means.clear()
    finally:
        for hook in hooks:
            hook.remove()
    return torch.cat(rows)


def eta_squared(activations: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the proportion of each unit's variance explained by each factor (eta squared).

    Parameters
    ----------
    activations
        Shape (images, units).
    labels
        Shape (images, factors).

    Returns
    -------
    torch.Tensor
        Shape (factors, units), in [0, 1]; 0 for a unit that never varies.
    """
    centred = activations.double() - activations.double().mean(0)
    total = centred.square().sum(0)
    explained = []
    for levels in labels.T:
        membership = F.one_hot(levels).double()
        group_means = membership.T @ centred / membership.sum(0).clamp(min=1)[:, None]
        explained.append((membership.sum(0)[:, None] * group_means.square()).sum(0))
    shares: torch.Tensor = torch.stack(explained) / total.clamp(min=torch.finfo(total.dtype).tiny)
    return shares


def selective_share(
    network: DemoNetwork, pixels: torch.Tensor, labels: torch.Tensor, above: float = 0.25
) -> float:
    """Return the proportion of units with an eta squared above `above` for their best factor."""
    best = eta_squared(unit_activations(network, pixels), labels).amax(0)
    return best.gt(above).double().mean().item()


def _batches(pixels: torch.Tensor) -> Iterator[torch.Tensor]:
    for batch in torch.split(pixels, _BATCH):
        yield batch.float() / 255
