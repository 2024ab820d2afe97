"""Feature visualizations for all units of a set, saved as they are finished."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from conditions.vocabulary import POLES, Unit
from stimgen.ascend import Goal, ascend
from stimgen.device_memory import Parts
from stimgen.diversity_search import Found, search_diversity
from stimgen.methods import open_method
from stimgen.networks import Network
from stimgen.parametrization import Start
from stimgen.png import save_png
from stimgen.preprocessing import to_pictures, to_tensor
from stimgen.ranks import Ranks
from stimgen.seeds import seed_of
from stimgen.settings import ActivationSettings
from stimgen.sweep import Sweep
from stimgen.synthetic_settings import SyntheticSettings
from stimgen.unfinished import Unfinished
from stimgen.workers import with_network

_UNFINISHED = "unfinished"


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
        Gives the units' standard deviations, where activation counts in these, and the strongest
        natural images, where a search has to beat them.
    """
    return [
        Goal(
            unit,
            pole,
            tuple(seed_of(seed, unit.name, pole, i) for i in range(settings.per_pole)),
            _sd(sweep, unit) if sweep and settings.activation_unit == "sd" else 1.0,
            strongest=_strongest(sweep, unit, pole) if sweep and settings.search else None,
        )
        for unit in units
        for pole in POLES
    ]


def _sd(sweep: Sweep, unit: Unit) -> float:
    row = sweep.row(unit)
    moves = sweep.sd[row] > 1e-6 * abs(sweep.mean[row])
    return float(sweep.sd[row]) if moves else 1.0


def _strongest(sweep: Sweep, unit: Unit, pole: str) -> float:
    values = sweep.top_values if pole == "max" else sweep.bottom_values
    return float(values[sweep.row(unit), 0])


def rendered_path(folder: Path, goal: Goal, index: int) -> Path:
    """Return where the image of a goal's seed lies before it has a rank."""
    return folder / goal.unit.name / f"{goal.pole}_i{index:02d}.png"


def found_path(folder: Path, goal: Goal) -> Path:
    """Return where it is written which diversity weight a search found for a goal."""
    return folder / goal.unit.name / f"{goal.pole}_diversity.json"


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
    batches = list(_batches(network, goals, settings.batch))[ranks.rank :: ranks.world]
    left = [batch for batch in batches if not all(path.exists() for path in _files(batch, folder))]
    stop = threading.Event()
    n_left = sum(len(batch) for batch in left)
    total = n_left * settings.per_pole * settings.longest
    quiet = quiet or not ranks.is_first or not total
    with tqdm(total=total, desc="render", unit="step", unit_scale=True, disable=quiet) as progress:
        parts = Parts(
            settings.batch // max(1, settings.per_pole),
            "unit",
            lambda sentence: progress.write(sentence),
        )
        start = start or (open_method(settings, network) if left else None)

        def work(own: Network, batch: list[Goal]) -> None:
            _Batch(
                own, batch, settings, activation, shown_px, folder, start, parts, progress, stop,
                every_s,
            ).run()  # fmt: skip

        for _ in with_network(network, work, left, stop=stop):
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


Pictures = list[np.ndarray]


@dataclass
class _Batch:
    """The work on one batch of goals."""

    network: Network
    goals: list[Goal]
    settings: SyntheticSettings
    activation: ActivationSettings
    shown_px: int
    folder: Path
    start: Start | None
    parts: Parts
    progress: tqdm
    stop: threading.Event
    every_s: float
    _kept: list[Unfinished] = field(default_factory=list)
    _counted: int = 0

    def run(self) -> None:
        """Make the images and save those that the folder lacks."""
        if self.settings.search is None:
            made = self._make(self.goals)
        else:
            found = search_diversity(self.goals, self.settings.search, self._make, self._beats)
            made = [one.images for one in found]
            for goal, one in zip(self.goals, found, strict=True):
                self._note(goal, one)
        for goal, pictures in zip(self.goals, made, strict=True):
            for index, picture in enumerate(pictures):
                path = rendered_path(self.folder, goal, index)
                if not path.exists():
                    save_png(picture, path)
        for unfinished in self._kept:
            unfinished.clear()
        wanted = len(self.goals) * self.settings.per_pole * self.settings.longest
        self.progress.update(wanted - self._counted)

    def _make(self, goals: Sequence[Goal]) -> list[Pictures]:
        return self.parts.work(self._make_part, goals)

    def _make_part(self, goals: Sequence[Goal]) -> list[Pictures]:
        unfinished = Unfinished(self._path_for(goals), every_s=self.every_s)
        self._kept.append(unfinished)
        n_images = len(goals) * self.settings.per_pole
        n_before, state = unfinished.load()
        if "pictures" not in state:

            def after_step(n_steps: int) -> None:
                nonlocal n_before
                if self.stop.is_set():
                    raise _Stopped
                self.progress.update((n_steps - n_before) * n_images)
                self._counted += (n_steps - n_before) * n_images
                n_before = n_steps

            images = ascend(
                self.network,
                goals,
                self.settings,
                self.activation,
                self.shown_px,
                start=self.start,
                unfinished=unfinished,
                after_step=after_step,
            )
            made = [_enlarge(p, self.shown_px) for p in to_pictures(images.flatten(0, 1))]
            state = {"pictures": np.stack(made)}
            if self.settings.search:  # whose next steps depend on these
                unfinished.save(self.settings.steps, state)
        pictures = state["pictures"].reshape(len(goals), -1, self.shown_px, self.shown_px, 3)
        return [list(group) for group in pictures]

    def _path_for(self, goals: Sequence[Goal]) -> Path:
        """Return a path that no optimisation has which would go on otherwise."""
        content = {
            "goals": [dataclasses.asdict(goal) for goal in goals],
            "settings": dataclasses.asdict(self.settings),
            "activation": dataclasses.asdict(self.activation),
            "network": [self.network.name, self.network.weights_sha256, self.network.input_px],
            "shown_px": self.shown_px,
            # Others round otherwise.
            "computed": [self.network.device.type, torch.__version__],
        }
        mark = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return self.folder / _UNFINISHED / f"{mark[:32]}.npz"

    def _beats(self, goal: Goal, pictures: Pictures) -> bool:
        """Return whether even the weakest of the diverse images beats the natural ones."""
        if goal.strongest is None:
            raise ValueError("a search needs to know the strongest natural image")
        diverse = pictures[: len(pictures) - self.settings.plain_per_pole]
        values = self.network.activations(
            to_tensor(diverse, self.network.device),
            [goal.unit.layer],
            self.activation.side,
            self.activation.reduction,
        )[:, goal.unit.channel]
        return bool((goal.sign * values).min() > goal.sign * goal.strongest)

    def _note(self, goal: Goal, found: Found[Pictures]) -> None:
        path = found_path(self.folder, goal)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"diversity_weight": found.weight, "beats": found.beats}))


def _enlarge(picture: np.ndarray, size_px: int) -> np.ndarray:
    if picture.shape[0] == size_px:
        return picture
    image = Image.fromarray(picture).resize((size_px, size_px), Image.Resampling.LANCZOS)
    return np.asarray(image)
