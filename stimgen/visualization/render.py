"""Rendering of the feature visualizations of all units of a set."""

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
from stimgen.networks.compute_device import memory_gib
from stimgen.networks.network import Network
from stimgen.networks.preprocessing import to_8bit, to_tensor
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.synthetic_settings import SyntheticSettings
from stimgen.sweeps.halving import Halving
from stimgen.sweeps.ranks import Ranks
from stimgen.sweeps.workers import with_network
from stimgen.visualization.ascend import ascend
from stimgen.visualization.diversity_search import SearchResult, search_diversity
from stimgen.visualization.goals import Goal
from stimgen.visualization.parametrization import Start
from stimgen.visualization.rendering_methods import open_method
from stimgen.visualization.saved_state import SavedState
from unitscope.disk import write_file

MASKS = "transparency"


_UNFINISHED = "unfinished"


class _Stopped(Exception):
    """Rendering was stopped from outside."""


TOGETHER = 36
"""Images optimised together on CPUs, which larger batches make no faster."""

TOGETHER_BY_GIB = {40: 384, 20: 144}
"""Images optimised together on CUDA devices with at least so much memory."""


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

    Batches are always made of the same goals, whatever already exists, so that interrupted work
    ends with the same images. The optimisations in progress lie in a folder of their own within
    ``folder``, which is gone at the end.

    Parameters
    ----------
    network, goals, settings, activation
        What to render, and how.
    shown_px
        Side of the saved images.
    folder
        Gets one folder per unit; see :func:`rendered_path`.
    start
        Starts the images' parametrization; by default that of the settings' method.
    ranks
        Rank of this process, each of which renders its share into the same folder.
    every_s
        Shortest time between two writes of an optimisation's state, in seconds.
    quiet
        Whether to show no progress.

    Examples
    --------
    >>> import tempfile
    >>> from stimgen.networks.registry import load_network
    >>> network = load_network("demo")
    >>> goal = Goal(network.unit("inception3a", "1x1", 3), "max", seeds=(1, 2))
    >>> settings = SyntheticSettings(
    ...     per_pole=2, steps=1, image_px=48, margin_px=4, jitter_px=(4, 2)
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     out = Path(folder)
    ...     render(network, [goal], settings, ActivationSettings(), 64, out, quiet=True)
    ...     sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png"))
    ['inception3a-1x1-0003/max_i00.png', 'inception3a-1x1-0003/max_i01.png']
    """
    ranks = ranks or Ranks()
    # Lucid's transforms are those of a whole batch: an image would depend on the other goals' ones.
    batch = settings.batch or images_together(network.device, _n_images(goals), ranks.world)
    together = 1 if settings.transforms == "lucid" else batch
    own = list(_batches(network, goals, together))[ranks.rank :: ranks.world]
    left = [batch for batch in own if not all(path.exists() for path in _files(batch, folder))]
    total = sum(_n_images(batch) for batch in left) * settings.longest
    quiet = quiet or not ranks.is_first or not left
    with tqdm(total=total, desc="render", unit="step", unit_scale=True, disable=quiet) as progress:
        job = _RenderJob(
            settings,
            activation,
            shown_px,
            folder,
            start or open_method(settings, network),
            every_s,
            Halving("unit", max(1, batch // max(1, settings.per_pole))),
            progress,
        )
        for _ in with_network(network, job.do, left, stop=job.stop):
            pass
    with suppress(OSError):  # other ranks may be using it
        (folder / _UNFINISHED).rmdir()


def images_together(device: torch.device, n_images: int, world: int = 1) -> int:
    """Return how many images are optimised together, unless the settings say so.

    On CPUs a fixed number; CUDA devices take as many as their memory is made for, but no more than
    their share of all images.

    Parameters
    ----------
    device
        Device of the network.
    n_images, world
        Number of all images, and of processes that share them.

    Examples
    --------
    >>> images_together(torch.device("cpu"), n_images=10_000) == TOGETHER
    True
    """
    if device.type != "cuda":
        return TOGETHER
    most = next((n for gib, n in TOGETHER_BY_GIB.items() if memory_gib(device) >= gib), TOGETHER)
    return min(most, max(TOGETHER, -(-n_images // world)))


def _n_images(goals: Sequence[Goal]) -> int:
    return sum(len(goal.seeds) for goal in goals)


def _files(batch: Sequence[Goal], folder: Path) -> list[Path]:
    return [rendered_path(folder, goal, i) for goal in batch for i in range(len(goal.seeds))]


def _batches(network: Network, goals: Sequence[Goal], size: int) -> Iterator[list[Goal]]:
    # All goals of a batch are of one layer, so that no pass goes beyond the layer needed, and have
    # the same number of images.
    for layer in network.layers:
        batch: list[Goal] = []
        for goal in (goal for goal in goals if goal.unit.layer == layer.name):
            full = (len(batch) + 1) * len(goal.seeds) > size
            if batch and (full or len(goal.seeds) != len(batch[0].seeds)):
                yield batch
                batch = []
            batch.append(goal)
        if batch:
            yield batch


Rendered = list[np.ndarray]


@dataclass(frozen=True)
class _RenderJob:
    """Renders batches of goals, with the same settings and progress bar."""

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
        """Render a batch's images and save those that the folder lacks."""
        batch = _GoalBatch(self, network)
        if self.settings.search is None:
            made = batch.make(goals)
        else:
            found = search_diversity(goals, self.settings.search, batch.make, batch.beats)
            made = [one.images for one in found]
            for goal, one in zip(goals, found, strict=True):
                self._write_result(goal, one)
        for goal, images in zip(goals, made, strict=True):
            for index, image in enumerate(images):
                path = rendered_path(self.folder, goal, index)
                if not path.exists():
                    if image.shape[2] == 4:
                        save_png(image[..., 3], mask_path(path))
                    save_png(image[..., :3], path)
        batch.finish(_n_images(goals) * self.settings.longest)

    def _write_result(self, goal: Goal, found: SearchResult[Rendered]) -> None:
        path = found_path(self.folder, goal)
        write_file(path, json.dumps({"diversity_weight": found.weight, "beats": found.beats}))


@dataclass
class _GoalBatch:
    """A batch of goals: the files of its optimisations, and the number of steps done."""

    job: _RenderJob
    network: Network
    files: list[SavedState] = field(default_factory=list)
    n_steps: int = 0

    def make(self, goals: Sequence[Goal]) -> list[Rendered]:
        """Return the images of goals in 8 bit."""
        return list(itertools.chain(*self.job.fitting(self._make_part, goals)))

    def beats(self, goal: Goal, images: Rendered) -> bool:
        """Return whether every diverse image beats all natural ones."""
        if goal.strongest is None:
            raise ValueError("a search needs the activation of the most extreme natural image")
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
        """Remove the saved states, and advance the progress bar by the steps not needed."""
        for saved in self.files:
            saved.clear()
        self.job.progress.update(longest - self.n_steps)

    def _make_part(self, goals: Sequence[Goal]) -> list[Rendered]:
        job, shown_px = self.job, self.job.shown_px
        saved = SavedState(self._path_for(goals), every_s=job.every_s)
        self.files.append(saved)
        n_before, state = saved.load()

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
                start=job.start,
                saved=saved,
                after_step=after_step,
            )
            made = [enlarge(image, shown_px) for image in to_8bit(images.flatten(0, 1))]
            state = {"images": np.stack(made)}
            if job.settings.search:  # whose next weights depend on these images
                saved.save(job.settings.steps, state)
        return [list(group) for group in np.split(state["images"], len(goals))]

    def _path_for(self, goals: Sequence[Goal]) -> Path:
        """Return a path that differs between optimisations whose states differ."""
        content = {
            "format": 3,
            "goals": [dataclasses.asdict(goal) for goal in goals],
            "settings": dataclasses.asdict(self.job.settings),
            "activation": dataclasses.asdict(self.job.activation),
            "network": [self.network.name, self.network.weights_sha256, self.network.input_px],
            "shown_px": self.job.shown_px,
            # These change rounding.
            "computed": [self.network.device.type, self.network.precision, torch.__version__],
        }
        mark = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return self.job.folder / _UNFINISHED / f"{mark[:32]}.npz"


