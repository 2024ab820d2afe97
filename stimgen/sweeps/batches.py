"""The images of a source in batches, decoded in parallel and cropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from tqdm import tqdm

from stimgen.settings import ImagesSettings
from stimgen.sweeps.device_decoder import DeviceDecoder
from stimgen.sweeps.images import ImageSource
from stimgen.sweeps.reading import Pixels, read_pictures


@dataclass(frozen=True)
class Batch:
    """Images with consecutive indices: always the same ones together, whoever takes them.

    Parameters
    ----------
    number
        Of the batch, from 0.
    indices, pictures
        Of the images that could be read.
    skipped
        Name and fault of each image that could not be read, by its index.
    """

    number: int
    indices: list[int]
    pictures: list[Pixels]
    skipped: dict[int, str]


def read_batches(
    source: ImageSource,
    settings: ImagesSettings,
    size: int,
    numbers: Sequence[int],
    quiet: bool,
    decoder: DeviceDecoder | None = None,
) -> Iterator[Batch]:
    """Read batches in parallel, ahead of whoever needs them.

    Parameters
    ----------
    source, settings
        Which images, and how they are cropped.
    size
        Images in a batch; the last one may have fewer.
    numbers
        Which batches, in order.
    quiet
        Whether to show no progress.
    decoder
        Decodes plain JPEG files, a batch's together.
    """

    def within(number: int) -> range:
        return range(number * size, min((number + 1) * size, len(source)))

    total = sum(len(within(number)) for number in numbers)
    indices = (index for number in numbers for index in within(number))
    loaded = read_pictures(source, settings, indices, decoder, together=size)
    with tqdm(total=total, desc="sweep", unit="image", disable=quiet) as progress:
        for number in numbers:
            pictures: dict[int, Pixels] = {}
            skipped: dict[int, str] = {}
            for index, picture in islice(loaded, len(within(number))):
                if isinstance(picture, str):
                    skipped[index] = picture
                else:
                    pictures[index] = picture
                progress.update()
            yield Batch(number, list(pictures), list(pictures.values()), skipped)
