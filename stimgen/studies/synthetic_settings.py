"""Settings of feature visualizations: method, optimisation, stopping and search."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from stimgen.studies.prior_settings import PriorSettings
from unitscope.bounds import at_least, between


@dataclass(frozen=True)
class GeneratorSettings:
    """Images that a generator network makes from an optimised code (method ``generator``).

    Parameters
    ----------
    factory
        ``package.module:function`` that returns the module, which maps images x code to
        images x 3 x height x width in 0..1.
    checkpoint
        State dict to load into it, relative to the settings file; nothing is loaded if None.
    code_shape
        Shape of one image's code; the module's own ``code_shape`` if empty.
    code_sd
        Standard deviation of the code's elements over natural images; the module's own ``code_sd``
        if None. Codes are not bounded if the module has none either.
    bound_sd
        Codes stay between 0 and this many standard deviations.
    first_step, last_step
        Step length, which decreases linearly; the gradient is divided by its mean absolute value.
    shrink
        Factor by which codes are multiplied after each step.
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
        Largest number of natural images, evenly spaced over the source, for the mean spectrum.
    learning_rate
        Learning rate of NAdam.
    crops
        Number of random crops of an image in each step.
    first_side, last_side
        Mean side of the crops in the first and in the last step, relative to the image's.
    noise_sd
        Standard deviation of the noise added to the crops' pixels, which are in 0..1.
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
    """Early stopping, once the norm of the gradient no longer changes.

    Parameters
    ----------
    at_least
        Smallest number of steps.
    window
        Number of steps over which the norm is averaged.
    tolerance
        Largest relative change from one window to the next that counts as no change.
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

    It finds the largest weight at which even the least activating rendered image activates the unit
    further than every natural image does.

    Parameters
    ----------
    lowest, decades
        Weights tried first: ``lowest`` times 10**0, 10**1, ... 10**``decades``.
    steps
        Number of bisections, on a logarithmic scale, of the decade at whose lower end the images
        still beat the natural ones.
    """

    lowest: float = 0.01
    decades: int = 5
    steps: int = 7

    def __post_init__(self) -> None:
        at_least(1e-12, lowest=self.lowest)
        at_least(0, decades=self.decades, steps=self.steps)

    @property
    def bracket(self) -> tuple[float, ...]:
        """Weights that are tried first, in ascending order, beginning with 0."""
        return (0.0, *(self.lowest * 10.0**power for power in range(self.decades + 1)))


@dataclass(frozen=True)
class SyntheticSettings:
    """Feature visualizations.

    Parameters
    ----------
    method
        Parametrization of the images: ``fourier``, a spectrum in decorrelated colour; ``pixels``;
        ``generator``, the code of a generator network; ``maco``, phases only.
    generator, maco
        Settings of the methods with these names.
    per_pole, plain_per_pole
        Number of images per unit and pole (0 for none), and how many of these are excluded from
        the diversity term.
    further_per_pole
        Numbers of further images per unit and pole, such as [4] for trials that show four: those of
        a number are optimised together, apart from the others, so that diversity acts among them.
    steps, learning_rate
        Number of steps, the largest number if ``stop`` is given, and Adam's learning rate.
    stop
        Early stopping; none if None.
    image_px, margin_px
        Side of the optimised image, and the margin cut from each side at the end. The remainder
        is resized to the images' ``crop_px``.
    start_sd, decay
        Standard deviation of the starting spectrum, and exponent of the 1/f**decay scaling.
    colours
        Whose colours method ``fourier`` decorrelates: those of ``imagenet``, or of the ``demo``'s
        images, which have more hue and less contrast.
    transforms
        ``per_image``: each image of a step is shifted, scaled and rotated by a draw of its own, in
        one resampling, grey outside; ``lucid``: all images of a unit and pole by the same draw, as
        in Lucid, see :mod:`stimgen.visualization.lucid_transforms`.
    pad_px
        Width of the grey border added at each side before the image is shifted.
    jitter_px
        Range of the shifts before and after scaling and rotating.
    scales
        Scale factors, one of which is drawn in each step.
    rotate_deg
        Largest rotation in either direction, in whole degrees.
    activation_unit
        Whether activation is divided by the unit's standard deviation over the natural images
        (``sd``), which makes weights comparable between units, or not (``raw``).
    diversity_weight
        Weight of the images' similarity, which is subtracted from their mean activation.
    search
        Search for that weight, for each unit and pole; none if None.
    priors
        Penalties and filters that keep images natural.
    redirected_steps
        Number of first steps in which gradients pass through ReLUs, or ReLU6s, that would block
        them.
    batch
        Largest number of images optimised together; those of one unit and pole stay together, and
        with ``transforms: lucid`` are a batch of their own.
    """

    method: Literal["fourier", "pixels", "generator", "maco"] = "fourier"
    generator: GeneratorSettings = field(default_factory=GeneratorSettings)
    maco: MacoSettings = field(default_factory=MacoSettings)
    per_pole: int = 9
    plain_per_pole: int = 0
    further_per_pole: tuple[int, ...] = ()
    steps: int = 512
    learning_rate: float = 0.05
    stop: StopSettings | None = None
    image_px: int = 256
    margin_px: int = 16
    start_sd: float = 0.01
    decay: float = 1.0
    colours: Literal["imagenet", "demo"] = "imagenet"
    transforms: Literal["per_image", "lucid"] = "per_image"
    pad_px: int = 0
    jitter_px: tuple[int, int] = (16, 8)
    scales: tuple[float, ...] = (1.0, 0.975, 1.025, 0.95, 1.05)
    rotate_deg: int = 5
    activation_unit: Literal["sd", "raw"] = "sd"
    diversity_weight: float = 0.2
    search: SearchSettings | None = None
    priors: PriorSettings = field(default_factory=PriorSettings)
    redirected_steps: int = 16
    batch: int | None = None

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
        if self.transforms == "lucid":
            first = self.image_px + 2 * self.pad_px - self.jitter_px[0]
            least = int(min(self.scales) * first) - self.jitter_px[1]
            if least < 32:
                raise ValueError(
                    f"the smallest of scales, {min(self.scales):g}, leaves {least} px of image_px "
                    f"{self.image_px} with transforms 'lucid', expected 32 or more"
                )
        if self.plain_per_pole and self.plain_per_pole >= self.per_pole:
            raise ValueError(
                f"plain_per_pole is {self.plain_per_pole}, expected less than per_pole, "
                f"which is {self.per_pole}"
            )
        at_least(1, **{f"further_per_pole[{i}]": n for i, n in enumerate(self.further_per_pole)})
        if self.further_per_pole and (self.plain_per_pole or not self.per_pole):
            raise ValueError(
                "further_per_pole adds to per_pole, and there are no plain images among them; "
                "expected per_pole above 0 and plain_per_pole 0"
            )
        if self.priors.blur and self.method not in ("fourier", "pixels"):
            raise ValueError(
                f"priors.blur changes an image's pixels or spectrum: method {self.method!r} has "
                "neither; remove it, or use priors.gradient_blur"
            )

    @property
    def kept_px(self) -> int:
        """Side of the image without its margin."""
        return self.image_px - 2 * self.margin_px

    @property
    def needs_sweep(self) -> bool:
        """Whether the units' activations over the natural images are needed."""
        return self.per_pole > 0 and (self.activation_unit == "sd" or self.search is not None)

    @property
    def longest(self) -> int:
        """Largest number of steps for an image, over all optimisations of a search."""
        if self.search is None:
            return self.steps
        return self.steps * (len(self.search.bracket) + self.search.steps)
