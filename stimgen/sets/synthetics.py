"""Ranking of the rendered images of a set."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stimgen.sets.manifest import SetImage
from stimgen.visualization.goals import Goal
from stimgen.visualization.render import MASKS, mask_path, rendered_path
from unitscope.vocabulary import Unit


@dataclass(frozen=True)
class Candidate:
    """A rendered image without a rank."""

    goal: Goal
    seed: int
    file: Path


def candidates_of(goals: Sequence[Goal], rendered: Path) -> list[Candidate]:
    """Return the rendered images of the goals; ``rendered`` is their folder."""
    return [
        Candidate(goal, seed, rendered_path(rendered, goal, index))
        for goal in goals
        for index, seed in enumerate(goal.seeds)
    ]


def rank_synthetics(
    candidates: Sequence[Candidate], activations: Sequence[float], folder: Path
) -> list[tuple[SetImage, float]]:
    """Copy each goal's images into a set's folder, ranked in ascending order of activation.

    The opacities of images are copied to the folder ``transparency``.

    Parameters
    ----------
    candidates
        Rendered images of all goals.
    activations
        Activation of each candidate.
    folder
        Folder of the set.

    Returns
    -------
    list of (SetImage, float)
        The images with their activations.
    """
    by_goal: dict[tuple[Unit, str, int | None], list[tuple[float, int, Path]]] = {}
    for candidate, value in zip(candidates, activations, strict=True):
        goal = candidate.goal.unit, candidate.goal.pole, candidate.goal.batch
        by_goal.setdefault(goal, []).append((value, candidate.seed, candidate.file))
    ranked = []
    for (unit, pole, batch), images in by_goal.items():
        for rank, (value, seed, file) in enumerate(sorted(images)):
            image = SetImage(unit, "synthetic", pole, rank, batch, seed=seed)
            (folder / image.path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / image.path)
            if (mask := mask_path(file)).exists():
                shown = folder / MASKS / Path(image.path).relative_to("images")
                shown.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(mask, shown)
            ranked.append((image, float(value)))
    return ranked
