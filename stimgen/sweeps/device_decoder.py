"""JPEG photographs decoded, resized and cropped on a device, many at a time."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from PIL import Image

from stimgen.studies.build_settings import ImagesSettings
from stimgen.sweeps.halving import Halving
from stimgen.sweeps.photographs import decoder, placing
from unitscope.errors import BadInput

Decode = Callable[[Sequence[bytes], torch.device], list[torch.Tensor]]
"""Turns JPEG files into images of 3 x height x width, 8 bit, on a device."""


def by_torchcodec(files: Sequence[bytes], device: torch.device) -> list[torch.Tensor]:
    """Decode by torchcodec; raises RuntimeError where it is not there or cannot."""
    decode_jpeg = decoder()
    if decode_jpeg is None:
        raise RuntimeError("torchcodec is not installed")
    found: list[torch.Tensor] = decode_jpeg(list(files), device=device)
    return found


def by_torchvision(files: Sequence[bytes], device: torch.device) -> list[torch.Tensor]:
    """Decode by torchvision, where torchcodec is not there or not made for the device."""
    from torchvision.io import ImageReadMode, decode_jpeg

    encoded = [torch.frombuffer(bytearray(file), dtype=torch.uint8) for file in files]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found: list[torch.Tensor] = decode_jpeg(encoded, ImageReadMode.RGB, device)
    return found


class DeviceDecoder:
    """Makes pictures of JPEG files on a device.

    Parameters
    ----------
    device
        CUDA decodes with nvJPEG; the CPU does the same work in the same steps.

    Raises
    ------
    BadInput
        If nothing that is installed decodes there.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._fitting = Halving("photograph")
        self._decode = _working(device)

    def __call__(self, files: Sequence[bytes], images: ImagesSettings) -> list[torch.Tensor | None]:
        """Return a picture for each file, None for each that the decoder does not take.

        Parameters
        ----------
        files
            Contents of JPEG files in RGB that need not be turned.
        images
            How they are cropped.

        Returns
        -------
        list of torch.Tensor or None
            Height x width x 3, 8 bit; sizes and positions are those of
            :func:`stimgen.sweeps.photographs.crop`, while levels differ by rounding and by how
            the decoder converts colours.
        """
        parts = self._fitting(lambda part: [_cut(p, images) for p in self._each(part)], files)
        return [picture for part in parts for picture in part]

    def _each(self, files: Sequence[bytes]) -> list[torch.Tensor | None]:
        try:
            return list(self._decode(files, self.device))
        except torch.OutOfMemoryError:
            raise
        except RuntimeError:  # one that it does not take spoils them all
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
            continue  # older than this, or built without it
        return decode
    raise BadInput(
        f"images.decode: no installed torchcodec or torchvision decodes JPEG on {device.type}; "
        "install one that is built for CUDA, or set images.decode to cpu"
    )


def _cut(pixels: torch.Tensor | None, images: ImagesSettings) -> torch.Tensor | None:
    if pixels is None:
        return None
    _, height, width = pixels.shape
    size, (left, upper) = placing((width, height), images.resize_px, images.crop_px)
    seen = pixels[None].float()
    if size != (width, height):
        seen = F.interpolate(seen, size=size[::-1], mode="bilinear", antialias=True)
    seen = seen[0, :, upper : upper + images.crop_px, left : left + images.crop_px]
    return seen.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)


@lru_cache(maxsize=1)
def _opened(device: torch.device) -> DeviceDecoder:
    return DeviceDecoder(device)


def device_decoder(images: ImagesSettings, device: torch.device) -> DeviceDecoder | None:
    """Return what decodes on the network's device, None where threads decode on the processor.

    Raises
    ------
    BadInput
        If the settings want CUDA to decode, and the network runs elsewhere or CUDA cannot.
    """
    if images.decode == "cpu":
        return None
    if device.type != "cuda":
        raise BadInput(
            f"images.decode is cuda, but the network runs on {device.type}: take --device cuda, "
            "or set images.decode to cpu"
        )
    return _opened(device)
