"""Parametrizations of feature visualizations, by the names of methods in the settings."""

from __future__ import annotations

import numpy as np

from stimgen.networks.network import Network
from stimgen.studies.synthetic_settings import SyntheticSettings
from stimgen.visualization.crops import Crops
from stimgen.visualization.fourier import FourierImages
from stimgen.visualization.generator_prior import Generator, GeneratorImages, load_generator
from stimgen.visualization.maco import MacoImages
from stimgen.visualization.parametrization import Start
from stimgen.visualization.pixels import PixelImages
from unitscope.errors import BadInput


def open_method(
    settings: SyntheticSettings,
    network: Network,
    *,
    generator: Generator | None = None,
    magnitude: np.ndarray | None = None,
) -> Start:
    """Return a function that starts the parametrization of the settings' method.

    Parameters
    ----------
    settings
        Settings with the method.
    network
        Network that the images are rendered for.
    generator
        Generator of method ``generator``; by default the one that the settings name.
    magnitude
        Magnitude spectrum of method ``maco``.

    Raises
    ------
    BadInput
        If the method lacks its generator or spectrum.

    Examples
    --------
    >>> from stimgen.networks.registry import load_network
    >>> start = open_method(SyntheticSettings(method="pixels"), load_network("demo"))
    >>> start([1, 2]).images().shape
    torch.Size([2, 3, 256, 256])
    """
    if settings.method == "generator":
        chosen = generator or load_generator(settings.generator, device=network.device)
        return lambda seeds: GeneratorImages(
            seeds,
            chosen,
            settings.generator,
            size_px=settings.image_px,
            steps=settings.steps,
            device=network.device,
        )
    if settings.method == "maco":
        return _maco(settings, network, magnitude)
    if settings.method == "pixels":
        return lambda seeds: PixelImages(
            seeds,
            settings.image_px,
            start_sd=settings.start_sd,
            learning_rate=settings.learning_rate,
            blur=settings.priors.blur,
            device=network.device,
        )
    return lambda seeds: FourierImages(
        seeds,
        settings.image_px,
        start_sd=settings.start_sd,
        decay=settings.decay,
        learning_rate=settings.learning_rate,
        blur=settings.priors.blur,
        colours=settings.colours,
        device=network.device,
    )


def _maco(settings: SyntheticSettings, network: Network, magnitude: np.ndarray | None) -> Start:
    if magnitude is None:
        raise BadInput("method 'maco' needs natural images, whose mean spectrum it uses")
    wanted = settings.maco
    crops = Crops(wanted.crops, (wanted.first_side, wanted.last_side), wanted.noise_sd)
    return lambda seeds: MacoImages(
        seeds,
        magnitude,
        steps=settings.steps,
        crops=crops,
        input_px=network.input_px,
        learning_rate=wanted.learning_rate,
        device=network.device,
    )
