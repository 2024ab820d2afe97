"""The methods by which feature visualizations are made, by the names that settings give them."""

from __future__ import annotations

from stimgen.fourier import FourierImages
from stimgen.images import ImageSource
from stimgen.networks import Network
from stimgen.parametrization import Start
from stimgen.pixels import PixelImages
from stimgen.settings import ImagesSettings
from stimgen.synthetic_settings import SyntheticSettings


def open_method(
    settings: SyntheticSettings,
    network: Network,
    source: ImageSource | None = None,
    images: ImagesSettings | None = None,
) -> Start:
    """Return what starts images by the settings' method.

    What a method reads (a generator's weights, the natural images' mean spectrum) is read here,
    once.

    Parameters
    ----------
    settings
        Name the method.
    network
        Which the images are for; gives the device.
    source, images
        The natural images and how they are cropped, for methods that take their statistics.

    Raises
    ------
    BadInput
        If the method lacks something that it needs.
    """
    if settings.method == "pixels":
        return lambda seeds: PixelImages(
            seeds,
            settings.image_px,
            start_sd=settings.start_sd,
            learning_rate=settings.learning_rate,
            device=network.device,
        )
    return lambda seeds: FourierImages(
        seeds,
        settings.image_px,
        start_sd=settings.start_sd,
        decay=settings.decay,
        learning_rate=settings.learning_rate,
        device=network.device,
    )
