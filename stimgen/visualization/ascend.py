"""Gradient ascent on many images at once: the one optimisation loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import chain

import numpy as np
import torch

from stimgen.networks.network import Layer, Network, reduce_map
from stimgen.networks.preprocessing import resize
from stimgen.networks.relus import RedirectedRelus
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.synthetic_settings import SyntheticSettings
from stimgen.visualization.augment import Transforms, transform
from stimgen.visualization.goals import Goal
from stimgen.visualization.methods import open_method
from stimgen.visualization.objectives import similarity
from stimgen.visualization.parametrization import Start
from stimgen.visualization.priors import filter_gradient, penalty
from stimgen.visualization.saved_state import Unfinished
from stimgen.visualization.stopping import Stopping

Score = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def ascend(
    network: Network,
    goals: Sequence[Goal],
    settings: SyntheticSettings,
    activation: ActivationSettings,
    shown_px: int,
    *,
    start: Start | None = None,
    unfinished: Unfinished | None = None,
    after_step: Callable[[int], object] = lambda n_steps: None,
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
    unfinished
        Where to go on from, and where to leave what there is now and then, and when interrupted.
    after_step
        Called after each step with the number of steps done; what it raises ends the optimisation.

    Returns
    -------
    torch.Tensor
        Goals x images x 3 x height x width in 0..1, the margin cut off; with a fourth channel where
        the method says how opaque each pixel is to be shown.
    """
    images = climb(
        network,
        [goal.seeds for goal in goals],
        _Score(network, goals, settings, activation),
        settings,
        start=start,
        unfinished=unfinished,
        after_step=after_step,
    )
    return images.reshape(len(goals), -1, *images.shape[1:])


def climb(
    network: Network,
    groups: Sequence[Sequence[int]],
    score: Score,
    settings: SyntheticSettings,
    *,
    start: Start | None = None,
    unfinished: Unfinished | None = None,
    after_step: Callable[[int], object] = lambda n_steps: None,
) -> torch.Tensor:
    """Optimise images for any score; see :func:`ascend` for the other parameters.

    Parameters
    ----------
    groups
        Seeds of the images that are scored together, equally many in each.
    score
        From what the network sees of all images, and from the images, what each group is worth.

    Returns
    -------
    torch.Tensor
        Images x 3 (or 4) x height x width in 0..1, the margin cut off.
    """
    seeds = [seed for group in groups for seed in group]
    parametrization = (start or open_method(settings, network))(seeds)
    seen_of = _usual_views(network, seeds, settings)
    stopping = Stopping(settings.stop, len(groups), network.device)
    unfinished = unfinished or Unfinished()
    n_steps, state = unfinished.load()
    if n_steps:
        stopping.restore(state)
        parametrization.restore(state)

    def everything() -> dict[str, np.ndarray]:
        return parametrization.state() | stopping.state()

    for step in range(n_steps, settings.steps):
        if stopping.all_done:
            break
        held = stopping.copy(parametrization)
        images = parametrization.images()
        progress = step / max(1, settings.steps - 1)
        let_pass = partial(filter_gradient, priors=settings.priors, progress=progress)
        images.register_hook(let_pass)  # type: ignore[no-untyped-call]
        views = parametrization.views(images, step)
        seen = seen_of(images, step) if views is None else views
        with RedirectedRelus() if step < settings.redirected_steps else nullcontext():
            loss = -score(seen, images).sum()
        gradients = torch.autograd.grad(loss, parametrization.parameters)
        for parameter, gradient in zip(parametrization.parameters, gradients, strict=True):
            parameter.grad = gradient
        parametrization.update(step)
        stopping.hold(parametrization, held)
        stopping.watch(gradients, step)
        try:
            after_step(step + 1)
        except BaseException:
            unfinished.save(step + 1, everything())
            raise
        unfinished.save_sometimes(step + 1, everything)
    images = parametrization.finished()
    margin, end = settings.margin_px, images.shape[-1] - settings.margin_px
    return images[..., margin:end, margin:end]


def _usual_views(
    network: Network, seeds: Sequence[int], settings: SyntheticSettings
) -> Callable[[torch.Tensor, int], torch.Tensor]:
    """Return what shifts, scales and rotates images, and brings them to the network's size."""
    transforms = Transforms(
        settings.jitter_px, settings.scales, settings.rotate_deg, settings.pad_px
    )
    matrices = transforms.draw(seeds, settings.steps, settings.image_px).to(network.device)
    seen_px = transforms.seen_px(settings.image_px)
    input_px = round(seen_px * network.input_px / settings.kept_px)

    def seen(images: torch.Tensor, step: int) -> torch.Tensor:
        return resize(transform(images, matrices[step], seen_px), input_px)

    return seen


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
        self.priors = settings.priors
        self.activation = activation
        self.n_goals, self.n_images = len(goals), len(goals[0].seeds)
        self.n_diverse = self.n_images - settings.plain_per_pole
        device = network.device
        # Diverse images count by their mean, and a plain one as if it were alone.
        shares = [1 / self.n_diverse] * self.n_diverse + [1.0] * settings.plain_per_pole
        self.shares = torch.tensor(shares, device=device)
        self.signs = torch.tensor([goal.sign / goal.scale for goal in goals], device=device)
        own = [goal.diversity_weight for goal in goals]
        weights = [settings.diversity_weight if weight is None else weight for weight in own]
        self.wants_diversity = any(weights) and self.n_diverse > 1
        self.weights = torch.tensor(weights, device=device)
        places: dict[str, list[int]] = {}
        for place, goal in enumerate(goals):
            places.setdefault(network.layer(goal.unit.layer).name, []).append(place)
        self.parts = [self._part(goals, by_layer) for by_layer in places.values()]

    def _part(
        self, goals: Sequence[Goal], places: list[int]
    ) -> tuple[Layer, list[int], torch.Tensor]:
        """Return what is needed of a layer, whose goals it is for, and their channels in it."""
        units = [goals[place].unit for place in places]
        layer = self.network.layer(units[0].layer)
        if not self.wants_diversity:  # which is of all that a layer puts out
            layer = layer.holding({unit.channel for unit in units})
        channels = list(chain(*(branch.channels for branch in layer.branches)))
        chosen = [channels.index(unit.channel) for unit in units]
        return layer, places, torch.tensor(chosen, device=self.network.device)

    def __call__(self, seen: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        maps = self.network.maps(seen, [layer for layer, *_ in self.parts], self.activation.side)
        gain = torch.zeros(self.n_goals, device=images.device)
        for layer, places, channels in self.parts:
            # Goals x images x views x channels x height x width.
            grouped = self._grouped(maps[layer.name].float())[places]
            each = torch.arange(len(places), device=gain.device)
            chosen = grouped[each, :, :, channels]
            activations = reduce_map(chosen, self.activation.reduction).mean(2)
            worth = self.signs[places] * (activations * self.shares).sum(1)
            if self.wants_diversity:
                alike = similarity(grouped[:, : self.n_diverse].movedim(2, 3))
                worth = worth - self.weights[places] * alike
            gain = gain.index_add(0, torch.tensor(places, device=gain.device), worth)
        penalties = penalty(images, self.priors).reshape(self.n_goals, self.n_images)
        return gain - (penalties * self.shares).sum(1)

    def _grouped(self, of_views: torch.Tensor) -> torch.Tensor:
        return of_views.reshape(self.n_goals, self.n_images, -1, *of_views.shape[1:])
