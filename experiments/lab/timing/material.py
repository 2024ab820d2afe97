"""A stimulus set, a design and a condition table to measure with, in a folder of their own."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from conditions.design.design import Design
from conditions.design.reading import read_design
from conditions.trials.condition_tables import write_tables
from unitscope.columns import MANIFEST_COLUMNS, names
from unitscope.row_types import TrialRow
from unitscope.tables import write_csv
from unitscope.vocabulary import Unit

UNITS = 4
N_BATCHES, N_NATURAL = 2, 10


@dataclass(frozen=True)
class Material:
    """What a session needs.

    Parameters
    ----------
    design
        Two-alternative forced choice of one block.
    table
        Condition table of participant 1, a few trials long.
    stimuli
        Folder of its stimulus set.
    data
        Folder for logs.
    """

    design: Design
    table: Path
    stimuli: Path
    data: Path


def write_images(folder: Path, size_px: int) -> Path:
    """Write a stimulus set of coloured noise without a single grey pixel like the background's.

    Parameters
    ----------
    folder
        Folder of the set.
    size_px
        Side of an image.
    """
    rng = np.random.default_rng(7)
    rows = []
    for channel in range(UNITS):
        unit = Unit("timing", "noise", "1x1", channel)
        places = itertools.product(("min", "max"), range(N_BATCHES), range(N_NATURAL))
        for pole, batch, rank in places:
            path = f"images/{unit.name}/natural_{pole}_b{batch:02d}_r{rank:02d}.png"
            pixels = rng.integers(0, 80, (size_px, size_px, 3), dtype=np.uint8)
            pixels[..., 0] += 150
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / path, compress_level=1)
            place = rank - N_NATURAL if pole == "min" else rank + 1
            rows.append(
                asdict(unit)
                | {
                    "path": path,
                    "sha256": hashlib.sha256((folder / path).read_bytes()).hexdigest(),
                    "kind": "natural",
                    "pole": pole,
                    "rank": rank,
                    "batch": batch,
                    "activation": place + 0.001 * batch * (-1 if pole == "min" else 1),
                }
            )
    frame = pd.DataFrame(rows, columns=names(MANIFEST_COLUMNS))
    frame = frame.astype({c.name: "Int64" for c in MANIFEST_COLUMNS if c.type == "int"})
    write_csv(frame, folder / "manifest.csv", MANIFEST_COLUMNS)
    (folder / "set.yaml").write_text("name: noise\n", encoding="utf-8")
    return folder


def make_material(
    folder: Path,
    name: str,
    *,
    size_px: int = 224,
    references: bool = True,
    feedback: bool = False,
    **durations: float,
) -> Material:
    """Write what a session needs; images that exist already are reused.

    Parameters
    ----------
    folder
        Holds everything.
    name
        Name of the design.
    size_px
        Side of an image.
    references
        Whether a trial shows 20 images or only the 2 queries.
    feedback
        Whether the correct answer is shown.
    durations
        Of the phases, in seconds; others are 0.
    """
    stimuli = folder / f"noise_{size_px}"
    if not stimuli.exists():
        write_images(stimuli, size_px)
    condition = "natural" if references else "none"
    phases = dict.fromkeys(("fixation_s", "chosen_s", "feedback_s", "blank_s"), 0.0)
    settings: dict[str, Any] = {
        "name": name,
        "title": "Timing",
        "task": "two_afc",
        "stimulus_set": stimuli.name,
        "seed": 1,
        "participants": 1,
        "units": {"sample": {"main": UNITS}},
        "batches": {"practice": 0, "catch": 0, "first_main": 1, "last_main": N_BATCHES - 1},
        "references": {"per_side": 9},
        "blocks": {"trials": {"role": "main", "condition": condition, "trials": UNITS}},
        "orders": [["trials"]],
        "durations": phases | durations,
        "feedback": {"main": feedback, "block_score": False},
        "break_after": "none",
        "layout": {
            "unit": "px",
            "image": size_px,
            "gap": 7,
            "reference_offset": round(583 * size_px / 224),
            "query_offset": round(202 * size_px / 224),
            "queries": "vertical",
            "text": 26,
        },
    }
    path = folder / f"{name}.yaml"
    # JSON is YAML as well.
    path.write_text(json.dumps(settings), encoding="utf-8")
    (table,) = write_tables(path, stimuli, [1], folder / "tables")
    return Material(read_design(path), table, stimuli, folder / "data")


def repeated(rows: Sequence[TrialRow], trials: int) -> Iterator[TrialRow]:
    """Yield a number of rows by repeating those of a table."""
    for number, row in enumerate(itertools.islice(itertools.cycle(rows), trials), start=1):
        yield {**row, "trial_number": number, "trial_in_block": number}
