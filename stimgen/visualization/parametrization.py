"""Images as functions of optimised tensors, the interface of all methods of rendering."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np
import torch

from stimgen.networks.compute_device import is_waited_for


class Parametrization(ABC):
    """Images, and how a step of gradient ascent changes them.

    An image must depend on its own seed only: each tensor has one row per image, and rows must not
    depend on each other.

    Attributes
    ----------
    parameters
        Leaf tensors that require gradients; their first axis is images.
    optimiser
        Optimiser of these tensors, which minimises. Its ``state`` consists of tensors, which are
        saved with the optimisation.
    buffers
        Other tensors that change from step to step, by name; their first axis is images.
    """

    parameters: tuple[torch.Tensor, ...]
    optimiser: torch.optim.Optimizer
    buffers: dict[str, torch.Tensor]

    @abstractmethod
    def images(self) -> torch.Tensor:
        """Return images x 3 x height x width in 0..1, square; gradients lead to the parameters."""

    def form(self, step: int) -> Hashable | None:
        """Return which operations a step consists of; None if these depend on values.

        CUDA devices capture one step of each form, and repeat it instead of the others. So for
        steps of one form :meth:`images`, :meth:`views` and :meth:`update` have to do the same
        operations on the same tensors, of which those that depend on the step are written by
        :meth:`prepare`.

        Parameters
        ----------
        step
            Number of the step, from 0.
        """
        return None

    def prepare(self, step: int) -> None:  # noqa: B027  # most methods depend on no step
        """Write the tensors that depend on the step, before it."""

    def views(self, images: torch.Tensor, step: int) -> torch.Tensor | None:
        """Return the network's input in a step, in place of the usual jitter, scale and rotation.

        Parameters
        ----------
        images
            Output of :meth:`images`.
        step
            Number of the step, from 0.

        Returns
        -------
        torch.Tensor or None
            (Images x views) x 3 x height x width, grouped by image, of a size that the network
            accepts; None for the usual transforms.
        """
        return None

    def update(self, step: int) -> None:
        """Change the parameters by their ``.grad``, the gradient of the loss to minimise."""
        self.optimiser.step()

    def finished(self) -> torch.Tensor:
        """Return the finished images x 3 x height x width in 0..1.

        A fourth channel, if there is one, is the opacity of each pixel.
        """
        with torch.no_grad():
            return self.images()

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return everything that changes from step to step, by name."""
        tensors = {f"parameters.{i}": tensor for i, tensor in enumerate(self.parameters)}
        tensors |= {f"buffers.{name}": tensor for name, tensor in self.buffers.items()}
        for place, memory in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{place}.{name}": tensor for name, tensor in memory.items()}
        return {name: tensor.detach() for name, tensor in tensors.items()}

    def state(self) -> dict[str, np.ndarray]:
        """Return :meth:`tensors` as arrays."""
        return {name: tensor.cpu().numpy() for name, tensor in self.tensors().items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Restore what :meth:`state` returned."""
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


def adam(parameters: Sequence[torch.Tensor], learning_rate: float) -> torch.optim.Adam:
    """Return Adam; on CUDA all of it, the number of steps too, is on the device.

    Examples
    --------
    >>> pixels = torch.zeros(1, 3, requires_grad=True)
    >>> optimiser = adam([pixels], 0.05)
    >>> pixels.grad = torch.tensor([[1.0, -2.0, 0.0]])
    >>> optimiser.step()
    >>> [round(value, 4) for value in pixels[0].tolist()]
    [-0.05, 0.05, 0.0]
    """
    if not is_waited_for(parameters[0].device):
        return torch.optim.Adam(parameters, lr=learning_rate)
    return torch.optim.Adam(parameters, lr=learning_rate, fused=True, capturable=True)


Start = Callable[[Sequence[int]], Parametrization]
"""Starts the parametrization of one image for each seed."""
