"""Settings of feature visualizations: method, optimisation, priors, stopping and search."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from stimgen.bounds import at_least


@dataclass(frozen=True)
class GeneratorSettings:
    """Images that a generator network draws from an optimised code (method ``generator``)."""


@dataclass(frozen=True)
class MacoSettings:
    """Images of which only the phase is optimised (method ``maco``)."""


@dataclass(frozen=True)
class SyntheticSettings:
    """Feature visualizations.

    Parameters
    ----------
    method
        What images are made of: ``fourier``, a spectrum in decorrelated colour; ``pixels``;
        ``generator``, a code from which a generator network draws; ``maco``, phases only.
    generator, maco
        Of the methods of these names.
    per_pole
        Images a unit gets at each pole; 0 makes none.
    steps, learning_rate
        Length of the optimisation and Adam's learning rate.
    image_px, margin_px
        Side of the optimised image, and what is cut from each side of it at the end. What
        remains is brought to ``crop_px`` of the images if it differs.
    start_sd, decay
        Spread of the starting spectrum, and power of the frequency by which it is damped.
    jitter_px
        Largest shift before and after scaling and rotating.
    scales
        Scales drawn from.
    rotate_deg
        Largest rotation to either side, in whole degrees.
    activation_unit
        Whether activation counts in standard deviations over the natural images (``sd``), which
        makes the weights below comparable between units, or as it is (``raw``).
    diversity_weight, total_variation_weight
        Weights of what is subtracted from the mean activation of a unit's images.
    redirected_steps
        First steps in which gradients may pass a ReLU that lets none through.
    batch
        Most images optimised together; the images of one unit and pole are never parted.
    """

    method: Literal["fourier", "pixels", "generator", "maco"] = "fourier"
    generator: GeneratorSettings = field(default_factory=GeneratorSettings)
    maco: MacoSettings = field(default_factory=MacoSettings)
    per_pole: int = 9
    steps: int = 512
    learning_rate: float = 0.05
    image_px: int = 256
    margin_px: int = 16
    start_sd: float = 0.01
    decay: float = 1.0
    jitter_px: tuple[int, int] = (16, 8)
    scales: tuple[float, ...] = (1.0, 0.975, 1.025, 0.95, 1.05)
    rotate_deg: int = 5
    activation_unit: Literal["sd", "raw"] = "sd"
    diversity_weight: float = 0.2
    total_variation_weight: float = 0.0
    redirected_steps: int = 16
    batch: int = 36

    def __post_init__(self) -> None:
        at_least(0, per_pole=self.per_pole, margin_px=self.margin_px, start_sd=self.start_sd)
        at_least(0, rotate_deg=self.rotate_deg, redirected_steps=self.redirected_steps)
        at_least(0, **{f"jitter_px[{i}]": value for i, value in enumerate(self.jitter_px)})
        at_least(1, steps=self.steps, batch=self.batch)
        at_least(32 + 2 * self.margin_px + sum(self.jitter_px), image_px=self.image_px)
        if self.learning_rate <= 0 or not self.scales or min(self.scales) <= 0:
            raise ValueError("learning_rate and scales must be above 0")

    @property
    def kept_px(self) -> int:
        """Side of the image once its margin is cut."""
        return self.image_px - 2 * self.margin_px
