"""Decoding, resizing and cropping of batches of JPEG photographs on a device."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
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

    def __call__(
        self, files: Mapping[int, bytes], n: int, images: ImagesSettings
    ) -> tuple[torch.Tensor, set[int]]:
        """Decode files into one piece of the device's memory.

        Parameters
        ----------
        files
            Contents of JPEG files in RGB without rotation, by the row of each.
        n
            Number of rows; those without a file are left for others to fill.
        images
            How they are cropped.

        Returns
        -------
        pixels : torch.Tensor
            Rows x height x width x 3, 8 bit; sizes and positions are those of
            :func:`stimgen.sweeps.photographs.crop`, while levels differ by rounding and by how
            the decoder converts colours.
        refused : set of int
            Rows of the files that the decoder does not support.
        """
        refused: set[int] = set()

        def fill(part: Sequence[tuple[int, bytes]]) -> None:
            rows, contents = zip(*part, strict=True)
            refused.update(cut(self._each(contents), rows, images, pixels))

        with nullcontext() if self._stream is None else torch.cuda.stream(self._stream):
            shape = (n, images.crop_px, images.crop_px, 3)
            pixels = torch.empty(shape, dtype=torch.uint8, device=self.device)
            self._fitting(fill, list(files.items()))
        if self._stream is not None:
            self._stream.synchronize()
        return pixels, refused

    def hand_over(self, pixels: torch.Tensor) -> None:
        """Tell the memory of decoded images that the network's stream uses it from now on."""
        if self._stream is not None:
            pixels.record_stream(torch.cuda.current_stream(self.device))

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
    decoded: Sequence[torch.Tensor | None],
    rows: Sequence[int],
    images: ImagesSettings,
    into: torch.Tensor,
) -> set[int]:
    """Resize and crop images of 3 x height x width, those of one size together.

    Parameters
    ----------
    decoded, rows
        Images, and the row of each; None for those that could not be decoded.
    images
        How they are cropped.
    into
        Rows x height x width x 3, 8 bit, of which their own are filled.

    Returns
    -------
    set of int
        Rows without an image.
    """
    by_size: dict[torch.Size, dict[int, torch.Tensor]] = {}
    for row, pixels in zip(rows, decoded, strict=True):
        if pixels is not None:
            by_size.setdefault(pixels.shape, {})[row] = pixels
    for (_, height, width), own in by_size.items():
        size, (left, upper) = placing((width, height), images.resize_px, images.crop_px)
        seen = torch.stack(list(own.values())).float()
        if size != (width, height):
            seen = F.interpolate(seen, size=size[::-1], mode="bilinear", antialias=True)
        seen = seen[..., upper : upper + images.crop_px, left : left + images.crop_px]
        levels = seen.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
        into.index_copy_(0, torch.tensor(list(own), device=into.device), levels)
    return {row for row, pixels in zip(rows, decoded, strict=True) if pixels is None}


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
