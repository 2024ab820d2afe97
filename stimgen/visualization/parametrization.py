"""Images as functions of tensors that an optimiser changes: what every method of rendering is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch


class Parametrization(ABC):
    """Images, and how gradient ascent changes them; ``ascend`` does the rest.

    An image must depend on its own seed only: each of the tensors has one row per image, and no
    row may be computed from another.

    Attributes
    ----------
    parameters
        Leaf tensors that want gradients, the first axis being images.
    optimiser
        Of these tensors; it minimises. What it remembers between steps is in its ``state``, as
        tensors, so that a checkpoint holds all of it.
    buffers
        Other tensors that change from step to step, by name; first axis images.
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
        """Return images x 3 x height x width in 0..1 as they are to be shown.

        A fourth channel, if there is one, says how opaque each pixel is to be shown.
        """
        with torch.no_grad():
            return self.images()

    def state(self) -> dict[str, np.ndarray]:
        """Return everything that changes from step to step, by name."""
        tensors = {f"parameters.{i}": tensor for i, tensor in enumerate(self.parameters)}
        tensors |= {f"buffers.{name}": tensor for name, tensor in self.buffers.items()}
        for place, memory in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{place}.{name}": tensor for name, tensor in memory.items()}
        return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what :meth:`state` returned."""
        memory: dict[int, dict[str, torch.Tensor]] = {}
        with torch.no_grad():
            for key, array in state.items():
                kind, _, name = key.partition(".")
                tensor = torch.from_numpy(array)
                if kind == "parameters":
                    self.parameters[int(name)].copy_(tensor)
                elif kind == "buffers":
                    self.buffers[name].copy_(tensor)
                else:
                    place, _, name = name.partition(".")
                    memory.setdefault(int(place), {})[name] = tensor
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": memory, "param_groups": groups})


Start = Callable[[Sequence[int]], Parametrization]
"""Starts one image from each seed."""
