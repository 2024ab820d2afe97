"""A sweep of the toy network that can be killed: ``python -m tests.stimgen.sweeping``."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from PIL import Image

from stimgen.studies.build_settings import ActivationSettings, ImagesSettings
from stimgen.sweeps.checkpoints import Checkpoints
from stimgen.sweeps.device_decoder import DeviceDecoder
from stimgen.sweeps.image_sources import ImageFolder
from stimgen.sweeps.ranks import Ranks
from stimgen.sweeps.sweep import Sweep, sweep
from tests.stimgen.conftest import NoiseImages, make_toy

N_IMAGES = 500


class CoarseImages(NoiseImages):
    """Every image comes seven times, so that ties are common; some cannot be read."""

    n_loaded = 0
    kill_at: int | None = None

    def load(self, index: int) -> Image.Image:
        if index == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.n_loaded += 1
        if index % 50 == 9:
            raise OSError("image file is truncated")
        return super().load(index // 7)


def sweep_toy(
    images: NoiseImages, checkpoints: Checkpoints | None = None, **options: int
) -> Sweep | None:
    return sweep(
        make_toy(),
        images,
        ["early", "late"],
        20,
        ImagesSettings(resize_px=40, crop_px=32),
        ActivationSettings(),
        checkpoints=checkpoints,
        quiet=True,
        **options,
    )


class CountingDecoder(DeviceDecoder):
    """Decodes as a device does, and counts the files."""

    n_decoded = 0

    def __call__(self, files: Mapping[int, bytes], *more: Any) -> tuple[torch.Tensor, set[int]]:
        self.n_decoded += len(files)
        return super().__call__(files, *more)


def sweep_photographs(
    folder: Path, n_processes: int = 0, decoder: DeviceDecoder | None = None, ranks: Any = None
) -> Sweep | None:
    """Sweep a folder of photographs, which processes or a device decode, if any."""
    with patch("stimgen.sweeps.sweep.device_decoder", lambda images, device: decoder):
        return sweep(
            make_toy(),
            ImageFolder(folder / "photographs"),
            ["early", "late"],
            9,
            ImagesSettings(resize_px=40, crop_px=32, decode_processes=n_processes),
            ActivationSettings(),
            batch=4,
            checkpoints=Checkpoints(folder / f"parts{n_processes}", ranks) if ranks else None,
            quiet=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kill-at", type=int)
    parser.add_argument("--photographs", action="store_true")
    arguments = parser.parse_args()
    if arguments.photographs:
        _sweep_photographs_together(arguments.folder)
        return
    # Images are read ahead for each thread: with many, all would be before any batch is done.
    torch.set_num_threads(1)
    images = CoarseImages(N_IMAGES)
    # torchrun starts a killed rank again, which then lives.
    if os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0":
        images.kill_at = arguments.kill_at
    ranks = Ranks.join(make_toy().device)
    checkpoints = Checkpoints(arguments.folder / "parts", ranks, every_s=0)
    found = sweep_toy(images, checkpoints, merge_every=1)
    (arguments.folder / f"loaded{ranks.rank}.txt").write_text(str(images.n_loaded))
    if found is not None:
        found.save(arguments.folder / "sweep.npz")


def _sweep_photographs_together(folder: Path) -> None:
    ranks, decoder = Ranks.join(make_toy().device), CountingDecoder(torch.device("cpu"))
    # In turn, as the second sweep clears nothing of the first.
    for n, found in (
        (0, sweep_photographs(folder, 0, decoder, ranks)),
        (2, sweep_photographs(folder, 2, None, ranks)),
    ):
        if found is not None:
            found.save(folder / f"together{n}.npz")
    (folder / f"decoded{ranks.rank}.txt").write_text(str(decoder.n_decoded))


if __name__ == "__main__":
    main()
