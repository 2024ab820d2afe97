"""Images of a source as pictures, read in parallel: by threads, or many together on a device."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from stimgen.studies.build_settings import ImagesSettings
from stimgen.sweeps.device_decoder import DeviceDecoder
from stimgen.sweeps.image_sources import ImageSource
from stimgen.sweeps.photographs import crop, is_plain
from stimgen.sweeps.prefetch import prefetch

END_OF_IMAGE = b"\xff\xd9"


Pixels = np.ndarray | torch.Tensor
"""Height x width x 3, 8 bit; with a decoder a tensor on its device."""


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


def read_pictures(
    source: ImageSource,
    images: ImagesSettings,
    indices: Iterable[int],
    decoder: DeviceDecoder | None = None,
    *,
    together: int = 64,
) -> Iterator[tuple[int, Pixels | str]]:
    """Read and crop images ahead of whoever needs them, and yield them in order.

    Parameters
    ----------
    source, images, indices
        Which images, and how they are cropped.
    decoder
        Gets the plain JPEG files of a source that has files; all else, and what the decoder does
        not take, is read as without one.
    together
        Files that the decoder gets at a time, at most.

    Yields
    ------
    tuple of int and Pixels or str
        An image's index and the picture, or its name and fault if it cannot be read.
    """

    def load(index: int) -> np.ndarray | str:
        try:
            image = crop(source.load(index), images.resize_px, images.crop_px)
        except Exception as error:  # decoders raise whatever they like on a broken file
            return f"{source.name(index)}: {error}"
        return np.asarray(image)

    if decoder is None:
        yield from prefetch(lambda index: (index, load(index)), indices)
        return
    fetched = prefetch(lambda i: (i, plain_file(source, i) or load(i)), indices)
    while some := list(islice(fetched, together)):
        decoded = iter(decoder([found for _, found in some if isinstance(found, bytes)], images))
        for index, found in some:
            picture: Pixels | str | None
            picture = next(decoded) if isinstance(found, bytes) else found
            if picture is None:
                picture = load(index)
            if isinstance(picture, np.ndarray):
                picture = torch.tensor(picture, device=decoder.device)
            yield index, picture


def plain_file(source: ImageSource, index: int) -> bytes | None:
    """Return an image's file if it is a whole JPEG in RGB that any decoder reads alike."""
    encoded = getattr(source, "encoded", None)
    if encoded is None:
        return None
    try:
        data: bytes = encoded(index)
        with Image.open(io.BytesIO(data)) as image:
            # Without a transform of colours, which not all decoders know of.
            is_odd = not is_plain(image) or image.info.get("adobe_transform") == 0
    except Exception:  # to read it as usual says what is wrong with it
        return None
    return None if is_odd or not data.endswith(END_OF_IMAGE) else data
