"""Units of the demo's network, their natural images, and feature visualizations of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stimgen.demo.demo_images import DemoImages
from stimgen.networks.network import Network
from stimgen.networks.preprocessing import resize, to_8bit, to_tensor
from stimgen.networks.registry import load_network
from stimgen.seeds import seed_of
from stimgen.sets.units import choose_units
from stimgen.studies.build_settings import (
    SampleSettings,
    UnitsSettings,
    find_settings,
    read,
    with_preset,
)
from stimgen.studies.synthetic_settings import SyntheticSettings
from stimgen.visualization.ascend import ascend
from stimgen.visualization.goals import Goal
from unitscope.settings import build
from unitscope.vocabulary import POLES, Unit

Images = list[np.ndarray]
Made = dict[tuple[Unit, str], Images]
"""Images of each unit and pole, 8 bit, of the size that the network sees."""

_GOALS_AT_ONCE = 18
_IMAGES_AT_ONCE = 100


def demo_settings(changes: Mapping[str, Any] | None = None) -> SyntheticSettings:
    """Return how the demo's images are rendered, with other values of some keys.

    Examples
    --------
    >>> demo_settings({"steps": 3}).steps
    3
    """
    asked = {"preset": "demo", **(changes or {})}
    return build(SyntheticSettings, with_preset(asked, "demo"), "demo")


@dataclass(frozen=True)
class DemoUnits:
    """Units of the layers that the demo takes its own from, drawn at random.

    Parameters
    ----------
    n, seed
        Number of units, and what they are drawn from.
    n_images
        Number of natural images.
    without
        Units that are not taken.
    """

    n: int
    seed: int
    n_images: int = 3000
    without: tuple[Unit, ...] = ()

    @cached_property
    def network(self) -> Network:
        """The demo's network."""
        return load_network("demo")

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """The units: a random channel of a random branch of a random layer."""
        shipped = read("demo").units.sample
        (demo,) = shipped if isinstance(shipped, tuple) else (shipped,)
        assert demo is not None
        sample = SampleSettings(self.n, demo.layers, tuple(unit.name for unit in self.without))
        wanted = UnitsSettings(sample=sample)
        return choose_units(self.network, wanted, self.seed, find_settings("demo").parent).units

    @cached_property
    def natural(self) -> Images:
        """Natural images, of the size that the network sees."""
        source = DemoImages(self.n_images, size_px=self.network.input_px)
        return [source.pixels(i) for i in range(len(source))]

    @cached_property
    def activations(self) -> dict[Unit, np.ndarray]:
        """Each unit's activation by the natural images."""
        return self.activations_of(self.natural)

    def activations_of(self, images: Images) -> dict[Unit, np.ndarray]:
        """Return each unit's activation by some images."""
        layers = list(dict.fromkeys(unit.layer for unit in self.units))
        kind = read("demo").activation
        values = np.concatenate(
            [
                self.network.activations(
                    to_tensor(images[start : start + _IMAGES_AT_ONCE]),
                    layers,
                    kind.side,
                    kind.reduction,
                ).numpy()
                for start in range(0, len(images), _IMAGES_AT_ONCE)
            ]
        )
        channels = [
            (layer, channel)
            for layer in layers
            for branch in self.network.layer(layer).branches
            for channel in branch.channels
        ]
        return {unit: values[:, channels.index((unit.layer, unit.channel))] for unit in self.units}

    def extremes(self, unit: Unit, pole: str, n: int) -> Images:
        """Return the natural images that activate a unit most or least, the extreme one first."""
        return [self.natural[i] for i in self.which_extremes(unit, pole, n)]

    def which_extremes(self, unit: Unit, pole: str, n: int) -> np.ndarray:
        """Return the indices of these images."""
        order = np.argsort(self.activations[unit], kind="stable")
        extremes: np.ndarray = (order[::-1] if pole == "max" else order)[:n]
        return extremes

    def render(self, settings: SyntheticSettings, n: int, poles: Sequence[str] = POLES) -> Made:
        """Return n feature visualizations of each unit and pole."""
        made: Made = {}
        kind = read("demo").activation
        for layer in dict.fromkeys(unit.layer for unit in self.units):
            own = [unit for unit in self.units if unit.layer == layer]
            goals = [self._goal(unit, pole, n) for unit in own for pole in poles]
            for start in range(0, len(goals), _GOALS_AT_ONCE):
                some = goals[start : start + _GOALS_AT_ONCE]
                images = ascend(self.network, some, settings, kind)[:, :, :3]
                for goal, group in zip(some, images, strict=True):
                    shown = resize(group, self.network.input_px)
                    made[goal.unit, goal.pole] = to_8bit(shown)
        return made

    def _goal(self, unit: Unit, pole: str, n: int) -> Goal:
        seeds = tuple(seed_of(self.seed, unit.name, pole, i) for i in range(n))
        return Goal(unit, pole, seeds, scale=float(self.activations[unit].std()))
