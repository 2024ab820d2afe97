"""Early stopping, once the norm of the gradient no longer changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from stimgen.studies.synthetic_settings import StopSettings
from stimgen.visualization.parametrization import Parametrization


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
        Goals x (2 x window): norms of the last steps, in a ring buffer.
    done
        Which goals are done.

    Examples
    --------
    >>> stopping = Stopping(StopSettings(at_least=4, window=2, tolerance=0.01), n_goals=2)
    >>> for step in range(4):
    ...     stopping.watch([torch.tensor([[1.0], [1.0 + step]])], step)
    >>> stopping.done.tolist()
    [True, False]
    """

    def __init__(
        self, settings: StopSettings | None, n_goals: int, device: torch.device | str = "cpu"
    ) -> None:
        self.settings = settings
        window = settings.window if settings else 0
        self.norms = torch.zeros(n_goals, 2 * window, device=device)
        self.done = torch.zeros(n_goals, dtype=torch.bool, device=device)

    @property
    def all_done(self) -> bool:
        """Whether no goal needs another step."""
        return self.settings is not None and bool(self.done.all())

    def watch(self, gradients: Sequence[torch.Tensor], step: int) -> None:
        """Add the gradients of a step (from 0), whose first axis is images.

        A goal is done when |now - before| <= tolerance * before, where now and before are the mean
        norms over the last window and over the window before it.
        """
        if self.settings is None:
            return
        squares = [g.detach().reshape(len(self.done), -1).square().sum(1) for g in gradients]
        window = self.settings.window
        self.norms[:, step % (2 * window)] = torch.stack(squares).sum(0).sqrt()
        if step + 1 >= self.settings.at_least:
            newer = torch.arange(step - window + 1, step + 1, device=self.norms.device)
            now = self.norms[:, newer % (2 * window)].mean(1)
            before = self.norms[:, (newer - window) % (2 * window)].mean(1)
            self.done |= (now - before).abs() <= self.settings.tolerance * before

    def copy(self, parametrization: Parametrization) -> list[torch.Tensor]:
        """Return a copy of all tensors for :meth:`hold`; nothing while no goal is done."""
        if self.settings is None or not bool(self.done.any()):
            return []
        return [tensor.detach().clone() for tensor in _tensors(parametrization)]

    def hold(self, parametrization: Parametrization, before: Sequence[torch.Tensor]) -> None:
        """Undo a step for the images of goals that are done."""
        with torch.no_grad():
            for new, old in zip(_tensors(parametrization) if before else (), before, strict=True):
                images = self.done.repeat_interleave(len(new) // len(self.done))
                new[images] = old[images]

    def state(self) -> dict[str, np.ndarray]:
        """Return everything that changes from step to step, by name."""
        return {"norms": self.norms.cpu().numpy(), "done": self.done.cpu().numpy()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Remove what :meth:`state` returned from ``state``, and restore it."""
        self.norms = torch.from_numpy(state.pop("norms")).to(self.norms.device)
        self.done = torch.from_numpy(state.pop("done")).to(self.done.device)


def _tensors(parametrization: Parametrization) -> list[torch.Tensor]:
    return [*parametrization.parameters, *parametrization.buffers.values()]