def rendered_path(folder: Path, goal: Goal, index: int) -> Path:
    """Return the path of an image of a goal, by the index of its seed.

    Examples
    --------
    >>> from unitscope.vocabulary import Unit
    >>> goal = Goal(Unit("demo", "inception3a", "1x1", 3), "max", seeds=(1, 2))
    >>> rendered_path(Path("rendered"), goal, 1).as_posix()
    'rendered/inception3a-1x1-0003/max_i01.png'
    """
    return folder / goal.unit.name / f"{_stem(goal)}_i{index:02d}.png"


def _stem(goal: Goal) -> str:
    return goal.pole if goal.batch is None else f"{goal.pole}_b{goal.batch:02d}"


def mask_path(file: Path) -> Path:
    """Return the path of the opacity of a rendered image.

    Examples
    --------
    >>> mask_path(Path("rendered/inception3a-1x1-0003/max_i01.png")).as_posix()
    'rendered/inception3a-1x1-0003/transparency/max_i01.png'
    """
    return file.parent / MASKS / file.name


def found_path(folder: Path, goal: Goal) -> Path:
    """Return the path of the result of a search for a goal's diversity weight.

    Examples
    --------
    >>> from unitscope.vocabulary import Unit
    >>> goal = Goal(Unit("demo", "inception3a", "1x1", 3), "max", seeds=(1, 2))
    >>> found_path(Path("rendered"), goal).as_posix()
    'rendered/inception3a-1x1-0003/max_diversity.json'
    """
    return folder / goal.unit.name / f"{_stem(goal)}_diversity.json"


def read_found(folder: Path, goals: Sequence[Goal]) -> list[dict[str, Any]]:
    """Return the results of a search for diversity weights: unit, pole, weight, and ``beats``.

    ``beats`` is whether every diverse image activates the unit further than all natural ones; if it
    is false, not even a weight of 0 was small enough.

    Examples
    --------
    Goals for which no search has been made are missing:

    >>> from unitscope.vocabulary import Unit
    >>> goal = Goal(Unit("demo", "inception3a", "1x1", 3), "max", seeds=(1, 2))
    >>> read_found(Path("rendered"), [goal])
    []
    """
    return [
        {"unit": goal.unit.name, "pole": goal.pole, **json.loads(path.read_text(encoding="utf-8"))}
        for goal in goals
        if (path := found_path(folder, goal)).exists()
    ]
