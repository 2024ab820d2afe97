"""Feature visualizations for all units of a set, saved as they are finished."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from stimgen.files import enlarge, save_png
from stimgen.networks.network import Network
from stimgen.networks.preprocessing import to_8bit, to_tensor
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.synthetic_settings import SyntheticSettings
from stimgen.sweeps.halving import Halving
from stimgen.sweeps.ranks import Ranks
from stimgen.sweeps.workers import with_network
from stimgen.visualization.ascend import ascend
from stimgen.visualization.diversity_search import Found, search_diversity
from stimgen.visualization.goals import Goal
from stimgen.visualization.methods import open_method
from stimgen.visualization.parametrization import Start
from stimgen.visualization.saved_state import Unfinished

MASKS = "transparency"


_UNFINISHED = "unfinished"


class _Stopped(Exception):
    """Whoever wanted the images does so no longer."""


def render(
    network: Network,
    goals: Sequence[Goal],
    settings: SyntheticSettings,
    activation: ActivationSettings,
    shown_px: int,
    folder: Path,
    *,
    start: Start | None = None,
    ranks: Ranks | None = None,
    every_s: float = 60.0,
    quiet: bool = False,
) -> None:
    """Render the goals' images that the folder lacks.

    Batches are always made of the same goals, whatever is there already, so that interrupted work
    ends with the same images. The optimisations in progress lie in a folder of their own within
    ``folder``, which is gone at the end.

    Parameters
    ----------
    network, goals, settings, activation
        What to make, and how.
    shown_px
        Side of the saved images.
    folder
        Gets one folder a unit; see :func:`rendered_path`.
    start
        What the images are made of; what the settings' method says if None.
    ranks
        This process among others that render their share into the same folder.
    every_s
        Shortest time between two times of writing down an optimisation in progress.
    quiet
        Whether to show no progress.
    """
    ranks = ranks or Ranks()
    own = list(_batches(network, goals, settings.batch))[ranks.rank :: ranks.world]
    left = [batch for batch in own if not all(path.exists() for path in _files(batch, folder))]
    total = sum(map(len, left)) * settings.per_pole * settings.longest
    quiet = quiet or not ranks.is_first or not left
    with tqdm(total=total, desc="render", unit="step", unit_scale=True, disable=quiet) as progress:
        job = _Job(
            settings,
            activation,
            shown_px,
            folder,
            start or open_method(settings, network),
            every_s,
            Halving("unit", max(1, settings.batch // max(1, settings.per_pole))),
            progress,
        )
        for _ in with_network(network, job.do, left, stop=job.stop):
            pass
    with suppress(OSError):  # others may be at work in it
        (folder / _UNFINISHED).rmdir()


def _files(batch: Sequence[Goal], folder: Path) -> list[Path]:
    return [rendered_path(folder, goal, i) for goal in batch for i in range(len(goal.seeds))]


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


Rendered = list[np.ndarray]


@dataclass(frozen=True)
class _Job:
    """What is the same for all batches."""

    settings: SyntheticSettings
    activation: ActivationSettings
    shown_px: int
    folder: Path
    start: Start
    every_s: float
    fitting: Halving
    progress: tqdm
    stop: threading.Event = field(default_factory=threading.Event)

    def do(self, network: Network, goals: list[Goal]) -> None:
        """Make a batch's images and save those that the folder lacks."""
        batch = _Batch(self, network)
        if self.settings.search is None:
            made = batch.make(goals)
        else:
            found = search_diversity(goals, self.settings.search, batch.make, batch.beats)
            made = [one.images for one in found]
            for goal, one in zip(goals, found, strict=True):
                self._note(goal, one)
        for goal, images in zip(goals, made, strict=True):
            for index, image in enumerate(images):
                path = rendered_path(self.folder, goal, index)
                if not path.exists():
                    if image.shape[2] == 4:
                        save_png(image[..., 3], mask_path(path))
                    save_png(image[..., :3], path)
        batch.finish(len(goals) * self.settings.per_pole * self.settings.longest)

    def _note(self, goal: Goal, found: Found[Rendered]) -> None:
        path = found_path(self.folder, goal)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"diversity_weight": found.weight, "beats": found.beats}))


@dataclass
class _Batch:
    """The work on one batch: what is kept until it is finished, and how many steps it took."""

    job: _Job
    network: Network
    kept: list[Unfinished] = field(default_factory=list)
    n_steps: int = 0

    def make(self, goals: Sequence[Goal]) -> list[Rendered]:
        """Return the images of goals as they are saved."""
        return list(itertools.chain(*self.job.fitting(self._make_part, goals)))

    def beats(self, goal: Goal, images: Rendered) -> bool:
        """Return whether even the weakest of the diverse images beats the natural ones."""
        if goal.strongest is None:
            raise ValueError("a search needs to know the strongest natural image")
        n_diverse = len(images) - self.job.settings.plain_per_pole
        diverse = [image[..., :3] for image in images[:n_diverse]]
        values = self.network.activations(
            to_tensor(diverse, self.network.device),
            [goal.unit.layer],
            self.job.activation.side,
            self.job.activation.reduction,
        )[:, goal.unit.channel]
        return bool((goal.sign * values).min() > goal.sign * goal.strongest)

    def finish(self, longest: int) -> None:
        """Forget what is kept, and show the steps that were not needed as made."""
        for unfinished in self.kept:
            unfinished.clear()
        self.job.progress.update(longest - self.n_steps)

    def _make_part(self, goals: Sequence[Goal]) -> list[Rendered]:
        job, shown_px = self.job, self.job.shown_px
        unfinished = Unfinished(self._path_for(goals), every_s=job.every_s)
        self.kept.append(unfinished)
        n_before, state = unfinished.load()

        def after_step(n_steps: int) -> None:
            nonlocal n_before
            if job.stop.is_set():
                raise _Stopped
            made = (n_steps - n_before) * sum(len(goal.seeds) for goal in goals)
            job.progress.update(made)
            self.n_steps += made
            n_before = n_steps

        if "images" not in state:
            images = ascend(
                self.network,
                goals,
                job.settings,
                job.activation,
                shown_px,
                start=job.start,
                unfinished=unfinished,
                after_step=after_step,
            )
            made = [enlarge(image, shown_px) for image in to_8bit(images.flatten(0, 1))]
            state = {"images": np.stack(made)}
            if job.settings.search:  # whose next steps depend on these
                unfinished.save(job.settings.steps, state)
        return [list(group) for group in np.split(state["images"], len(goals))]

    def _path_for(self, goals: Sequence[Goal]) -> Path:
        """Return a path that no optimisation has which would go on otherwise."""
        content = {
            "goals": [dataclasses.asdict(goal) for goal in goals],
            "settings": dataclasses.asdict(self.job.settings),
            "activation": dataclasses.asdict(self.job.activation),
            "network": [self.network.name, self.network.weights_sha256, self.network.input_px],
            "shown_px": self.job.shown_px,
            # Others round otherwise.
            "computed": [self.network.device.type, self.network.precision, torch.__version__],
        }
        mark = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return self.job.folder / _UNFINISHED / f"{mark[:32]}.npz"


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
