"""Objectives of images' activation maps besides the activation of single units."""

from __future__ import annotations

import torch

from stimgen.networks.compute_device import is_waited_for


def similarity(maps: torch.Tensor, factors: torch.dtype = torch.float32) -> torch.Tensor:
    """Return how similar the images of each group are to the network (Olah et al., 2017).

    This is the negative of their diversity term (doi:10.23915/distill.00007), divided by the number
    of images.

    Parameters
    ----------
    maps
        Groups x images x channels x any axes of positions; all channels of the layer.
    factors
        Type to which features are rounded before they are multiplied; sums have 32 bits.

    Returns
    -------
    torch.Tensor
        One per group, from 0 to the number of images minus 1.

    Examples
    --------
    Two images with the same features have similarity 1, two images that activate different channels
    have similarity 0.

    >>> same = torch.ones(1, 2, 3, 4, 4)
    >>> similarity(same).tolist()
    [1.0]
    >>> other = torch.zeros(1, 2, 3, 4, 4)
    >>> other[:, 0, 0] = other[:, 1, 1] = 1
    >>> similarity(other).tolist()
    [0.0]
    """
    # Gram matrix of image a with maps F_a (channels x positions):  G_a = F_a F_a^T
    # normalised:                                                   g_a = vec(G_a) / |vec(G_a)|
    # similarity of n images:                                (1 / n) sum_a sum_{b != a} g_a . g_b
    features = maps.flatten(3).to(factors)
    grams = (features @ features.mT).flatten(2).to(maps.dtype)
    grams = grams / grams.norm(dim=2, keepdim=True).clamp_min(1e-12)
    # The sum over all pairs includes g_a . g_a = 1 for each image.
    n_images = maps.shape[1]
    if is_waited_for(maps.device):
        # sum_a sum_b g_a . g_b = |sum_a g_a|^2: products of a few long rows leave a GPU idle.
        products: torch.Tensor = grams.sum(1).square().sum(1)
    else:
        products = (grams @ grams.mT).sum((1, 2))
    return products / n_images - 1


def mean_square(maps: torch.Tensor) -> torch.Tensor:
    """Return the mean square of each image's maps (images x channels x height x width).

    Examples
    --------
    >>> mean_square(torch.full((2, 3, 4, 4), 2.0)).tolist()
    [4.0, 4.0]
    """
    return maps.square().mean((1, 2, 3))


def likeness(maps: torch.Tensor, wanted: torch.Tensor, cosine_power: float) -> torch.Tensor:
    """Return the dot product of maps with others, weighted by a power of their cosine (Lucid).

    Parameters
    ----------
    maps, wanted
        Images x channels x height x width.
    cosine_power
        With 0 other features may grow too; higher values favour those of ``wanted``. Cosines below
        0.1 count as 0.1, so that the gradient never vanishes.

    Returns
    -------
    torch.Tensor
        One per image; 1 if both are the same.

    Examples
    --------
    >>> wanted = torch.tensor([1.0, 1.0]).view(1, 2, 1, 1)
    >>> round(likeness(wanted, wanted, 1.0).item(), 4)
    1.0
    >>> round(likeness(2 * wanted, wanted, 1.0).item(), 4)
    2.0
    >>> maps = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1)
    >>> round(likeness(maps, wanted, 0.0).item(), 4), round(likeness(maps, wanted, 1.0).item(), 4)
    (0.5, 0.3536)
    """
    # For maps a and wanted maps w:  (a . w) / |w|^2 * max(cos(a, w), 0.1)^power
    own, other = maps.flatten(1), wanted.flatten(1)
    size = other.norm(dim=1).clamp_min(1e-6)
    dot = (own * other).sum(1) / size
    cosine = dot / own.norm(dim=1).clamp_min(1e-6)
    worth: torch.Tensor = dot / size * cosine.clamp_min(0.1) ** cosine_power
    return worth
