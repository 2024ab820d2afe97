"""Speed of decoding photographs."""

from __future__ import annotations

import time
from contextlib import suppress
from io import BytesIO

import numpy as np
import torch
from PIL import Image

from stimgen.studies.build_settings import ImagesSettings
from stimgen.sweeps.device_decoder import DeviceDecoder
from stimgen.sweeps.image_reading import read_images
from stimgen.sweeps.photographs import decoder, read_rgb
from unitscope.errors import BadInput


class _Photograph:
    """A source that repeats one JPEG photograph."""

    sha256 = ""

    def __init__(self, n_images: int) -> None:
        pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
        file = BytesIO()
        image = Image.fromarray(pixels).resize((500, 375), Image.Resampling.BICUBIC)
        image.save(file, "JPEG", quality=90)
        self._data, self._n_images = file.getvalue(), n_images

    def __len__(self) -> int:
        return self._n_images

    def name(self, index: int) -> str:
        return f"photograph-{index}"

    def load(self, index: int) -> Image.Image:
        return read_rgb(BytesIO(self._data))

    def encoded(self, index: int) -> bytes:
        return self._data


def decode_rates(n_images: int = 256, device: torch.device | None = None) -> dict[str, float]:
    """Return the number of JPEG photographs read and cropped per second, by decoder.

    Parameters
    ----------
    n_images
        Number of photographs in a measurement.
    device
        Device that also decodes them in batches, if given and if it can.
    """
    source, images = _Photograph(n_images), ImagesSettings()

    def rate(together: DeviceDecoder | None) -> float:
        start = time.perf_counter()
        for _, pixels in read_images(source, images, range(n_images), together):
            assert not isinstance(pixels, str)
            last = pixels
        _ = last[0, 0, 0].item()  # waits for the device
        return n_images / (time.perf_counter() - start)

    ways: dict[str, DeviceDecoder | None] = {"torchcodec" if decoder() else "PIL": None}
    if device is not None:
        with suppress(BadInput):
            ways[f"{device.type}, many at a time"] = DeviceDecoder(device)
    return {name: max(rate(way) for _ in range(3)) for name, way in ways.items()}
