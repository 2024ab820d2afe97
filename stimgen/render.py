"""Feature visualizations for all units of a set, saved as they are finished."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from conditions.vocabulary import POLES, Unit
from stimgen.ascend import Goal, ascend
from stimgen.networks import Network
from stimgen.png import save_png
from stimgen.preprocessing import to_pictures
from stimgen.seeds import seed_of
from stimgen.settings import ActivationSettings
from stimgen.sweep import Sweep
from stimgen.synthetic_settings import SyntheticSettings
from stimgen.workers import with_network


class _Stopped(Exception):
    """Whoever wanted the images does so no longer."""


def goals_for(
    units: Sequence[Unit], settings: SyntheticSettings, seed: int, sweep: Sweep | None
) -> list[Goal]:
    """Return the goals of all units: both poles of each, in order.

    Parameters
    ----------
    units, settings
        What to make.
    seed
        Of the set.
    sweep
        Gives the units' standard deviations, where activation counts in these.
    """
    return [
        Goal(
            unit,
            pole,
            tuple(seed_of(seed, unit.name, pole, i) for i in range(settings.per_pole)),
            _sd(sweep, unit) if sweep and settings.activation_unit == "sd" else 1.0,
        )
        for unit in units
        for pole in POLES
    ]


def _sd(sweep: Sweep, unit: Unit) -> float:
    row = sweep.row(unit)
    moves = sweep.sd[row] > 1e-6 * abs(sweep.mean[row])
    return float(sweep.sd[row]) if moves else 1.0


def rendered_path(folder: Path, goal: Goal, index: int) -> Path:
    """Return where the image of a goal's seed lies before it has a rank."""
    return folder / goal.unit.name / f"{goal.pole}_i{index:02d}.png"


def render(
    network: Network,
    goals: Sequence[Goal],
    settings: SyntheticSettings,
    activation: ActivationSettings,
    shown_px: int,
    folder: Path,
    *,
    quiet: bool = False,
) -> None:
    """Render the goals' images that the folder lacks.

    Parameters
    ----------
    network, goals, settings, activation
        What to make, and how.
    shown_px
        Side of the saved images.
    folder
        Gets one folder a unit; see :func:`rendered_path`.
    quiet
        Whether to show no progress.
    """
    left = [
        goal
        for goal in goals
        if not all(rendered_path(folder, goal, i).exists() for i in range(len(goal.seeds)))
    ]
    stop = threading.Event()
    batches = list(_batches(network, left, settings.batch))
    total = len(batches) * settings.steps
    with tqdm(total=total, desc="render", unit="step", disable=quiet or not total) as progress:

        def after_step() -> None:
            if stop.is_set():
                raise _Stopped
            progress.update()

        def work(own: Network, batch: list[Goal]) -> None:
            images = ascend(own, batch, settings, activation, shown_px, after_step=after_step)
            for goal, group in zip(batch, images, strict=True):
                for index, picture in enumerate(to_pictures(group)):
                    save_png(_enlarge(picture, shown_px), rendered_path(folder, goal, index))

        for _ in with_network(network, work, batches, stop=stop):
            pass


def _batches(network: Network, goals: Sequence[Goal], size: int) -> Iterator[list[Goal]]:
    # A batch keeps to one layer: an image for an early layer need not pass the later ones.
    for layer in network.layers:
        batch: list[Goal] = []
        for goal in (goal for goal in goals if goal.unit.layer == layer.name):
            if batch and (len(batch) + 1) * len(goal.seeds) > size:
                yield batch
                batch = []
            batch.append(goal)
        if batch:
            yield batch


def _enlarge(picture: np.ndarray, size_px: int) -> np.ndarray:
    if picture.shape[0] == size_px:
        return picture
    image = Image.fromarray(picture).resize((size_px, size_px), Image.Resampling.LANCZOS)
    return np.asarray(image)
