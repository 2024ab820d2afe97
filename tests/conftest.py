"""Fixtures that several packages' tests share."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from PIL import Image

from conditions.columns import MANIFEST_COLUMNS, names
from conditions.csv_files import write_csv

# This is no place to measure time: tests share their machine.
settings.register_profile("unitscope", settings.default, deadline=None)
settings.load_profile("unitscope")


def write_stimulus_set(
    folder: Path, *, n_units: int = 9, n_batches: int = 5, n_synthetic: int = 9, size_px: int = 8
) -> Path:
    """Write a small stimulus set: real PNGs of random colours, activations that rise with rank."""
    rng = np.random.default_rng(7)
    rows = []
    for channel in range(n_units):
        unit = {"network": "toy", "layer": "mixed4a", "branch": "3x3", "channel": channel}
        images = [
            ("natural", pole, batch, rank)
            for pole in ("min", "max")
            for batch in range(n_batches)
            for rank in range(10)
        ]
        images += [
            ("synthetic", pole, None, rank)
            for pole in ("min", "max")
            for rank in range(n_synthetic)
        ]
        for kind, pole, batch, rank in images:
            middle = f"_b{batch:02d}" if batch is not None else ""
            path = f"images/mixed4a-3x3-{channel:04d}/{kind}_{pole}{middle}_r{rank:02d}.png"
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 256, (size_px, size_px, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(file)
            sign = -1 if pole == "min" else 1
            place = rank - 10 if pole == "min" else rank + 1
            rows.append(
                unit
                | {
                    "path": path,
                    "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
                    "kind": kind,
                    "pole": pole,
                    "rank": rank,
                    "batch": batch,
                    "activation": place + sign * 0.001 * (batch or 0),
                }
            )
    frame = pd.DataFrame(rows, columns=names(MANIFEST_COLUMNS))
    frame["batch"] = frame["batch"].astype("Int64")
    write_csv(frame, folder / "manifest.csv", MANIFEST_COLUMNS)
    (folder / "set.yaml").write_text("name: toy\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def stimulus_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stimulus set that the demo design can run on, shared and never changed."""
    return write_stimulus_set(tmp_path_factory.mktemp("stimuli") / "toy")
