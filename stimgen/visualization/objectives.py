"""How alike images are to a network."""

from __future__ import annotations

import torch


def similarity(maps: torch.Tensor) -> torch.Tensor:
    """Return how alike the images of each group are to the network (Olah et al., 2017).

    Parameters
    ----------
    maps
        Groups x images x channels x any axes of places, the whole layer's.

    Returns
    -------
    torch.Tensor
        One per group: over an image's inner products with all others of its group, of Gram
        matrices of unit norm, the sum, averaged over images; from 0 to images - 1.
    """
    features = maps.flatten(3)
    grams = (features @ features.mT).flatten(2)
    grams = grams / grams.norm(dim=2, keepdim=True).clamp_min(1e-12)
    # The sum of all products is the squared norm of the sum; an image with itself gives 1.
    n_images = maps.shape[1]
    products: torch.Tensor = (grams @ grams.mT).sum((1, 2))
    return products / n_images - 1


def mean_square(maps: torch.Tensor) -> torch.Tensor:
    """Return the mean square of each image's maps (images x channels x height x width)."""
    return maps.square().mean((1, 2, 3))


def likeness(maps: torch.Tensor, wanted: torch.Tensor, cosine_power: float) -> torch.Tensor:
    """Return how far maps go in the direction of others: dot product times a power of the cosine.

    Parameters
    ----------
    maps, wanted
        Images x channels x height x width.
    cosine_power
        0 lets other features grow along; more keeps to those of ``wanted``. A cosine below 0.1
        counts as 0.1, so that there is a way up from anywhere.

    Returns
    -------
    torch.Tensor
        One per image; 1 where both are the same.
    """
    own, other = maps.flatten(1), wanted.flatten(1)
    size = other.norm(dim=1).clamp_min(1e-6)
    dot = (own * other).sum(1) / size
    cosine = dot / own.norm(dim=1).clamp_min(1e-6)
    worth: torch.Tensor = dot / size * cosine.clamp_min(0.1) ** cosine_power
    return worth
