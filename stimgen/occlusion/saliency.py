"""Saliency of images: the spectral residual, saved maps, or any function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from unitscope.errors import BadInput
from unitscope.image_files import UNREADABLE, open_image
from unitscope.named_functions import find_function, reason


@dataclass(frozen=True)
class NamedImage:
    """Pixels of a stimulus, with the name of the photograph that it was made from."""

    name: str
    pixels: np.ndarray


Saliency = Callable[[NamedImage], np.ndarray]
"""Returns height x width values, not negative; only their proportions matter."""


def spectral_residual(image: np.ndarray, *, side_px: int = 64, sigma_px: float = 2.5) -> Any:
    """Return the spectral residual saliency of an image (Hou & Zhang, CVPR 2007).

    Parameters
    ----------
    image
        Height x width x 3, 8 bit.
    side_px
        Side of the grey square to which the image is resized.
    sigma_px
        Standard deviation of the smoothing Gaussian, in pixels of that square.

    Returns
    -------
    numpy.ndarray
        Height x width, not negative, with mean 1 unless it is 0 everywhere.
    """
    # Hou & Zhang (2007), for the amplitude A(f) and phase P(f) of the image's spectrum:
    #   log spectrum   L(f) = log A(f)
    #   residual       R(f) = L(f) - h(f) * L(f), where h is a 3 x 3 mean
    #   saliency       S(x) = g(x) * |F^-1[exp(R(f) + i P(f))]|^2, where g is a Gaussian
    height, width = image.shape[:2]
    grey = Image.fromarray(image.astype(np.float32).mean(2))
    small = np.asarray(grey.resize((side_px, side_px), Image.Resampling.BOX), dtype=np.float64)
    # With the mean removed, a uniform image has an empty spectrum rather than rounding noise.
    small = small - small.mean()
    if np.abs(small).max() < 1e-3:
        return np.zeros((height, width))
    spectrum = np.fft.fft2(small)
    log_amplitude = np.log(np.abs(spectrum) + 1e-9 * np.abs(spectrum).max())
    local_mean = sum(
        np.roll(log_amplitude, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)
    )
    residual = log_amplitude - local_mean / 9
    back = np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))
    smooth = _smooth(np.abs(back) ** 2, sigma_px)
    full = Image.fromarray(smooth.astype(np.float32)).resize(
        (width, height), Image.Resampling.BILINEAR
    )
    density = np.clip(np.asarray(full, dtype=np.float64), 0, None)
    return density / density.mean()


def _smooth(values: np.ndarray, sigma_px: float) -> np.ndarray:
    reach = int(np.ceil(4 * sigma_px))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        widths = [(reach, reach) if a == axis else (0, 0) for a in (0, 1)]
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(values, widths, mode="symmetric"), len(kernel), axis
        )
        values = windows @ kernel
    return values


def find_saliency(name: str) -> Saliency:
    """Return a saliency by name.

    Parameters
    ----------
    name
        ``spectral_residual``; a folder of maps; or ``package.module:function``, a function that
        takes an image (height x width x 3, 8 bit) and returns height x width values.

    Raises
    ------
    BadInput
        If it is none of these.
    """
    if name == "spectral_residual":
        return lambda image: np.asarray(spectral_residual(image.pixels))
    if name and Path(name).is_dir():
        return saved_maps(Path(name))
    dotted = name if ":" in name or "." not in name else ":".join(name.rpartition(".")[::2])
    expected = "spectral_residual, a folder or a function such as package.module:function"
    function = find_function(dotted, "saliency", expected)

    def computed(image: NamedImage) -> np.ndarray:
        try:
            return np.asarray(function(image.pixels), dtype=np.float64)
        except Exception as error:  # a user's function may raise anything
            raise BadInput(
                f"saliency {name!r} fails for the image {image.name!r} ({reason(error)})"
            ) from None

    return computed


def saved_maps(folder: Path) -> Saliency:
    """Return a saliency that reads maps from a folder.

    Parameters
    ----------
    folder
        Contains, for an image ``birds/wren.jpg``, the file ``birds/wren.npy`` or
        ``birds/wren.png`` (grey, 8 or 16 bit), with the size of the stimulus.
    """

    def read(image: NamedImage) -> np.ndarray:
        place = PurePosixPath(image.name)
        if place.is_absolute() or ".." in place.parts:
            raise BadInput(f"image name {image.name!r} leads out of {folder}")
        whole = folder.joinpath(*place.parts)
        stems = [whole, whole.with_suffix("")] if place.suffix else [whole]
        files = [s.with_name(s.name + end) for s in stems for end in (".npy", ".png")]
        path = next((file for file in files if file.is_file()), None)
        if path is None:
            raise BadInput(f"{folder}: no saliency map for {image.name!r}, such as {files[-1]}")
        try:
            if path.suffix == ".npy":
                values = np.load(path, allow_pickle=False)
            else:
                with open_image(path) as opened:
                    grey = opened if opened.mode.startswith("I") else opened.convert("L")
                    values = np.asarray(grey)
        except UNREADABLE as error:
            raise BadInput(f"{path}: cannot be read ({error})") from None
        return np.asarray(values, dtype=np.float64)

    return read
