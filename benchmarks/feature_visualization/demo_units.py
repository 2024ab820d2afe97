"""Units of the demo's network, measured by the demo's images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from benchmarks.feature_visualization.measured_units import Images, MeasuredUnits, settings_from
from stimgen.demo.demo_images import DemoImages
from stimgen.studies.build_settings import read
from stimgen.studies.synthetic_settings import SyntheticSettings
from unitscope.vocabulary import POLES


def demo_settings(changes: Mapping[str, Any] | None = None) -> SyntheticSettings:
    """Return how the demo's images are rendered, with other values of some keys.

    Examples
    --------
    >>> demo_settings({"steps": 3}).steps
    3
    """
    return settings_from({"preset": "demo", **(changes or {})}, "demo")


def _layers() -> tuple[str, ...]:
    shipped = read("demo").units.sample
    (demo,) = shipped if isinstance(shipped, tuple) else (shipped,)
    assert demo is not None
    return demo.layers


@dataclass(frozen=True)
class DemoUnits(MeasuredUnits):
    """Units of the layers that the demo takes its own from.

    Parameters
    ----------
    n_images
        Number of natural images.
    """

    n_images: int = 3000

    network_name = "demo"
    layers = _layers()
    activation = read("demo").activation
    poles = POLES
    n_natural = 60
    per_photograph = 1
    goals_at_once = 18

    @cached_property
    def natural(self) -> Images:
        """Drawn images."""
        source = DemoImages(self.n_images, size_px=self.network.input_px)
        return [source.pixels(i) for i in range(len(source))]

    @cached_property
    def photographs(self) -> np.ndarray:
        """Each image is one of its own."""
        return np.arange(self.n_images)
