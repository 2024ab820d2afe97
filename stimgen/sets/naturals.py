"""Save the natural images of a set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stimgen.png import save_png
from stimgen.sets.exemplars import Exemplar
from stimgen.sets.manifest import Picture
from stimgen.settings import ImagesSettings
from stimgen.sweeps.device_decoder import DeviceDecoder
from stimgen.sweeps.images import ImageSource
from stimgen.sweeps.prefetch import prefetch
from stimgen.sweeps.reading import Pixels, read_pictures
from unitscope.errors import BadInput
from unitscope.vocabulary import Unit


def save_naturals(
    source: ImageSource,
    settings: ImagesSettings,
    chosen: Sequence[tuple[Unit, Exemplar]],
    folder: Path,
    decoder: DeviceDecoder | None = None,
) -> list[Picture]:
    """Save the images that a set's folder lacks and return all of them.

    Parameters
    ----------
    source, settings
        Which images, and how they are cropped.
    chosen
        Units with their images.
    folder
        Of the set.
    decoder
        What decoded the images for the sweep, where a device did.

    Raises
    ------
    BadInput
        If an image can be read no longer.
    """
    pictures = [
        Picture(unit, "natural", e.pole, e.rank, e.batch, source.name(e.index))
        for unit, e in chosen
    ]
    files: dict[int, list[Path]] = {}
    for (_, exemplar), picture in zip(chosen, pictures, strict=True):
        file = folder / picture.path
        if not file.exists():
            files.setdefault(exemplar.index, []).append(file)

    def save(found: tuple[int, Pixels | str]) -> None:
        index, pixels = found
        if isinstance(pixels, str):
            raise BadInput(f"an image could be read before, but not now: {pixels}")
        shown = pixels if isinstance(pixels, np.ndarray) else pixels.cpu().numpy()
        for file in files[index]:
            save_png(shown, file)

    for _ in prefetch(save, read_pictures(source, settings, files, decoder)):
        pass
    return pictures
