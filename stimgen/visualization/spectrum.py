"""The mean magnitude spectrum of natural images, for MACO."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from stimgen.files import load_npz, save_npz
from stimgen.networks.preprocessing import resize, to_tensor
from stimgen.studies.build_settings import ImagesSettings
from stimgen.sweeps.image_sources import ImageSource
from stimgen.sweeps.photographs import crop
from stimgen.sweeps.prefetch import prefetch
from stimgen.visualization.fourier import COLOUR
from unitscope.errors import BadInput

SPECTRUM = "spectrum.npz"
"""Name of the file in a stimulus set."""

_SAVE_EVERY_S = 30.0
_BLACK = 1 / 510  # half a level, so that the inverse of the sigmoid is finite


def estimate_spectrum(
    source: ImageSource,
    images: ImagesSettings,
    size_px: int,
    n: int,
    path: Path,
    *,
    quiet: bool = False,
) -> np.ndarray:
    """Return the mean magnitude spectrum of natural images, and write it to a file.

    It is the orthonormal transform of the images in decorrelated colour before the sigmoid, where
    feature visualizations are optimised. The value at frequency zero keeps its sign, so that it is
    the mean colour.

    Parameters
    ----------
    source, images
        Which images, and how they are cropped; they are then resized to ``size_px``.
    size_px
        Side of the images with this spectrum.
    n
        Largest number of images, evenly spaced over the source; those that cannot be read are
        skipped.
    path
        File of the result, and of the intermediate sums of an interrupted pass.
    quiet
        Whether to show no progress.

    Returns
    -------
    np.ndarray
        3 x size x (size // 2 + 1).

    Raises
    ------
    BadInput
        If no image can be read.

    Examples
    --------
    >>> import tempfile
    >>> from stimgen.demo.demo_images import DemoImages
    >>> images = ImagesSettings(source="demo", resize_px=64, crop_px=64)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / SPECTRUM
    ...     estimate_spectrum(DemoImages(4, 0, 64), images, 32, 4, path, quiet=True).shape
    (3, 32, 17)
    """
    chosen = sorted({index * len(source) // n for index in range(n)})
    mark = _mark(source, images, size_px, n)
    total, n_done, n_read = _resume(path, mark, size_px)
    if n_done == len(chosen) and n_read:
        return total / n_read

    def spectrum(index: int) -> np.ndarray | None:
        try:
            image = np.asarray(crop(source.load(index), images.resize_px, images.crop_px))
        except Exception:  # decoders raise many kinds of errors; the sweep lists the damaged files
            return None
        own: np.ndarray = signed_magnitude(resize(to_tensor([image]), size_px))[0]
        return own

    def save() -> None:
        arrays = {"total": total, "n_done": np.array(n_done), "n_read": np.array(n_read)}
        save_npz({**arrays, "mark": np.array(mark)}, path)

    saved_s = time.monotonic()
    spectra: Iterator[np.ndarray | None] = prefetch(spectrum, chosen[n_done:])
    with tqdm(
        total=len(chosen), initial=n_done, desc="spectrum", unit="image", disable=quiet
    ) as progress:
        for found in spectra:
            n_done += 1
            if found is not None:
                total += found
                n_read += 1
            progress.update()
            if time.monotonic() - saved_s >= _SAVE_EVERY_S:
                save()
                saved_s = time.monotonic()
    if not n_read:
        raise BadInput(f"none of the {len(chosen)} images for the spectrum could be read")
    save()
    return total / n_read


def signed_magnitude(images: torch.Tensor) -> np.ndarray:
    """Return the magnitude spectra of images; the value at frequency zero keeps its sign.

    Parameters
    ----------
    images
        Images x 3 x size x size in 0..1.

    Returns
    -------
    np.ndarray
        Images x 3 x size x (size // 2 + 1), double precision.

    Examples
    --------
    >>> magnitude = signed_magnitude(torch.full((1, 3, 8, 8), 0.5))
    >>> magnitude.shape
    (1, 3, 8, 5)
    >>> float(np.abs(magnitude).max())
    0.0
    """
    # r(f) = |F[C^-1 logit(x)]|, the inverse of the parametrization, with the colour matrix C.
    before = images.double().clamp(_BLACK, 1 - _BLACK).logit()
    decorrelate = torch.from_numpy(np.linalg.inv(COLOUR))
    spectrum = torch.fft.rfft2(torch.einsum("cr,brhw->bchw", decorrelate, before), norm="ortho")
    magnitude: np.ndarray = spectrum.abs().numpy()
    magnitude[..., 0, 0] = spectrum[..., 0, 0].real.numpy()
    return magnitude


def _resume(path: Path, mark: str, size_px: int) -> tuple[np.ndarray, int, int]:
    """Return the sum so far, and the numbers of images tried and read."""
    if path.exists():
        with suppress(BadInput, KeyError):
            arrays = load_npz(path, "a spectrum")
            if str(arrays["mark"]) == mark:
                return arrays["total"], int(arrays["n_done"]), int(arrays["n_read"])
    return np.zeros((3, size_px, size_px // 2 + 1)), 0, 0


def _mark(source: ImageSource, images: ImagesSettings, size_px: int, n: int) -> str:
    content = [source.sha256, images.resize_px, images.crop_px, size_px, n]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
