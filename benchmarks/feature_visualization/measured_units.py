"""Units of a network, the natural images they are measured by, and feature visualizations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from stimgen.networks.network import Network
from stimgen.networks.preprocessing import resize, to_8bit, to_tensor
from stimgen.networks.registry import load_network
from stimgen.seeds import seed_of
from stimgen.sets.units import sample_units
from stimgen.studies.build_settings import (
    ActivationSettings,
    SampleSettings,
    with_preset,
)
from stimgen.studies.synthetic_settings import SyntheticSettings
from stimgen.visualization.ascend import ascend
from stimgen.visualization.goals import Goal
from unitscope.settings import build
from unitscope.vocabulary import Unit

Images = list[np.ndarray]
Made = dict[tuple[Unit, str], Images]
"""Images of each unit and pole, 8 bit, of the size that the network sees."""

_IMAGES_AT_ONCE = 50


@dataclass(frozen=True)
class MeasuredUnits(ABC):
    """Units drawn at random from some layers of a network.

    Parameters
    ----------
    n, seed
        Number of units, and what they are drawn from.
    without
        Units that are not taken.
    """

    n: int
    seed: int
    without: tuple[Unit, ...] = ()

    network_name: ClassVar[str]
    layers: ClassVar[tuple[str, ...]]
    activation: ClassVar[ActivationSettings]
    poles: ClassVar[tuple[str, ...]]
    """Poles that are rendered."""
    n_natural: ClassVar[int]
    """Number of natural images of each unit and pole to which synthetic ones are compared."""
    per_photograph: ClassVar[int]
    """How many of these may be crops of one photograph."""
    goals_at_once: ClassVar[int]

    @property
    @abstractmethod
    def natural(self) -> Images:
        """Natural images, of the size that the network sees."""

    @property
    @abstractmethod
    def photographs(self) -> np.ndarray:
        """For each natural image the number of the photograph that it is a crop of."""

    @cached_property
    def network(self) -> Network:
        """The network of the units."""
        return load_network(self.network_name)

    @cached_property
    def drawn(self) -> tuple[Unit, ...]:
        """A random channel of a random branch of a random layer, ``n`` times."""
        exclude = tuple(unit.name for unit in self.without)
        return sample_units(self.network, SampleSettings(self.n, self.layers, exclude), self.seed)

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """Those of them that natural images activate differently."""
        return tuple(unit for unit in self.drawn if np.ptp(self.activations[unit]) > 0)

    @cached_property
    def activations(self) -> dict[Unit, np.ndarray]:
        """Each drawn unit's activation by the natural images."""
        return self.activations_of(self.natural)

    def activations_of(self, images: Images) -> dict[Unit, np.ndarray]:
        """Return each unit's activation by some images."""
        layers = list(dict.fromkeys(unit.layer for unit in self.drawn))
        kind = self.activation
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
        return {unit: values[:, channels.index((unit.layer, unit.channel))] for unit in self.drawn}

    def extremes(
        self, unit: Unit, pole: str, n: int, among: Collection[int] | None = None
    ) -> Images:
        """Return the natural images that activate a unit most or least, the extreme one first."""
        return [self.natural[i] for i in self.which_extremes(unit, pole, n, among)]

    def which_extremes(
        self, unit: Unit, pole: str, n: int, among: Collection[int] | None = None
    ) -> np.ndarray:
        """Return the indices of these images, of some photographs only if these are given."""
        order = np.argsort(self.activations[unit], kind="stable")
        found: list[int] = []
        taken: dict[int, int] = {}
        for i in order[::-1] if pole == "max" else order:
            photograph = int(self.photographs[i])
            taken[photograph] = taken.get(photograph, 0) + 1
            if taken[photograph] <= self.per_photograph and (not among or photograph in among):
                found.append(i)
            if len(found) == n:
                break
        return np.array(found)

    def most_extreme(self, n: int) -> Made:
        """Return these images of each unit and pole that is rendered."""
        return {
            (unit, pole): self.extremes(unit, pole, n) for unit in self.units for pole in self.poles
        }

    def render(
        self, settings: SyntheticSettings, n: int, poles: Sequence[str] | None = None
    ) -> Made:
        """Return n feature visualizations of each unit and pole."""
        made: Made = {}
        for layer in dict.fromkeys(unit.layer for unit in self.units):
            own = [unit for unit in self.units if unit.layer == layer]
            goals = [self._goal(unit, pole, n) for unit in own for pole in poles or self.poles]
            for start in range(0, len(goals), self.goals_at_once):
                some = goals[start : start + self.goals_at_once]
                images = ascend(self.network, some, settings, self.activation)[:, :, :3]
                for goal, group in zip(some, images, strict=True):
                    shown = resize(group, self.network.input_px)
                    made[goal.unit, goal.pole] = to_8bit(shown)
        return made

    def _goal(self, unit: Unit, pole: str, n: int) -> Goal:
        seeds = tuple(seed_of(self.seed, unit.name, pole, i) for i in range(n))
        return Goal(unit, pole, seeds, scale=float(self.activations[unit].std()))


def settings_from(asked: Mapping[str, Any], where: str) -> SyntheticSettings:
    """Return settings from their keys, one of which may be ``preset``.

    Examples
    --------
    >>> settings_from({"preset": "demo", "steps": 3}, "an example").steps
    3
    """
    return build(SyntheticSettings, with_preset(dict(asked), where), where)
