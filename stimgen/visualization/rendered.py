"""Where rendered images lie until they have their ranks, and what lies beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stimgen.visualization.ascend import Goal

MASKS = "transparency"


def rendered_path(folder: Path, goal: Goal, index: int) -> Path:
    """Return where the image of a goal's seed lies before it has a rank."""
    return folder / goal.unit.name / f"{goal.pole}_i{index:02d}.png"


def mask_path(file: Path) -> Path:
    """Return where it lies how opaque a rendered image's pixels are to be shown."""
    return file.parent / MASKS / file.name


def found_path(folder: Path, goal: Goal) -> Path:
    """Return where it is written which diversity weight a search found for a goal."""
    return folder / goal.unit.name / f"{goal.pole}_diversity.json"


def read_found(folder: Path, goals: Sequence[Goal]) -> list[dict[str, Any]]:
    """Return what a search for diversity weights found: unit, pole, weight, and what it means.

    ``beats`` says whether each diverse image drives the unit further than all natural ones do;
    where it is false, not even a weight of 0 made it so.
    """
    return [
        {"unit": goal.unit.name, "pole": goal.pole, **json.loads(path.read_text(encoding="utf-8"))}
        for goal in goals
        if (path := found_path(folder, goal)).exists()
    ]
