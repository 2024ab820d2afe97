"""Early stopping, once the norm of the gradient no longer changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from stimgen.networks.compute_device import is_waited_for
from stimgen.studies.synthetic_settings import StopSettings
from stimgen.visualization.parametrization import Parametrization

ASKED_EVERY = 16
"""Steps after which a device that is waited for is asked whether all goals are done."""


class Stopping:
    """Monitors the gradients of several goals, and freezes the images of those that are done.

    A goal's images no longer change once the norm of its own gradient is constant.

    Parameters
    ----------
    settings
        Criterion; never stops if None.
    n_goals
        Number of goals, with the same number of images each.
    device
        Device of the gradients.

    Attributes
    ----------
    norms
        Goals x (2 x window): norms of the last steps, the last one at the end.
    n_watched
        Number of steps so far.
    done
        Which goals are done.

    Examples
    --------
    >>> stopping = Stopping(StopSettings(at_least=4, window=2, tolerance=0.01), n_goals=2)
    >>> for step in range(4):
    ...     stopping.watch([torch.tensor([[1.0], [1.0 + step]])])
    >>> stopping.done.tolist()
    [True, False]
    """

    def __init__(
        self, settings: StopSettings | None, n_goals: int, device: torch.device | str = "cpu"
    ) -> None:
        self.settings = settings
        window = settings.window if settings else 0
        self.norms = torch.zeros(n_goals, 2 * window, device=device)
        self.n_watched = torch.zeros((), dtype=torch.long, device=device)
        self.done = torch.zeros(n_goals, dtype=torch.bool, device=device)

    def is_over(self, step: int) -> bool:
        """Return whether a step (from 0) is needed by no goal.

        Where that means waiting for the device, it is asked every :data:`ASKED_EVERY` steps; images
        of goals that are done change in no step.
        """
        is_asked = step % ASKED_EVERY == 0 or not is_waited_for(self.done.device)
        return self.settings is not None and is_asked and bool(self.done.all())

    def watch(self, gradients: Sequence[torch.Tensor]) -> None:
        """Add the gradients of a step, whose first axis is images.

        A goal is done when |now - before| <= tolerance * before, where now and before are the mean
        norms over the last window and over the window before it.
        """
        if self.settings is None:
            return
        squares = [g.detach().reshape(len(self.done), -1).square().sum(1) for g in gradients]
        norm = torch.stack(squares).sum(0).sqrt()
        self.norms.copy_(torch.cat([self.norms[:, 1:], norm[:, None]], 1))
        self.n_watched += 1
        before, now = (half.contiguous().mean(1) for half in self.norms.chunk(2, 1))
        is_flat = (now - before).abs() <= self.settings.tolerance * before
        self.done |= is_flat & (self.n_watched >= self.settings.at_least)

    def copy(self, parametrization: Parametrization) -> list[torch.Tensor]:
        """Return a copy of all tensors for :meth:`hold`; nothing on CPUs while no goal is done."""
        if self.settings is None:
            return []
        if not is_waited_for(self.done.device) and not bool(self.done.any()):
            return []
        return [tensor.detach().clone() for tensor in _tensors(parametrization)]

    def hold(self, parametrization: Parametrization, before: Sequence[torch.Tensor]) -> None:
        """Undo a step for the images of goals that are done."""
        with torch.no_grad():
            for new, old in zip(_tensors(parametrization) if before else (), before, strict=True):
                each = self.done[:, None].expand(-1, len(new) // len(self.done))
                is_held = each.reshape(-1, *[1] * (new.ndim - 1))
                new.copy_(torch.where(is_held, old, new))

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return everything that changes from step to step, by name."""
        return {"norms": self.norms, "n_watched": self.n_watched, "done": self.done}

    def state(self) -> dict[str, np.ndarray]:
        """Return :meth:`tensors` as arrays."""
        return {name: tensor.cpu().numpy() for name, tensor in self.tensors().items()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Remove what :meth:`state` returned from ``state``, and restore it."""
        for name, tensor in self.tensors().items():
            tensor.copy_(torch.from_numpy(state.pop(name)))


def _tensors(parametrization: Parametrization) -> list[torch.Tensor]:
    return [*parametrization.parameters, *parametrization.buffers.values()]
