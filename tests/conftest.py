"""Fixtures that several packages' tests share."""

from __future__ import annotations

import hashlib
import re
import signal
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from unitscope.columns import MANIFEST_COLUMNS, UNIT_COLUMNS, Column, names
from unitscope.queries import QUERIES, baseline_columns
from unitscope.stimulus_set import StimulusSet
from unitscope.tables import write_csv
from unitscope.vocabulary import Unit

Item = TypeVar("Item")

# Started in the background, the tests, and all sessions that they start, would ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

with suppress(ModuleNotFoundError):
    from hypothesis import settings

    # This is no place to measure time: tests share their machine.
    settings.register_profile("unitscope", settings.default, deadline=None)
    settings.load_profile("unitscope")

ROOT = Path(__file__).parents[1]


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    """Skip files of tests that need what is not installed, such as PsychoPy beside a CUDA card."""
    report = yield
    lacking = re.findall(r"ModuleNotFoundError: No module named '(\w+)", str(report.longrepr))
    if report.failed and lacking:
        name = lacking[-1]
        is_ours = (ROOT / name).exists() or (ROOT / f"{name}.py").exists()
        if not is_ours:
            report.outcome = "skipped"
            report.longrepr = (str(collector.path), None, f"needs {name}, which is not installed")
    return report


KINDS_OF_OCCLUSION = ("natural", "synthetic", "base", "occluded", "blur")


def some(items: Iterable[Item]) -> list[Item]:
    """Return what a test loops over; of nothing it would say that all is well."""
    found = list(items)
    assert found, "nothing to loop over"
    return found


def first_quick(values: Sequence[Any]) -> list[Any]:
    """Return parameters of which only the first is tried where slow tests are left out."""
    first, *others = (value if isinstance(value, tuple) else (value,) for value in values)
    return [pytest.param(*first), *(pytest.param(*v, marks=pytest.mark.slow) for v in others)]


def toy_units(number: int) -> list[Unit]:
    """Return units of one layer."""
    return [Unit("toy", "mixed4a", "3x3", channel) for channel in range(number)]


def manifest_rows(
    stimuli: StimulusSet, unit: Unit, kind: str, pole: str, batch: int | None = None
) -> pd.DataFrame:
    """Return the rows of a manifest about some images of a unit, ordered by rank."""
    manifest = stimuli.manifest
    chosen = (manifest["kind"] == kind) & (manifest["pole"] == pole)
    for name, value in asdict(unit).items():
        chosen &= manifest[name].isna() if value == "" else (manifest[name] == value)
    if batch is not None:
        chosen &= (manifest["batch"] == batch).fillna(False)
    return manifest[chosen].sort_values("rank")


def write_stimulus_set(
    folder: Path,
    *,
    n_units: int = 9,
    n_batches: int = 5,
    n_synthetic: int = 9,
    n_pairs: int = 0,
    further: Sequence[int] = (),
    size_px: int = 8,
    units: Sequence[Unit] = (),
    kinds: Sequence[str] = ("natural", "synthetic"),
    with_files: bool = True,
) -> Path:
    """Write a small stimulus set: PNGs of random colours, activations that rise with rank.

    Parameters
    ----------
    folder
        Folder of the set.
    n_units, n_batches, n_synthetic, size_px
        How many units of one layer, batches, synthetic images of a pole, pixels of a side.
    n_pairs, further
        How many batches of natural pairs, and numbers of synthetic images optimised apart.
    units
        Other units than these.
    kinds
        Kinds of image; those of the occlusion task come with their patches.
    with_files
        Whether there are images at all, or only a manifest that names them.
    """
    rng = np.random.default_rng(7)
    rows = []
    for unit in units or toy_units(n_units):
        for kind, pole, batch, rank in _images(kinds, n_batches, n_synthetic, n_pairs, further):
            middle = f"_b{batch:02d}" if batch is not None else ""
            path = f"images/{unit.name}/{kind}_{pole}{middle}_r{rank:02d}.png"
            content = path.encode()
            if with_files:
                file = folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                pixels = rng.integers(0, 256, (size_px, size_px, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(file)
                content = file.read_bytes()
            sign = -1 if pole == "min" else 1
            place = rank - 10 if pole == "min" else rank + 1
            if kind == "base":
                place = 10
            covered = kind in ("occluded", "blur")
            rows.append(
                asdict(unit)
                | {
                    "path": path,
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "kind": kind,
                    "pole": pole,
                    "rank": rank,
                    "batch": batch,
                    "seed": zlib.crc32(path.encode()) if kind == "synthetic" else None,
                    "activation": place + sign * 0.001 * (batch or 0),
                    "occluder_x_px": 2 * rank + (pole == "max") if covered else None,
                    "occluder_y_px": 4 if covered else None,
                    "occluder_size_px": 3 if covered else None,
                }
            )
    frame = pd.DataFrame(rows, columns=names(MANIFEST_COLUMNS))
    for column in MANIFEST_COLUMNS:
        if column.type == "int":
            frame[column.name] = frame[column.name].astype("Int64")
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(frame, folder / "manifest.csv", MANIFEST_COLUMNS)
    (folder / "set.yaml").write_text("name: toy\n", encoding="utf-8")
    if "occluded" in kinds:
        _write_queries(folder, frame)
    return folder


BASELINES = ("centre", "variance", "saliency")


def _write_queries(folder: Path, manifest: pd.DataFrame) -> None:
    """Say that every baseline is correct for the units of even channels."""
    pairs = manifest.loc[manifest["kind"] == "base", [*names(UNIT_COLUMNS), "batch"]]
    correct = {f"{name}_correct": pairs["channel"] % 2 == 0 for name in BASELINES}
    columns = (*UNIT_COLUMNS, Column("batch", "int", "Batch."), *baseline_columns(BASELINES))
    write_csv(pairs.assign(**correct), folder / QUERIES, columns)


def _images(
    kinds: Sequence[str], n_batches: int, n_synthetic: int, n_pairs: int, further: Sequence[int]
) -> Iterator[tuple[str, str, int | None, int]]:
    poles = ("min", "max")
    ranks = {"natural": 10, "blur": 9, "occluded": 1, "base": 1}
    for kind in kinds:
        if kind == "synthetic":
            for batch, number in enumerate((n_synthetic, *further)):
                yield from ((kind, pole, batch or None, r) for pole in poles for r in range(number))
            continue
        own = ("max",) if kind in ("base", "blur") else poles
        for pole in own:
            for batch in range(n_batches):
                yield from ((kind, pole, batch, rank) for rank in range(ranks[kind]))
            for batch in range(n_batches, n_batches + n_pairs if kind == "natural" else 0):
                yield from ((kind, pole, batch, rank) for rank in range(2))


@pytest.fixture(scope="session")
def stimulus_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stimulus set that the demo design can run on, shared and never changed."""
    return write_stimulus_set(tmp_path_factory.mktemp("stimuli") / "toy")
