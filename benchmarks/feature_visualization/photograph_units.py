"""Units of EfficientNet-Lite0, measured by crops of photographs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.feature_visualization.measured_units import Images, MeasuredUnits
from benchmarks.feature_visualization.photograph_crops import Crops, crop_photographs
from stimgen.studies.build_settings import ActivationSettings


@dataclass(frozen=True)
class PhotographUnits(MeasuredUnits):
    """Channels of the first convolutions of its blocks, and of the last convolution.

    They are rectified and hardly ever active at all, so only pole max is rendered.

    Parameters
    ----------
    files
        Photographs.
    """

    files: tuple[Path, ...] = ()

    network_name = "stimgen.networks.efficientnet_lite:lite0"
    layers = (*(f"_blocks.{number}._expand_conv" for number in range(2, 15)), "_conv_head")
    activation = ActivationSettings(side="post")
    poles = ("max",)
    n_natural = 20
    per_photograph = 2
    goals_at_once = 6

    @property
    def natural(self) -> Images:
        """Crops of the photographs."""
        return self._crops.images

    @property
    def photographs(self) -> np.ndarray:
        """What they are crops of."""
        return self._crops.photographs

    @cached_property
    def _crops(self) -> Crops:
        return crop_photographs(self.files, self.network.input_px)
