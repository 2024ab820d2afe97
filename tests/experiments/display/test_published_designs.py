"""A shortened version of every shipped design in a real window, a robot pressing real keys."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from conditions.design.reading import find_design, read_design, shipped_designs
from conditions.trials.condition_tables import images_of, read_table, write_tables
from tests.conditions.conftest import units_for
from tests.conftest import KINDS_OF_OCCLUSION, write_stimulus_set
from unitscope.columns import MANIFEST_COLUMNS, log_columns, table_columns
from unitscope.stimulus_set import MANIFEST, sha256_of
from unitscope.tables import read_csv, write_csv

pytestmark = [pytest.mark.slow, pytest.mark.window]

SCRIPTS = Path(__file__).parents[3] / "experiments"
TRIALS = 3


def shortened(name: str, folder: Path) -> Path:
    """Write the design with quick phases, and without the pages and ratings around its trials."""
    data = yaml.safe_load(find_design(name).read_text(encoding="utf-8"))
    data |= {"name": "short", "instructions": [], "consent": False, "comment": False}
    data["edited_tables"] = True  # for their first trials only
    for around in ("ratings", "explanation", "questions"):
        data.pop(around, None)
    quick = {"fixation_s": 0.1, "chosen_s": 0.05, "feedback_s": 0.1, "blank_s": 0.05}
    data["durations"] = quick | {"self_paced": data["durations"].get("self_paced", False)}
    if "table" in data["units"]:
        data["units"]["table"] = "units.csv"
        source = find_design(name).parent / read_design(name).units.table
        (folder / "units.csv").write_bytes(source.read_bytes())
    path = folder / "short.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def keep_few(stimuli: Path, table: Path) -> None:
    """Cut a table to its first trials, and give the images that they show real files."""
    rows = read_table(table).iloc[:TRIALS]
    columns = table_columns(str(rows["task"].iloc[0]))
    manifest = read_csv(stimuli / MANIFEST, MANIFEST_COLUMNS).set_index("path", drop=False)
    rng = np.random.default_rng(0)
    for image in images_of(rows):
        file = stimuli / image
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (7, 7, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((224, 224)).save(file)
        manifest.loc[image, "sha256"] = sha256_of(file)
    write_csv(manifest, stimuli / MANIFEST, MANIFEST_COLUMNS)
    rows = rows.assign(manifest_sha256=sha256_of(stimuli / MANIFEST))
    write_csv(pd.DataFrame(rows), table, columns)


@pytest.mark.parametrize("name", shipped_designs())
def test_a_robot_goes_through_it(name, virtual_screen, tmp_path):
    design = read_design(name)
    stimuli = write_stimulus_set(
        tmp_path / "set",
        units=units_for(design),
        n_batches=20 if design.units.table else 5,
        n_synthetic=10,
        kinds=KINDS_OF_OCCLUSION if design.task == "occlusion" else ("natural", "synthetic"),
        with_files=False,
    )
    short = shortened(name, tmp_path)
    (table,) = write_tables(short, stimuli, [2], tmp_path / "tables")
    keep_few(stimuli, table)
    command = [sys.executable, str(SCRIPTS / f"{design.task}.py"), "--robot", "graded"]
    command += ["--design", str(short), "--table", str(table), "--participant", "p002"]
    command += ["--stimuli", str(stimuli), "--data", str(tmp_path / "data")]
    done = subprocess.run(
        command, env=virtual_screen, cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "data" / "short" / "sub-p002" / "ses-01"
    log = read_csv(folder / "trials.csv", log_columns(design.task))
    assert 1 <= len(log) <= TRIALS
    assert (log["rt_s"] > 0).all()
    assert log["response_source"].str.startswith("keyboard-ptb").all()
