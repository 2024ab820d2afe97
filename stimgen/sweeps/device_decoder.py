"""Decoding, resizing and cropping of batches of JPEG photographs on a device."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache

import torch
import torch.nn.functional as F
from PIL import Image

from stimgen.studies.build_settings import ImagesSettings
from stimgen.sweeps.halving import Halving
from stimgen.sweeps.photographs import decoder, placing
from unitscope.errors import BadInput

Decode = Callable[[Sequence[bytes], torch.device], list[torch.Tensor]]
"""Decodes JPEG files to images of 3 x height x width, 8 bit, on a device."""


def by_torchcodec(files: Sequence[bytes], device: torch.device) -> list[torch.Tensor]:
    """Decode by torchcodec; raises RuntimeError if it is not installed or fails."""
    decode_jpeg = decoder()
    if decode_jpeg is None:
        raise RuntimeError("torchcodec is not installed")
    found: list[torch.Tensor] = decode_jpeg(list(files), device=device)
    return found


def by_torchvision(files: Sequence[bytes], device: torch.device) -> list[torch.Tensor]:
    """Decode by torchvision, if torchcodec is not installed or does not support the device."""
    from torchvision.io import ImageReadMode, decode_jpeg

    encoded = [torch.frombuffer(bytearray(file), dtype=torch.uint8) for file in files]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found: list[torch.Tensor] = decode_jpeg(encoded, ImageReadMode.RGB, device)
    return found


class DeviceDecoder:
    """Decodes JPEG files to cropped images on a device.

    Parameters
    ----------
    device
        CUDA decodes with nvJPEG; the CPU works in the same steps.

    Raises
    ------
    BadInput
        If no installed package decodes on the device.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._fitting = Halving("photograph")
        self._decode = _working(device)
        # Batches are decoded while the network works on others.
        self._stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def __call__(self, files: Sequence[bytes], images: ImagesSettings) -> list[torch.Tensor | None]:
        """Return an image for each file, None for each that the decoder does not support.

        Parameters
        ----------
        files
            Contents of JPEG files in RGB without rotation.
        images
            How they are cropped.

        Returns
        -------
        list of torch.Tensor or None
            Height x width x 3, 8 bit; sizes and positions are those of
            :func:`stimgen.sweeps.photographs.crop`, while levels differ by rounding and by how
            the decoder converts colours.
        """
        if self._stream is None:
            return self._cut(files, images)
        with torch.cuda.stream(self._stream):
            found = self._cut(files, images)
        self._stream.synchronize()
        return found

    def hand_over(self, images: Sequence[torch.Tensor]) -> None:
        """Tell the memory of decoded images that the network's stream uses them from now on."""
        if self._stream is not None:
            for image in images:
                image.record_stream(torch.cuda.current_stream(self.device))

    def _cut(self, files: Sequence[bytes], images: ImagesSettings) -> list[torch.Tensor | None]:
        parts = self._fitting(lambda part: cut(self._each(part), images), files)
        return [pixels for part in parts for pixels in part]

    def _each(self, files: Sequence[bytes]) -> list[torch.Tensor | None]:
        try:
            return list(self._decode(files, self.device))
        except torch.OutOfMemoryError:
            raise
        except RuntimeError:  # one unsupported file fails the whole batch
            if len(files) == 1:
                return [None]
        return [pixels for file in files for pixels in self._each([file])]


def _working(device: torch.device) -> Decode:
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG")
    for decode in (by_torchcodec, by_torchvision):
        try:
            decode([file.getvalue()], device)
        except (RuntimeError, TypeError, ImportError, AttributeError):
            continue  # an older version, or built without it
        return decode
    raise BadInput(
        f"images.decode: no installed torchcodec or torchvision decodes JPEG on {device.type}; "
        "install one that is built for CUDA, or set images.decode to cpu"
    )


def cut(
    decoded: Sequence[torch.Tensor | None], images: ImagesSettings
) -> list[torch.Tensor | None]:
    """Resize and crop images of 3 x height x width, those of one size together; None stays None."""
    found: list[torch.Tensor | None] = [None] * len(decoded)
    by_size: dict[torch.Size, list[int]] = {}
    for place, pixels in enumerate(decoded):
        if pixels is not None:
            by_size.setdefault(pixels.shape, []).append(place)
    for (_, height, width), places in by_size.items():
        size, (left, upper) = placing((width, height), images.resize_px, images.crop_px)
        seen = torch.stack([p for place in places if (p := decoded[place]) is not None]).float()
        if size != (width, height):
            seen = F.interpolate(seen, size=size[::-1], mode="bilinear", antialias=True)
        seen = seen[..., upper : upper + images.crop_px, left : left + images.crop_px]
        levels = seen.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
        for place, own in zip(places, levels, strict=True):
            found[place] = own
    return found


@lru_cache(maxsize=1)
def _opened(device: torch.device) -> DeviceDecoder:
    return DeviceDecoder(device)


def device_decoder(images: ImagesSettings, device: torch.device) -> DeviceDecoder | None:
    """Return the decoder of the network's device, None if threads decode on the CPU.

    With ``auto``, photographs are decoded on CUDA where the network runs there and an installed
    package can.

    Raises
    ------
    BadInput
        If the settings ask for decoding on CUDA and it is not available.
    """
    if images.decode == "cpu" or images.source == "demo":
        return None
    if images.decode == "auto":
        if device.type != "cuda":
            return None
        with suppress(BadInput):
            return _opened(device)
        return None
    if device.type != "cuda":
        raise BadInput(
            f"images.decode is cuda, but the network runs on {device.type}: use --device cuda, "
            "or set images.decode to cpu"
        )
    return _opened(device)
