"""How long the shipped studies take here, estimated as ``build --dry-run`` does."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from stimgen.sets.build import Build
from stimgen.sets.plan import plan_of
from stimgen.studies.build_settings import find_settings, read, shipped
from stimgen.sweeps.image_sources import ImageFolder

N_DISTINCT = 64
"""Number of different photographs; the others are links to them."""

STUDY_IMAGES = {
    "zimmermann2021_occlusion": 599_552,
    "zimmermann2023_hard95": 1_281_167,
}
"""Number of photographs that a study took."""

OTHERWISE = 50_000
"""Number of photographs for the others, ImageNet's validation set."""


def write_photographs(folder: Path, n: int) -> None:
    """Write JPEG files of 500 x 375 px with the spectrum of photographs, of about 100 kB each."""
    rng = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(375)[:, None], np.fft.rfftfreq(500))
    amplitude = 1 / np.maximum(frequency, 1 / 500) ** 1.1
    for i in range(n):
        file = folder / f"{i:06d}.jpg"
        if i >= N_DISTINCT:
            file.hardlink_to(folder / f"{i % N_DISTINCT:06d}.jpg")
            continue
        waves = amplitude * np.exp(2j * np.pi * rng.random((3, *amplitude.shape)))
        noise = np.fft.irfft2(waves, (375, 500))
        levels = (noise / noise.std() * 50 + 128).clip(0, 255).astype(np.uint8)
        Image.fromarray(levels.transpose(1, 2, 0)).save(file, quality=92)


class Repeated(ImageFolder):
    """The images of a folder, repeated as often as needed."""

    def __init__(self, folder: Path, n: int) -> None:
        super().__init__(folder)
        self._names = [self._names[i % len(self._names)] for i in range(n)]

    @property
    def sha256(self) -> str:  # type: ignore[override]
        """A constant, as nothing is written."""
        return ""


def study_seconds(
    device: torch.device, names: Sequence[str] | None = None
) -> Iterator[tuple[str, int, float]]:
    """Estimate the builds of studies, with untrained networks.

    Parameters
    ----------
    device
        Device of the networks.
    names
        Names or paths of settings files; all that are shipped if None.

    Yields
    ------
    tuple of str, int and float
        Name of the study, number of its images, and seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_photographs(Path(folder), N_DISTINCT)
        for name in shipped() if names is None else names:
            settings = read(name)
            build = Build(
                dataclasses.replace(
                    settings, network=dataclasses.replace(settings.network, weights="random")
                ),
                base=find_settings(name).parent,
                out=Path(folder) / "out",
                device=str(device),
                quiet=True,
            )
            if settings.images.source == "folder":
                n_images = STUDY_IMAGES.get(settings.name, OTHERWISE)
                build.__dict__["source"] = Repeated(Path(folder), n_images)
            plan = plan_of(build)
            yield settings.name, len(build.source), sum(step.seconds for step in plan.steps)
