"""Settings of feature visualizations: method, optimisation, stopping and search."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from stimgen.studies.prior_settings import PriorSettings
from unitscope.bounds import at_least, between


@dataclass(frozen=True)
class GeneratorSettings:
    """Images that a generator network draws from an optimised code (method ``generator``).

    Parameters
    ----------
    factory
        ``package.module:function``: makes the module that takes images x code and puts out
        images x 3 x height x width in 0..1.
    checkpoint
        State dict to load into it, relative to the settings file; none if None.
    code_shape
        Shape of one image's code; the module's own ``code_shape`` if empty.
    code_sd
        Standard deviation of the code's elements over natural images; the module's own ``code_sd``
        if None. Codes are not bounded if it has none either.
    bound_sd
        Codes stay between 0 and this many standard deviations.
    first_step, last_step
        Step length, which falls linearly; the gradient is divided by its mean size.
    shrink
        What codes are multiplied with after each step.
    """

    factory: str = "stimgen.demo.generator:load_demo_generator"
    checkpoint: str | None = None
    code_shape: tuple[int, ...] = ()
    code_sd: float | None = None
    bound_sd: float = 3.0
    first_step: float = 8.0
    last_step: float = 1e-10
    shrink: float = 0.99

    def __post_init__(self) -> None:
        at_least(0, bound_sd=self.bound_sd, first_step=self.first_step, last_step=self.last_step)
        at_least(0, code_sd=self.code_sd)
        at_least(1, **{f"code_shape[{i}]": value for i, value in enumerate(self.code_shape)})
        if not 0 < self.shrink <= 1:
            raise ValueError(f"shrink is {self.shrink:g}, expected above 0, up to 1")


@dataclass(frozen=True)
class MacoSettings:
    """Images of which only the phase is optimised (method ``maco``).

    Parameters
    ----------
    n_images
        Natural images at most, evenly spread over the source, of which the mean spectrum is taken.
    learning_rate
        NAdam's.
    crops
        Random crops of an image in each step.
    first_side, last_side
        Mean side of the crops in the first and in the last step, relative to the image's.
    noise_sd
        Standard deviation of what is added to the crops' pixels, which are in 0..1.
    """

    n_images: int = 2000
    learning_rate: float = 1.0
    crops: int = 32
    first_side: float = 0.5
    last_side: float = 0.05
    noise_sd: float = 0.08

    def __post_init__(self) -> None:
        at_least(1, n_images=self.n_images, crops=self.crops)
        at_least(0, noise_sd=self.noise_sd)
        between(0.05, 1, first_side=self.first_side, last_side=self.last_side)
        if self.learning_rate <= 0:
            raise ValueError("learning_rate must be above 0")


@dataclass(frozen=True)
class StopSettings:
    """When an optimisation ends before its last step: once the gradient's norm has become flat.

    Parameters
    ----------
    at_least
        Steps that are made in any case.
    window
        Steps over which the norm is averaged.
    tolerance
        Largest change, relative, from one window to the next that counts as flat.
    """

    at_least: int = 2500
    window: int = 500
    tolerance: float = 0.02

    def __post_init__(self) -> None:
        at_least(1, window=self.window)
        at_least(2 * self.window, at_least=self.at_least)
        at_least(0, tolerance=self.tolerance)


@dataclass(frozen=True)
class SearchSettings:
    """Search for each unit's and pole's diversity weight.

    The largest weight is sought with which even the weakest of the images drives the unit
    further than every natural image does.

    Parameters
    ----------
    lowest, decades
        Weights tried first: the lowest, and that times ten as often as ``decades`` says.
    steps
        Halvings, on a logarithmic scale, of the decade at whose lower end the images still beat
        the natural ones.
    """

    lowest: float = 0.01
    decades: int = 5
    steps: int = 7

    def __post_init__(self) -> None:
        at_least(1e-12, lowest=self.lowest)
        at_least(0, decades=self.decades, steps=self.steps)

    @property
    def bracket(self) -> tuple[float, ...]:
        """Weights that are tried first, rising, after none at all."""
        return (0.0, *(self.lowest * 10.0**power for power in range(self.decades + 1)))


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
    per_pole, plain_per_pole
        Images a unit gets at each pole (0 makes none), and how many of these take no part in what
        the others gain by being diverse.
    steps, learning_rate
        Length of the optimisation, the greatest if ``stop`` is given, and Adam's learning rate.
    stop
        When to stop earlier; never if None.
    image_px, margin_px
        Side of the optimised image, and what is cut from each side of it at the end. What
        remains is brought to ``crop_px`` of the images if it differs.
    start_sd, decay
        Spread of the starting spectrum, and power of the frequency by which it is damped.
    pad_px
        Grey added at each side before the image is shifted.
    jitter_px
        Largest shift before and after scaling and rotating.
    scales
        Scales drawn from.
    rotate_deg
        Largest rotation to either side, in whole degrees.
    activation_unit
        Whether activation counts in standard deviations over the natural images (``sd``), which
        makes weights comparable between units, or as it is (``raw``).
    diversity_weight
        Weight of the images' likeness, which is subtracted from their mean activation.
    search
        How to find that weight for each unit and pole instead; not if None.
    priors
        What keeps images natural.
    redirected_steps
        First steps in which gradients may pass a ReLU that lets none through.
    batch
        Most images optimised together; the images of one unit and pole are never parted.
    """

    method: Literal["fourier", "pixels", "generator", "maco"] = "fourier"
    generator: GeneratorSettings = field(default_factory=GeneratorSettings)
    maco: MacoSettings = field(default_factory=MacoSettings)
    per_pole: int = 9
    plain_per_pole: int = 0
    steps: int = 512
    learning_rate: float = 0.05
    stop: StopSettings | None = None
    image_px: int = 256
    margin_px: int = 16
    start_sd: float = 0.01
    decay: float = 1.0
    pad_px: int = 0
    jitter_px: tuple[int, int] = (16, 8)
    scales: tuple[float, ...] = (1.0, 0.975, 1.025, 0.95, 1.05)
    rotate_deg: int = 5
    activation_unit: Literal["sd", "raw"] = "sd"
    diversity_weight: float = 0.2
    search: SearchSettings | None = None
    priors: PriorSettings = field(default_factory=PriorSettings)
    redirected_steps: int = 16
    batch: int = 36

    def __post_init__(self) -> None:
        at_least(0, per_pole=self.per_pole, plain_per_pole=self.plain_per_pole)
        at_least(0, margin_px=self.margin_px, pad_px=self.pad_px, start_sd=self.start_sd)
        at_least(0, rotate_deg=self.rotate_deg, redirected_steps=self.redirected_steps)
        at_least(0, **{f"jitter_px[{i}]": value for i, value in enumerate(self.jitter_px)})
        at_least(0, diversity_weight=self.diversity_weight)
        at_least(1, steps=self.steps, batch=self.batch)
        at_least(
            32 + 2 * self.margin_px + max(0, sum(self.jitter_px) - 2 * self.pad_px),
            image_px=self.image_px,
        )
        if self.learning_rate <= 0 or not self.scales or min(self.scales) <= 0:
            raise ValueError("learning_rate and scales must be above 0")
        if self.plain_per_pole and self.plain_per_pole >= self.per_pole:
            raise ValueError(
                f"plain_per_pole is {self.plain_per_pole}, expected less than per_pole, "
                f"which is {self.per_pole}"
            )
        if self.priors.blur and self.method not in ("fourier", "pixels"):
            raise ValueError(
                f"priors.blur changes a picture's pixels or spectrum: method {self.method!r} has "
                "neither; leave it out, or use priors.gradient_blur"
            )

    @property
    def kept_px(self) -> int:
        """Side of the image once its margin is cut."""
        return self.image_px - 2 * self.margin_px

    @property
    def needs_sweep(self) -> bool:
        """Whether it must be known how natural images drive the units."""
        return self.per_pole > 0 and (self.activation_unit == "sd" or self.search is not None)

    @property
    def longest(self) -> int:
        """Most steps that may be made for an image, all of a search's optimisations together."""
        if self.search is None:
            return self.steps
        return self.steps * (len(self.search.bracket) + self.search.steps)
