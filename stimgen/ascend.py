"""Gradient ascent on many images at once: the one optimisation loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch

from conditions.vocabulary import Unit
from stimgen.augment import Transforms, transform
from stimgen.methods import open_method
from stimgen.networks import Network, reduce_map
from stimgen.objectives import similarity, total_variation
from stimgen.parametrization import Start
from stimgen.preprocessing import resize
from stimgen.relus import RedirectedRelus
from stimgen.settings import ActivationSettings
from stimgen.synthetic_settings import SyntheticSettings


@dataclass(frozen=True)
class Goal:
    """Images to make for one unit and pole.

    Parameters
    ----------
    unit, pole
        What to drive, and whether down (``min``) or up (``max``).
    seeds
        One per image; an image depends on its own and, where diversity counts, on those of the
        same goal.
    scale
        Activation that counts as one.
    """

    unit: Unit
    pole: str
    seeds: tuple[int, ...]
    scale: float = 1.0


def ascend(
    network: Network,
    goals: Sequence[Goal],
    settings: SyntheticSettings,
    activation: ActivationSettings,
    shown_px: int,
    *,
    start: Start | None = None,
    after_step: Callable[[], object] = lambda: None,
) -> torch.Tensor:
    """Optimise images for several goals in one batch.

    Parameters
    ----------
    network
        Has the goals' units.
    goals
        With equally many seeds each.
    settings
        Of the optimisation.
    activation
        What a unit's activation is.
    shown_px
        Side at which the finished images will be shown to the network: parts have the size that
        they will have then.
    start
        What the images are made of; what the settings' method says if None.
    after_step
        Called after each step.

    Returns
    -------
    torch.Tensor
        Goals x images x 3 x height x width in 0..1, the margin cut off.
    """
    seeds = [seed for goal in goals for seed in goal.seeds]
    pictured = (start or open_method(settings, network))(seeds)
    transforms = Transforms(settings.jitter_px, settings.scales, settings.rotate_deg)
    matrices = transforms.draw(seeds, settings.steps, settings.image_px).to(network.device)
    seen_px = transforms.seen_px(settings.image_px)
    input_px = round(seen_px * network.input_px / settings.kept_px)
    score = _Score(network, goals, settings, activation)
    for step in range(settings.steps):
        images = pictured.images()
        seen = pictured.views(images, step)
        if seen is None:
            seen = resize(transform(images, matrices[step], seen_px), input_px)
        with RedirectedRelus() if step < settings.redirected_steps else nullcontext():
            loss = -score(seen).sum()
        gradients = torch.autograd.grad(loss, pictured.parameters)
        for parameter, gradient in zip(pictured.parameters, gradients, strict=True):
            parameter.grad = gradient
        pictured.update(step)
        after_step()
    images = pictured.finished()
    margin, end = settings.margin_px, settings.image_px - settings.margin_px
    images = images[..., margin:end, margin:end]
    return images.reshape(len(goals), -1, *images.shape[1:])


class _Score:
    """What each goal's images are worth: mean activation less the penalties."""

    def __init__(
        self,
        network: Network,
        goals: Sequence[Goal],
        settings: SyntheticSettings,
        activation: ActivationSettings,
    ) -> None:
        self.network = network
        self.settings = settings
        self.activation = activation
        self.n_goals, self.n_images = len(goals), len(goals[0].seeds)
        self.by_layer: dict[str, list[int]] = {}
        for place, goal in enumerate(goals):
            self.by_layer.setdefault(goal.unit.layer, []).append(place)
        device = network.device
        self.channels = torch.tensor([goal.unit.channel for goal in goals], device=device)
        signs = [(1 if goal.pole == "max" else -1) / goal.scale for goal in goals]
        self.signs = torch.tensor(signs, device=device)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.network.maps(images, list(self.by_layer), self.activation.side)
        score = torch.zeros(self.n_goals, device=images.device)
        for layer, places in self.by_layer.items():
            grouped = self._grouped(maps[layer])[places]
            channels = self.channels[places]
            chosen = grouped[torch.arange(len(places), device=channels.device), :, :, channels]
            activation = reduce_map(chosen, self.activation.reduction).mean((1, 2))
            worth = activation * self.signs[places]
            if self.settings.diversity_weight and self.n_images > 1:
                alike = similarity(grouped.movedim(2, 3))
                worth = worth - self.settings.diversity_weight * alike
            score = score.index_add(0, torch.tensor(places, device=score.device), worth)
        if self.settings.total_variation_weight:
            variation = self._grouped(total_variation(images)).mean((1, 2))
            score = score - self.settings.total_variation_weight * variation
        return score

    def _grouped(self, of_views: torch.Tensor) -> torch.Tensor:
        """Return goals x images x views x ..."""
        return of_views.reshape(self.n_goals, self.n_images, -1, *of_views.shape[1:])
