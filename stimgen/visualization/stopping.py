"""When an optimisation need not go on: the gradient's norm no longer changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from stimgen.studies.synthetic_settings import StopSettings
from stimgen.visualization.parametrization import Parametrization


class Stopping:
    """Watches the gradients of several goals, and holds the images of those that are done.

    A goal's images stay as they are once its own norm is flat, whatever the others do.

    Parameters
    ----------
    settings
        When a norm is flat; never if None.
    n_goals
        How many goals there are, with equally many images each.
    device
        Where the gradients are.

    Attributes
    ----------
    norms
        Goals x two windows: of the last steps, a ring.
    done
        Which goals are.
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
        """Take in the gradients of a step (from 0), whose first axis is images.

        The mean norm over a window is compared with that over the window before.
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
        """Return a copy of what a step may change, for :meth:`hold`; nothing while none is done."""
        if self.settings is None or not bool(self.done.any()):
            return []
        return [tensor.detach().clone() for tensor in _tensors(parametrization)]

    def hold(self, parametrization: Parametrization, before: Sequence[torch.Tensor]) -> None:
        """Put back what a step changed in the images of goals that are done."""
        with torch.no_grad():
            for new, old in zip(_tensors(parametrization) if before else (), before, strict=True):
                images = self.done.repeat_interleave(len(new) // len(self.done))
                new[images] = old[images]

    def state(self) -> dict[str, np.ndarray]:
        """Return everything that changes from step to step, by name."""
        return {"norms": self.norms.cpu().numpy(), "done": self.done.cpu().numpy()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take what :meth:`state` returned out of what there is, and go on from it."""
        self.norms = torch.from_numpy(state.pop("norms")).to(self.norms.device)
        self.done = torch.from_numpy(state.pop("done")).to(self.done.device)


def _tensors(parametrization: Parametrization) -> list[torch.Tensor]:
    return [*parametrization.parameters, *parametrization.buffers.values()]
