"""Speed of condition tables: made, made again and checked, at two sizes of study and set.

    python benchmarks/table_speed.py

Writes stimulus sets of tiny images and condition tables into a temporary folder and prints a
Markdown table of the processor's time, which does not depend on what else the machine does.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from conditions.__main__ import main as conditions
from conditions.design.reading import find_design
from unitscope.columns import MANIFEST_COLUMNS, names
from unitscope.tables import write_csv

PARTICIPANTS = (100, 1000)
IMAGES = (5000, 20000)
PER_UNIT = 125
DESIGN = "demo_two_afc"


def write_set(folder: Path, n_images: int) -> None:
    """Write images of 8 px and their manifest, 125 for each unit."""
    natural = itertools.product(["natural"], ("min", "max"), range(5), range(10))
    synthetic = itertools.product(["synthetic"], ("min", "max"), [None], range(10))
    places = [*natural, *synthetic]
    places += [("natural", "max", 5, rank) for rank in range(PER_UNIT - len(places))]
    rng = np.random.default_rng(0)
    rows = []
    for channel in range(n_images // PER_UNIT):
        own = folder / "images" / f"mixed4a-3x3-{channel:04d}"
        own.mkdir(parents=True)
        for kind, pole, batch, rank in places:
            path = own / f"{kind}_{pole}_{batch}_{rank}.png"
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
            rows.append(
                {
                    "path": path.relative_to(folder).as_posix(),
                    "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                    "network": "toy",
                    "layer": "mixed4a",
                    "branch": "3x3",
                    "channel": channel,
                    "kind": kind,
                    "pole": pole,
                    "rank": rank,
                    "batch": batch,
                    "activation": rank - 10.0 if pole == "min" else rank + 1.0,
                }
            )
    frame = pd.DataFrame(rows, columns=names(MANIFEST_COLUMNS))
    whole = {column.name: "Int64" for column in MANIFEST_COLUMNS if column.type == "int"}
    write_csv(frame.astype(whole), folder / "manifest.csv", MANIFEST_COLUMNS)


def write_design(folder: Path, n_units: int) -> Path:
    """Write the demo's design for as many participants, and all units of the set."""
    design = yaml.safe_load(find_design(DESIGN).read_bytes())
    design["participants"] = max(PARTICIPANTS)
    design["units"] = {"sample": {"main": n_units - 3, "practice": 3}}
    path = folder / f"{DESIGN}.yaml"
    path.write_text(yaml.safe_dump(design, sort_keys=False), encoding="utf-8")
    return path


def seconds(*words: object) -> float:
    """Return the processor's time of a command of ``python -m conditions``."""
    before = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        if conditions([str(word) for word in words]):
            raise SystemExit(1)
    return time.process_time() - before


def main() -> None:
    """Print the table."""
    print("| participants | images | make (s) | make again (s) | check (s) |")
    print("|---|---|---|---|---|")
    for n_images, participants in itertools.product(IMAGES, PARTICIPANTS):
        with tempfile.TemporaryDirectory() as folder:
            base = Path(folder)
            write_set(base / "toy", n_images)
            design = write_design(base, n_images // PER_UNIT)
            make = ("make", design, "--stimuli", base / "toy", "--tables", base / "tables")
            make = (*make, "--participants", f"1-{participants}")
            made, again = (seconds(*make) for _ in range(2))
            tables = sorted((base / "tables" / DESIGN).glob("*.csv"))
            check = ("check", *tables, "--design", design, "--stimuli", base / "toy")
            checked = seconds(*check)
            figures = " | ".join(f"{value:.1f}" for value in (made, again, checked))
            print(f"| {participants:,} | {n_images:,} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
