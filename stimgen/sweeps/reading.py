"""Images of a source as pictures, read in parallel: by threads, or many together on a device."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import torch
from PIL import Image

from stimgen.settings import ImagesSettings
from stimgen.sweeps.device_decoder import DeviceDecoder
from stimgen.sweeps.images import ImageSource, crop
from stimgen.sweeps.jpeg import is_plain
from stimgen.sweeps.prefetch import prefetch

END_OF_IMAGE = b"\xff\xd9"

Pixels = np.ndarray | torch.Tensor
"""Height x width x 3, 8 bit; with a decoder a tensor on its device."""


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
