"""Gradient ascent on many images at once: the optimisation loop of all methods."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import chain, groupby

import numpy as np
import torch

from stimgen.networks.compute_device import is_waited_for, same_each_time
from stimgen.networks.network import Layer, Network, reduce_map
from stimgen.networks.preprocessing import resize
from stimgen.networks.relus import RedirectedRelus
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.synthetic_settings import SyntheticSettings
from stimgen.visualization.augment import DrawnTransforms, Transforms
from stimgen.visualization.captured_steps import CapturedSteps, capture_on
from stimgen.visualization.goals import Goal
from stimgen.visualization.lucid_transforms import DrawnLucid, LucidTransforms
from stimgen.visualization.objectives import similarity
from stimgen.visualization.parametrization import Parametrization, Start
from stimgen.visualization.priors import filter_gradient, gradient_widths, penalty
from stimgen.visualization.rendering_methods import open_method
from stimgen.visualization.saved_state import SavedState
from stimgen.visualization.stopping import Stopping

Score = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def ascend(
    network: Network,
    goals: Sequence[Goal],
    settings: SyntheticSettings,
    activation: ActivationSettings,
    *,
    start: Start | None = None,
    saved: SavedState | None = None,
    after_step: Callable[[int], object] = lambda n_steps: None,
) -> torch.Tensor:
    """Optimise images for several goals in one batch.

    With ``transforms: lucid`` all images of the batch are transformed alike, as the seed of the
    first one draws it; so :func:`stimgen.visualization.render.render` makes a batch of each goal.

    Parameters
    ----------
    network
        Network of the goals' units.
    goals
        Goals with the same number of seeds.
    settings
        Settings of the optimisation.
    activation
        How a unit's activation is computed.
    start
        Starts the images' parametrization; by default that of the settings' method.
    saved
        File to resume from, to which the state is written regularly and when interrupted.
    after_step
        Called after each step with the number of steps done; an exception ends the optimisation.

    Returns
    -------
    torch.Tensor
        Goals x images x 3 x height x width in 0..1, without the margin; with a fourth channel,
        the opacity of each pixel, for methods that have one.

    Examples
    --------
    >>> from stimgen.networks.registry import load_network
    >>> network = load_network("demo")
    >>> goal = Goal(network.unit("inception3a", "1x1", 3), "max", seeds=(1, 2))
    >>> settings = SyntheticSettings(steps=2, image_px=48, margin_px=4, jitter_px=(4, 2))
    >>> images = ascend(network, [goal], settings, ActivationSettings())
    >>> images.shape
    torch.Size([1, 2, 3, 40, 40])
    >>> bool((images >= 0).all() and (images <= 1).all())
    True
    """
    images = climb(
        network,
        [goal.seeds for goal in goals],
        _Score(network, goals, settings, activation),
        settings,
        start=start,
        saved=saved,
        is_fixed=True,
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
    saved: SavedState | None = None,
    is_fixed: bool = False,
    after_step: Callable[[int], object] = lambda n_steps: None,
) -> torch.Tensor:
    """Optimise images for any score; see :func:`ascend` for the other parameters.

    Parameters
    ----------
    groups
        Seeds of the images that are scored together, the same number in each group.
    score
        Maps the network's input and the images to the objective of each group.
    is_fixed
        Whether the score does the same operations in each step, whatever the values are, so that
        CUDA may repeat a captured step instead of calling it.

    Returns
    -------
    torch.Tensor
        Images x 3 (or 4) x height x width in 0..1, without the margin.

    Examples
    --------
    Any objective of the images can be maximised, such as their brightness:

    >>> from stimgen.networks.registry import load_network
    >>> network = load_network("demo")
    >>> settings = SyntheticSettings(
    ...     steps=8, image_px=40, margin_px=4, jitter_px=(0, 0), learning_rate=0.5
    ... )
    >>> def brightness(seen, images):
    ...     return images.mean((1, 2, 3))
    >>> images = climb(network, [[1], [2]], brightness, settings)
    >>> bool((images.mean((1, 2, 3)) > 0.6).all())
    True
    """
    with same_each_time(network.device):
        return _climbed(network, groups, score, settings, start, saved, is_fixed, after_step)


def _climbed(
    network: Network,
    groups: Sequence[Sequence[int]],
    score: Score,
    settings: SyntheticSettings,
    start: Start | None,
    saved: SavedState | None,
    is_fixed: bool,
    after_step: Callable[[int], object],
) -> torch.Tensor:
    seeds = [seed for group in groups for seed in group]
    parametrization = (start or open_method(settings, network))(seeds)
    stopping = Stopping(settings.stop, len(groups), network.device)
    saved = saved or SavedState()
    n_steps, state = saved.load()
    if n_steps:
        stopping.restore(state)
        parametrization.restore(state)

    def everything() -> dict[str, np.ndarray]:
        return parametrization.state() | stopping.state()

    work = _Climb(network, seeds, score, settings, parametrization, stopping)
    with CapturedSteps(work, capture_on(network.device) if is_fixed else None) as steps:
        for step in range(n_steps, settings.steps):
            if stopping.is_over(step):
                break
            steps.do(step)
            try:
                after_step(step + 1)
            except BaseException:
                saved.save(step + 1, everything())
                raise
            saved.save_sometimes(step + 1, everything)
    images = parametrization.finished()
    margin, end = settings.margin_px, images.shape[-1] - settings.margin_px
    return images[..., margin:end, margin:end]


class _Climb:
    """Steps of gradient ascent: from the images to the score, back, and a step up."""

    def __init__(
        self,
        network: Network,
        seeds: Sequence[int],
        score: Score,
        settings: SyntheticSettings,
        parametrization: Parametrization,
        stopping: Stopping,
    ) -> None:
        self.score, self.settings = score, settings
        self.parametrization, self.stopping = parametrization, stopping
        self.input_px = network.input_px
        geometry = settings.jitter_px, settings.scales, settings.rotate_deg, settings.pad_px
        many = settings.steps, settings.image_px, network.device
        self.moved: DrawnLucid | DrawnTransforms
        if settings.transforms == "lucid":
            self.moved = DrawnLucid(LucidTransforms(*geometry), seeds[0], *many)
        else:
            self.moved = DrawnTransforms(Transforms(*geometry), seeds, *many)
        widths = gradient_widths(settings.priors.gradient_blur, settings.steps)
        self.widths = widths.to(network.device)
        self.width = torch.zeros_like(self.widths[0])

    def form(self, step: int) -> Hashable | None:
        """Return which operations a step consists of; see ``Parametrization.form``."""
        own = self.parametrization.form(step)
        if own is None:
            return None
        return own, self.moved.form(step), step < self.settings.redirected_steps

    def prepare(self, step: int) -> None:
        """Write the tensors that depend on the step."""
        self.parametrization.prepare(step)
        self.moved.prepare(step)
        self.width.copy_(self.widths[step])

    def run(self, step: int) -> None:
        """Do a step."""
        parametrization, settings = self.parametrization, self.settings
        held = self.stopping.copy(parametrization)
        images = parametrization.images()
        filtered = partial(filter_gradient, priors=settings.priors, width=self.width)
        images.register_hook(filtered)  # type: ignore[no-untyped-call]
        views = parametrization.views(images, step)
        seen = self._seen(images) if views is None else views
        with RedirectedRelus() if step < settings.redirected_steps else nullcontext():
            loss = -self.score(seen, images).sum()
        gradients = torch.autograd.grad(loss, parametrization.parameters)
        for parameter, gradient in zip(parametrization.parameters, gradients, strict=True):
            parameter.grad = gradient
        parametrization.update(step)
        self.stopping.hold(parametrization, held)
        self.stopping.watch(gradients)

    def tensors(self) -> list[torch.Tensor]:
        """Return everything that a step changes."""
        every = self.parametrization.tensors() | self.stopping.tensors()
        return list(every.values())

    def _seen(self, images: torch.Tensor) -> torch.Tensor:
        """Return the images shifted, scaled, rotated and resized for the network."""
        moved = self.moved(images)
        return resize(moved, round(moved.shape[-1] * self.input_px / self.settings.kept_px))


class _Score:
    """Objective of each goal: mean activation minus diversity term and penalties."""

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
        in_16_bits = network.precision == "bf16" and is_waited_for(device)
        self.factors = torch.bfloat16 if in_16_bits else torch.float32
        # Each of n diverse images has weight 1 / n; a plain one has weight 1, as if it were alone.
        shares = [1 / self.n_diverse] * self.n_diverse + [1.0] * settings.plain_per_pole
        self.shares = torch.tensor(shares, device=device)
        own = [goal.diversity_weight for goal in goals]
        weights = [settings.diversity_weight if weight is None else weight for weight in own]
        self.wants_diversity = any(weights) and self.n_diverse > 1
        self.signs = torch.tensor([goal.sign / goal.scale for goal in goals], device=device)
        self.weights = torch.tensor(weights, device=device)
        channels: dict[str, set[int]] = {}
        for goal in goals:
            channels.setdefault(network.layer(goal.unit.layer).name, set()).add(goal.unit.channel)
        # Diversity is computed from all channels of a layer, a unit from those of its branch.
        whole = {name: network.layer(name) for name in channels}
        holding = {name: layer.holding(channels[name]) for name, layer in whole.items()}
        self.layers = whole if self.wants_diversity else holding
        self.runs = list(self._runs(goals))

    def _runs(self, goals: Sequence[Goal]) -> Iterator[tuple[Layer, slice, torch.Tensor]]:
        """Yield consecutive goals of one layer: it, their places, and which channel each has."""
        layers = [self.layers[self.network.layer(goal.unit.layer).name] for goal in goals]
        end = 0
        for layer, run in groupby(layers):
            start, end = end, end + len(list(run))
            channels = list(chain(*(branch.channels for branch in layer.branches)))
            own = [[c == goal.unit.channel for c in channels] for goal in goals[start:end]]
            is_own = torch.tensor(own, device=self.network.device)
            yield layer, slice(start, end), is_own[:, None, None, :, None, None]

    def __call__(self, seen: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        # For the images x_1 ... x_n of a goal, with a sign s (1 for max, -1 for min), a scale c, a
        # diversity weight w and the penalties P:
        #   J = (1 / n) sum_i [s a(x_i) / c - P(x_i)] - w similarity(x_1 ... x_n)
        maps = self.network.maps(seen, list(self.layers.values()), self.activation.side)
        gains = []
        for layer, places, is_own in self.runs:
            # Goals x images x views x channels x height x width. Gradients of indexing would be
            # sorted on CUDA, to be the same each time; a sum over zeros and one channel is exact.
            grouped = self._grouped(maps[layer.name].float())[places]
            chosen = torch.where(is_own, grouped, 0).sum(3)
            activations = reduce_map(chosen, self.activation.reduction).mean(2)
            worth = self.signs[places] * (activations * self.shares).sum(1)
            if self.wants_diversity:
                diverse = grouped[:, : self.n_diverse].movedim(2, 3)
                alike = similarity(diverse, self.factors)
                worth = worth - self.weights[places] * alike
            gains.append(worth)
        penalties = penalty(images, self.priors).reshape(self.n_goals, self.n_images)
        return torch.cat(gains) - (penalties * self.shares).sum(1)

    def _grouped(self, of_views: torch.Tensor) -> torch.Tensor:
        return of_views.reshape(self.n_goals, self.n_images, -1, *of_views.shape[1:])
