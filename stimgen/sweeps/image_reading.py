"""Parallel reading of a source's images: by threads, or in batches on a device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from tqdm import tqdm

from stimgen.studies.build_settings import ImagesSettings
from stimgen.sweeps.device_decoder import DeviceDecoder
from stimgen.sweeps.image_sources import ImageSource
from stimgen.sweeps.jpeg_header import plain_size
from stimgen.sweeps.photographs import END_OF_IMAGE, crop, is_ordinary
from stimgen.sweeps.prefetch import prefetch

Pixels = np.ndarray | torch.Tensor
"""Height x width x 3, 8 bit; a tensor on the device if a device decodes."""


@dataclass(frozen=True)
class Batch:
    """Images with consecutive indices; the division into batches is always the same.

    Parameters
    ----------
    number
        Number of the batch, from 0.
    indices, images
        Indices and pixels of the images that could be read.
    skipped
        Name and error of each image that could not be read, by index.
    """

    number: int
    indices: list[int]
    images: list[Pixels]
    skipped: dict[int, str]


def read_batches(
    source: ImageSource,
    settings: ImagesSettings,
    size: int,
    numbers: Sequence[int],
    quiet: bool,
    decoder: DeviceDecoder | None = None,
) -> Iterator[Batch]:
    """Read batches in parallel, in advance of their use.

    Parameters
    ----------
    source, settings
        Which images, and how they are cropped.
    size
        Number of images in a batch; the last one may have fewer.
    numbers
        Numbers of the batches to read, in order.
    quiet
        Whether to show no progress.
    decoder
        Decodes the plain JPEG files of a batch together; threads decode if None.
    """

    def within(number: int) -> range:
        return range(number * size, min((number + 1) * size, len(source)))

    total = sum(len(within(number)) for number in numbers)
    indices = (index for number in numbers for index in within(number))
    loaded = read_images(source, settings, indices, decoder, together=size)
    with tqdm(total=total, desc="sweep", unit="image", disable=quiet) as progress:
        for number in numbers:
            images: dict[int, Pixels] = {}
            skipped: dict[int, str] = {}
            for index, image in islice(loaded, len(within(number))):
                if isinstance(image, str):
                    skipped[index] = image
                else:
                    images[index] = image
                progress.update()
            yield Batch(number, list(images), list(images.values()), skipped)


def read_images(
    source: ImageSource,
    images: ImagesSettings,
    indices: Iterable[int],
    decoder: DeviceDecoder | None = None,
    *,
    together: int = 64,
) -> Iterator[tuple[int, Pixels | str]]:
    """Read and crop images in parallel, in advance of their use, and yield them in order.

    Parameters
    ----------
    source, images, indices
        Which images, and how they are cropped.
    decoder
        Decodes plain JPEG files; other files, and those that it does not support, are read by
        threads, as are all files if None.
    together
        Largest number of files that the decoder gets at a time.

    Yields
    ------
    tuple of int and Pixels or str
        Index and pixels of an image, or its index, and its name and error if it cannot be read.
    """

    def load(index: int) -> np.ndarray | str:
        try:
            image = crop(source.load(index), images.resize_px, images.crop_px)
        except Exception as error:  # decoders raise many kinds of errors on a damaged file
            return f"{source.name(index)}: {error}"
        return np.asarray(image)

    if decoder is None:
        yield from prefetch(lambda index: (index, load(index)), indices)
        return
    fetched = prefetch(
        lambda i: (i, plain_file(source, i) or load(i)), indices, ahead=max(128, 2 * together)
    )

    def decode(some: Sequence[tuple[int, bytes | Pixels | str]]) -> list[tuple[int, Pixels | str]]:
        files = [found for _, found in some if isinstance(found, bytes)]
        decoded = iter(decoder(files, images))
        batch: list[tuple[int, Pixels | str]] = []
        for index, found in some:
            image = next(decoded) if isinstance(found, bytes) else found
            if image is None:
                image = load(index)
            if isinstance(image, np.ndarray):
                image = torch.tensor(image, device=decoder.device)
            batch.append((index, image))
        return batch

    # A batch is decoded while the network works on the one before.
    batches = iter(lambda: list(islice(fetched, together)), [])
    for batch in prefetch(decode, batches, ahead=1, workers=1):
        decoder.hand_over([image for _, image in batch if isinstance(image, torch.Tensor)])
        yield from batch


def plain_file(source: ImageSource, index: int) -> bytes | None:
    """Return the content of an image's file if it is a complete, plain JPEG, else None."""
    encoded = getattr(source, "encoded", None)
    if encoded is None:
        return None
    try:
        data: bytes = encoded(index)
    except Exception:  # reading it by threads gives the error
        return None
    size = plain_size(data)
    is_whole = size is not None and is_ordinary(size) and data.endswith(END_OF_IMAGE)
    return data if is_whole else None
