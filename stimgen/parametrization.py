"""Images as functions of tensors that an optimiser changes: what every method of rendering is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch


class Parametrization(ABC):
    """Images, and how gradient ascent changes them; :func:`stimgen.ascend.ascend` does the rest.

    An image must depend on its own seed only: each of the tensors has one row per image, and no
    row may be computed from another.

    Attributes
    ----------
    parameters
        Leaf tensors that want gradients, the first axis being images.
    optimiser
        Of these tensors; it minimises. Its state is what a checkpoint keeps.
    buffers
        Other tensors that change from step to step, by name; first axis images. Kept too.
    """

    parameters: tuple[torch.Tensor, ...]
    optimiser: torch.optim.Optimizer
    buffers: dict[str, torch.Tensor]

    @abstractmethod
    def images(self) -> torch.Tensor:
        """Return images x 3 x height x width in 0..1, square; gradients lead to the parameters."""

    def views(self, images: torch.Tensor, step: int) -> torch.Tensor | None:
        """Return what the network sees in a step, in place of the usual jitter, scale and rotation.

        Parameters
        ----------
        images
            What :meth:`images` returned.
        step
            From 0.

        Returns
        -------
        torch.Tensor or None
            (images x views) x 3 x height x width, all views of one image together, at a side the
            network takes; None for the usual transforms.
        """
        return None

    def update(self, step: int) -> None:
        """Change the parameters, whose ``.grad`` is that of what is to be minimised."""
        self.optimiser.step()

    def finished(self) -> torch.Tensor:
        """Return images x 3 x height x width in 0..1 as they are to be shown."""
        with torch.no_grad():
            return self.images()


Start = Callable[[Sequence[int]], Parametrization]
"""Starts one image from each seed."""
