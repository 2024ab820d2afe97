"""Parallel reading of a source's images: by threads, by processes, or in batches on a device."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import torch
from tqdm import tqdm

from stimgen.networks.compute_device import own_cores
from stimgen.studies.build_settings import ImagesSettings
from stimgen.sweeps.decoding_processes import DecodingProcesses
from stimgen.sweeps.device_decoder import DeviceDecoder
from stimgen.sweeps.image_sources import ImageSource
from stimgen.sweeps.jpeg_header import plain_size
from stimgen.sweeps.photographs import END_OF_IMAGE, crop, is_ordinary
from stimgen.sweeps.prefetch import prefetch

Pixels = np.ndarray | torch.Tensor
"""Height x width x 3, 8 bit; a tensor on the device if a device decodes."""

MANY_CORES = 8
"""CPU cores from which processes decode more images than threads."""

MANY_IMAGES = 1000
"""Images for which processes are worth the second in which they start."""


@dataclass(frozen=True)
class Batch:
    """Images read together; the division into batches is always the same.

    Parameters
    ----------
    number
        Number of the batch.
    indices
        Indices of the images that could be read.
    images
        Their pixels, images x height x width x 3, 8 bit: on the device if a device decodes, else
        in the computer's memory, from which a CUDA device can copy while it computes.
    skipped
        Name and error of each image that could not be read, by index.
    """

    number: int
    indices: list[int]
    images: torch.Tensor
    skipped: dict[int, str]


def read_batches(
    source: ImageSource,
    settings: ImagesSettings,
    size: int,
    numbers: Sequence[int],
    quiet: bool,
    decoder: DeviceDecoder | None = None,
    device: torch.device | str = "cpu",
) -> Iterator[Batch]:
    """Read batches of consecutive images in parallel, in advance of their use.

    Parameters
    ----------
    source, settings
        Which images, and how they are cropped.
    size
        Number of images in a batch; the last one may have fewer.
    numbers
        Numbers of the batches to read, from 0 and in order.
    quiet
        Whether to show no progress.
    decoder
        Decodes the plain JPEG files of a batch together; the CPU decodes if None.
    device
        Device of the network.
    """
    parts = {n: range(n * size, min((n + 1) * size, len(source))) for n in numbers}
    total = sum(map(len, parts.values()))
    with tqdm(total=total, desc="sweep", unit="image", disable=quiet) as progress:
        if decoder is not None:
            yield from _decoded(source, settings, parts, decoder, progress.update)
        else:
            yield from _read(source, settings, parts, torch.device(device), progress.update)


def read_images(
    source: ImageSource,
    images: ImagesSettings,
    indices: Sequence[int],
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
    starts = range(0, len(indices), together)
    parts = {number: indices[i : i + together] for number, i in enumerate(starts)}
    if decoder is not None:
        batches = _decoded(source, images, parts, decoder)
    else:
        batches = _read(source, images, parts, torch.device("cpu"))
    for batch in batches:
        read: Sequence[Pixels] = list(batch.images if decoder else batch.images.numpy())
        found: dict[int, Pixels | str] = dict(zip(batch.indices, read, strict=True))
        for index in parts[batch.number]:
            yield index, (found | batch.skipped)[index]


def n_processes(
    source: ImageSource, images: ImagesSettings, n_images: int, device: torch.device
) -> int:
    """Return how many processes decode photographs, 0 if threads do.

    Unless the settings say so, these are processes where a device does all else and would wait for
    images: one less than there are CPU cores, if these and the images are many. The images are the
    same.
    """
    if not hasattr(source, "encoded"):
        return 0
    if images.decode_processes is not None:
        return images.decode_processes
    cores = own_cores()
    are_many = cores >= MANY_CORES and n_images >= MANY_IMAGES
    return cores - 1 if are_many and device.type != "cpu" else 0


def _read(
    source: ImageSource,
    images: ImagesSettings,
    parts: Mapping[int, Sequence[int]],
    device: torch.device,
    after_image: Callable[[], object] = lambda: None,
) -> Iterator[Batch]:
    """Read batches on the CPU, each into one piece of memory."""
    n = n_processes(source, images, sum(map(len, parts.values())), device)
    crop_px = images.crop_px
    rooms: deque[torch.Tensor] = deque()

    def jobs() -> Iterator[tuple[int, np.ndarray]]:
        for indices in parts.values():
            # torch takes the memory of a batch again, on CUDA once it is copied to the device.
            shape, is_pinned = (len(indices), crop_px, crop_px, 3), device.type == "cuda"
            rooms.append(torch.empty(shape, dtype=torch.uint8, pin_memory=is_pinned))
            yield from zip(indices, rooms[-1].numpy(), strict=True)

    decoding: AbstractContextManager[DecodingProcesses | None] = nullcontext()
    if n:
        decoding = DecodingProcesses(n, images.resize_px, crop_px)
    with decoding as processes:

        def read(job: tuple[int, np.ndarray]) -> str | None:
            index, pixels = job
            data = None if processes is None else _content(source, index)
            if data is not None and processes is not None and processes(data, pixels):
                return None
            found = _load(source, images, index)
            if isinstance(found, str):
                return found
            pixels[...] = found
            return None

        with closing(prefetch(read, jobs(), workers=n or None)) as faults:
            for number, indices in parts.items():
                skipped: dict[int, str] = {}
                for index, fault in zip(indices, faults, strict=False):
                    if fault is not None:
                        skipped[index] = fault
                    after_image()
                yield _batch(number, indices, rooms.popleft(), skipped)


def _batch(
    number: int, indices: Sequence[int], pixels: torch.Tensor, skipped: dict[int, str]
) -> Batch:
    if not skipped:
        return Batch(number, list(indices), pixels, skipped)
    rows = [row for row, index in enumerate(indices) if index not in skipped]
    return Batch(number, [indices[row] for row in rows], pixels[rows], skipped)


def _load(source: ImageSource, images: ImagesSettings, index: int) -> np.ndarray | str:
    """Return a cropped image, or its name and error if it cannot be read."""
    try:
        return np.asarray(crop(source.load(index), images.resize_px, images.crop_px))
    except Exception as error:  # decoders raise many kinds of errors on a damaged file
        return f"{source.name(index)}: {error}"


def _decoded(
    source: ImageSource,
    images: ImagesSettings,
    parts: Mapping[int, Sequence[int]],
    decoder: DeviceDecoder,
    after_image: Callable[[], object] = lambda: None,
) -> Iterator[Batch]:
    """Read batches whose plain JPEG files are decoded together on a device."""
    most = max(map(len, parts.values()), default=0)
    fetched = prefetch(
        lambda index: plain_file(source, index) or _load(source, images, index),
        chain.from_iterable(parts.values()),
        ahead=max(128, 2 * most),
    )

    def decode(part: tuple[Sequence[int], list[bytes | np.ndarray | str]]) -> Decoded:
        indices, found = part
        files = {row: data for row, data in enumerate(found) if isinstance(data, bytes)}
        pixels, refused = decoder(files, len(indices), images)
        skipped: dict[int, str] = {}
        for row, (index, read) in enumerate(zip(indices, found, strict=True)):
            own = _load(source, images, index) if row in refused else read
            if isinstance(own, str):
                skipped[index] = own
            elif isinstance(own, np.ndarray):
                pixels[row] = torch.tensor(own)
        return pixels, skipped

    # A batch is decoded while the network works on the one before.
    fetched_parts = ((part, list(islice(fetched, len(part)))) for part in parts.values())
    decoded = prefetch(decode, fetched_parts, ahead=1, workers=1)
    for (number, indices), (pixels, skipped) in zip(parts.items(), decoded, strict=True):
        decoder.hand_over(pixels)
        for _ in indices:
            after_image()
        yield _batch(number, indices, pixels, skipped)


Decoded = tuple[torch.Tensor, dict[int, str]]
"""A row of pixels for each image, and the name and error of each that cannot be read."""


def plain_file(source: ImageSource, index: int) -> bytes | None:
    """Return the content of an image's file if it is a complete, plain JPEG, else None."""
    data = _content(source, index)
    if data is None:
        return None
    size = plain_size(data)
    is_whole = size is not None and is_ordinary(size) and data.endswith(END_OF_IMAGE)
    return data if is_whole else None


def _content(source: ImageSource, index: int) -> bytes | None:
    """Return the content of an image's file, None if there is none; reading it gives the error."""
    encoded = getattr(source, "encoded", None)
    try:
        return None if encoded is None else bytes(encoded(index))
    except Exception:
        return None
