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
