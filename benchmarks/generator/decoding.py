"""Speed of decoding photographs."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO

import numpy as np
import torch
from PIL import Image

from stimgen.networks.compute_device import own_cores
from stimgen.studies.build_settings import ImagesSettings
from stimgen.sweeps.decoding_processes import DecodingProcesses
from stimgen.sweeps.device_decoder import DeviceDecoder
from stimgen.sweeps.image_reading import read_images
from stimgen.sweeps.photographs import decoder, read_rgb
from stimgen.sweeps.prefetch import prefetch
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
    """Return the number of JPEG photographs read and cropped per second, by who decodes them.

    Parameters
    ----------
    n_images
        Number of photographs in a measurement.
    device
        Device that also decodes them in batches, if given and if it can.
    """
    source, images = _Photograph(n_images), ImagesSettings()

    def read(together: DeviceDecoder | None) -> None:
        for _, pixels in read_images(source, images, range(n_images), together):
            assert not isinstance(pixels, str)
            last = pixels
        _ = last[0, 0, 0].item()  # waits for the device

    own = "torchcodec" if decoder() else "PIL"
    n_processes = max(2, own_cores() - 1)
    with DecodingProcesses(n_processes, images.resize_px, images.crop_px) as processes:

        def decode(index: int) -> None:
            pixels = np.empty((images.crop_px, images.crop_px, 3), dtype=np.uint8)
            assert processes(source.encoded(index), pixels)

        def decode_all() -> None:
            for _ in prefetch(decode, range(n_images), workers=n_processes):
                pass

        ways: dict[str, Callable[[], None]] = {
            f"{own} in {own_cores()} threads": lambda: read(None),
            f"PIL in {n_processes} processes": decode_all,
        }
        if device is not None:
            with suppress(BadInput):
                on_device = DeviceDecoder(device)
                ways[f"{device.type}, many at a time"] = lambda: read(on_device)
        for way in ways.values():
            way()  # the first time starts what it needs
        # In turns, as other programs may use the machine.
        turns = [{name: seconds(way) for name, way in ways.items()} for _ in range(5)]
    return {name: n_images / min(turn[name] for turn in turns) for name in ways}


def seconds(work: Callable[[], None]) -> float:
    """Return how long some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
