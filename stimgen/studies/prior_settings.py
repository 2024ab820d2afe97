"""Settings of the priors that keep optimised images natural."""

from __future__ import annotations

from dataclasses import dataclass

from unitscope.bounds import at_least


@dataclass(frozen=True)
class PatchColourSettings:
    """Penalty on patch colours that differ from those of photographs.

    Parameters
    ----------
    weight
        Weight of the penalty.
    patch_px
        Side of the patches.
    mean, mean_sd
        Mean red, green and blue of photographs' patches, in 0..1 (default: ImageNet's), and the
        standard deviation of these means between patches.
    sd, sd_sd
        Standard deviation within photographs' patches, and how much it varies between patches.
    """

    weight: float
    patch_px: int = 16
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    mean_sd: float = 0.22
    sd: float = 0.09
    sd_sd: float = 0.08

    def __post_init__(self) -> None:
        at_least(0, weight=self.weight)
        at_least(2, patch_px=self.patch_px)
        at_least(1e-3, mean_sd=self.mean_sd, sd_sd=self.sd_sd)


@dataclass(frozen=True)
class BlurSettings:
    """Gaussian blur of the images by ``sd_px`` after every ``every`` steps."""

    sd_px: float
    every: int = 1

    def __post_init__(self) -> None:
        at_least(0, sd_px=self.sd_px)
        at_least(1, every=self.every)

    def is_due(self, step: int) -> bool:
        """Return whether images are blurred after a step (from 0)."""
        return (step + 1) % self.every == 0


@dataclass(frozen=True)
class GradientBlurSettings:
    """Gaussian blur of the gradient with respect to the images, in the first and last step."""

    first_sd_px: float
    last_sd_px: float = 0.0

    def __post_init__(self) -> None:
        at_least(0, first_sd_px=self.first_sd_px, last_sd_px=self.last_sd_px)


@dataclass(frozen=True)
class PriorSettings:
    """Priors that keep images natural, in addition to the parametrization; all can be combined.

    Parameters
    ----------
    total_variation, high_frequency, l2, l6, patch_colour
        Weights of the penalties, in units of activation; see :mod:`stimgen.visualization.priors`.
    blur
        Blur of the images.
    gradient_blur
        Blur of the gradient.
    gradient_octaves
        Number of octaves in which the gradient is normalised to equal strength; 0 for none.
    """

    total_variation: float = 0.0
    high_frequency: float = 0.0
    l2: float = 0.0
    l6: float = 0.0
    patch_colour: PatchColourSettings | None = None
    blur: BlurSettings | None = None
    gradient_blur: GradientBlurSettings | None = None
    gradient_octaves: int = 0

    def __post_init__(self) -> None:
        at_least(0, total_variation=self.total_variation, high_frequency=self.high_frequency)
        at_least(0, l2=self.l2, l6=self.l6, gradient_octaves=self.gradient_octaves)
