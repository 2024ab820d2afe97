"""What settings are measured on: the demo's network, or one that was trained on photographs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.feature_visualization.demo_units import DemoUnits
from benchmarks.feature_visualization.measured_units import MeasuredUnits
from benchmarks.feature_visualization.naming import (
    DEMO_FEATURES,
    IMAGENET_FEATURES,
    Observer,
    colours_and_edges,
)
from benchmarks.feature_visualization.photograph_crops import installed_photographs, photographs_in
from benchmarks.feature_visualization.photograph_units import PhotographUnits
from unitscope.errors import BadInput
from unitscope.settings import read_yaml
from unitscope.vocabulary import Unit

TUNED = {"demo": (40, 1), "photographs": (42, 1)}
"""Number and seed of the units on which settings were tuned, by subject."""
HELD_OUT = {"demo": (160, 2), "photographs": (120, 2)}
"""Of the other units on which they were tested."""


@dataclass(frozen=True)
class Subject:
    """Units, observers that name them, and how their images are rendered.

    Parameters
    ----------
    units
        The units.
    observers
        Those that know nothing of the units' network, by name.
    tried
        Settings by name.
    choose
        Chooses some of the units for a sheet.
    units_a_row, images_shown, image_px
        How many units are side by side there, how many images of each kind, and how large.
    """

    units: MeasuredUnits
    observers: Mapping[str, Observer]
    tried: Mapping[str, Mapping[str, Any]]
    choose: Callable[[MeasuredUnits], Sequence[Unit]]
    units_a_row: int = 1
    images_shown: int = 2
    image_px: int = 64

    @cached_property
    def shown(self) -> Sequence[Unit]:
        """The units of a sheet."""
        return self.choose(self.units)


def tried(subject: str) -> dict[str, dict[str, Any]]:
    """Return the settings that were tried on ``demo`` or ``photographs``, by name."""
    return read_yaml(Path(__file__).with_name(f"tried_on_{subject}.yaml"))


def demo(held_out: bool, imagenet: bool) -> Subject:
    """Return the demo's network; EfficientNet-Lite0 can name its units, too."""
    units = DemoUnits(*TUNED["demo"])
    if held_out:
        units = DemoUnits(*HELD_OUT["demo"], without=units.drawn)
    observers = {"colours and edges": Observer(units, colours_and_edges)}
    if imagenet:
        observers["ImageNet"] = Observer(units, IMAGENET_FEATURES, centred=True)
    return Subject(units, observers, tried("demo"), _first_ten)


def photographs(held_out: bool, folders: Sequence[Path]) -> Subject:
    """Return EfficientNet-Lite0 with photographs, by default those of installed packages.

    Raises
    ------
    BadInput
        If there are none.
    """
    files = tuple(photographs_in(folders) if folders else installed_photographs())
    if not files:
        raise BadInput("no photographs in scikit-image, PsychoPy or Matplotlib; give a folder")
    units = PhotographUnits(*TUNED["photographs"], files=files)
    if held_out:
        units = PhotographUnits(*HELD_OUT["photographs"], without=units.drawn, files=files)
    observers = {
        "colours and edges": Observer(units, colours_and_edges),
        "demo's network": Observer(units, DEMO_FEATURES, centred=True),
    }
    return Subject(units, observers, tried("photographs"), _of_all_depths, 2, 1, 160)


def _first_ten(units: MeasuredUnits) -> Sequence[Unit]:
    return units.units[:10]


def _of_all_depths(units: MeasuredUnits) -> list[Unit]:
    """Return the first four units each of early, middle and late layers, in order of layers."""
    n = len(units.layers)
    depths = units.layers[: n // 3], units.layers[n // 3 : -(n // 3)], units.layers[-(n // 3) :]
    found = [[unit for unit in units.units if unit.layer in depth][:4] for depth in depths]
    return sorted(
        (unit for some in found for unit in some),
        key=lambda unit: (units.layers.index(unit.layer), unit.channel),
    )
