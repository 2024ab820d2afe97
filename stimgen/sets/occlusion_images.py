"""Base images, occluded queries and blurred references, chosen by their activation maps."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stimgen.files import read_png, save_png
from stimgen.networks.network import Network
from stimgen.networks.rounding import agree
from stimgen.occlusion.activation_maps import QueryPair, choose_queries
from stimgen.occlusion.baselines import Baseline, find_baselines, is_correct
from stimgen.occlusion.patches import Edit, Patch, apply
from stimgen.occlusion.saliency import NamedImage
from stimgen.sets.manifest import SetImage
from stimgen.sets.measure import measure
from stimgen.sets.occlusion_maps import MapJob, edit_of, jobs_for, load_map, write_maps
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.occlusion_settings import OcclusionSettings
from unitscope.errors import BadInput
from unitscope.queries import QUERIES, QUERY_COLUMNS, baseline_columns
from unitscope.tables import write_csv
from unitscope.vocabulary import Unit


@dataclass(frozen=True)
class Occluded:
    """Rows of the manifest, and entries of ``set.yaml``."""

    rows: list[dict[str, Any]]
    facts: dict[str, Any]


@dataclass
class Occluder:
    """Makes the occlusion stimuli from the natural images in a set's folder.

    Parameters
    ----------
    network, activation, settings
        Network, and what to compute.
    n_batches
        Number of batches of the set, without those of pairs.
    only
        Batches of units that need only some.
    base
        Folder to which paths in the settings are relative.
    quiet
        Whether to show no progress.
    """

    network: Network
    activation: ActivationSettings
    settings: OcclusionSettings
    n_batches: int
    only: dict[Unit, tuple[int, ...]] = field(default_factory=dict)
    base: Path = Path()
    quiet: bool = False

    @cached_property
    def baselines(self) -> dict[str, Baseline]:
        """Baselines whose answers are recorded for each query pair, by name."""
        return find_baselines(self.settings, self.base)

    def run(self, naturals: Sequence[SetImage], folder: Path) -> Occluded:
        """Write the maps, images and ``queries.csv`` that the folder lacks.

        Raises
        ------
        BadInput
            If there are no suitable natural images, or no base image allows a query pair.
        """
        baselines = self.baselines
        jobs = jobs_for(naturals, self.settings, self.n_batches, self.only)
        if not jobs:
            raise BadInput(f"{folder}: has no natural max images in batches to occlude")
        write_maps(self.network, jobs, self.settings, self.activation, folder, quiet=self.quiet)
        images, queries, excluded = save_images(jobs, self.settings, baselines, folder)
        write_queries(queries, baselines, folder)
        rows = measured_rows(self.network, images, self.activation, folder, quiet=self.quiet)
        return Occluded(rows, {"baselines": sorted(baselines), "left_out": excluded})


@dataclass(frozen=True)
class Expected:
    """An image with its activation according to its map."""

    image: SetImage
    activation: float


def save_images(
    jobs: Sequence[MapJob],
    settings: OcclusionSettings,
    baselines: Mapping[str, Baseline],
    folder: Path,
) -> tuple[list[Expected], list[dict[str, Any]], list[str]]:
    """Save the images that a set's folder lacks.

    Parameters
    ----------
    jobs
        Jobs whose maps are in the folder, a batch's base image before its references.
    settings
        Constraints on the pairs of positions.
    baselines
        Baselines whose answers are recorded for each query pair, by name.
    folder
        Folder of the set.

    Returns
    -------
    images : list of Expected
        All images: for each batch the base, the two queries and the blurred references.
    queries : list of dict
        A row of ``queries.csv`` for each pair.
    excluded : list of str
        Base images that allow no pair; their batches have no blurred references either.

    Raises
    ------
    BadInput
        If no base image allows a pair.
    """
    images: list[Expected] = []
    queries: list[dict[str, Any]] = []
    excluded: list[str] = []
    for job in jobs:
        values, base, *_ = load_map(folder / job.map_path)
        edit = edit_of(job.kind, read_png(folder / job.natural.path), settings)
        batch = f"{job.natural.unit.name}, batch {job.natural.batch}"
        if job.kind == "blur":
            if batch not in excluded:  # without queries no trial shows its references
                images.append(_blurred(job, edit, values, settings, folder))
            continue
        pair = choose_queries(values, base, settings)
        if pair is None:
            excluded.append(batch)
            continue
        whole = dataclasses.replace(job.natural, kind="base")
        images.append(_save(Expected(whole, base), edit, folder))
        for rank, (pole, patch, value) in enumerate(
            (("min", pair.low, pair.low_activation), ("max", pair.high, pair.high_activation))
        ):
            hidden = dataclasses.replace(
                job.natural, kind="occluded", pole=pole, rank=rank, patch=patch
            )
            images.append(_save(Expected(hidden, value), edit, folder))
        queries.append(_query_row(job, pair, edit.base, baselines))
    if jobs and not queries:
        raise BadInput("no base image allows a query pair; relax occlusion's constraints")
    return images, queries, excluded


def _blurred(
    job: MapJob, edit: Edit, values: np.ndarray, settings: OcclusionSettings, folder: Path
) -> Expected:
    row, column = divmod(int(values.argmax()), values.shape[1])
    stride = settings.stride_px
    window = Patch(column * stride, row * stride, settings.size_px)
    sharp = dataclasses.replace(job.natural, kind="blur", patch=window)
    return _save(Expected(sharp, float(values.max())), edit, folder)


def _save(expected: Expected, edit: Edit, folder: Path) -> Expected:
    patch, file = expected.image.patch, folder / expected.image.path
    if not file.exists():
        save_png(edit.base if patch is None else apply(edit, patch), file)
    return expected


def measured_rows(
    network: Network,
    images: Sequence[Expected],
    activation: ActivationSettings,
    folder: Path,
    *,
    quiet: bool = False,
) -> list[dict[str, Any]]:
    """Return the manifest's rows with the measured activations, which must agree with the maps.

    Raises
    ------
    BadInput
        If the measured activation differs from the map's.
    """
    files = [(folder / e.image.path, e.image.unit) for e in images]
    found = measure(network, files, activation, quiet=quiet)
    for (file, _), expected, value in zip(files, images, found, strict=True):
        if not agree(float(value), expected.activation, network.precision):
            raise BadInput(
                f"{file}: has activation {value:g}, but {expected.activation:g} in its map; "
                f"remove {folder} and try again"
            )
    return [e.image.row(folder, value) for e, value in zip(images, found, strict=True)]


def _query_row(
    job: MapJob, pair: QueryPair, pixels: np.ndarray, baselines: Mapping[str, Baseline]
) -> dict[str, Any]:
    natural = job.natural
    image = NamedImage(natural.source_image or natural.path, pixels)
    return {
        **dataclasses.asdict(natural.unit),
        "batch": natural.batch,
        "source_image": natural.source_image,
        "base_activation": pair.base_activation,
        "min_activation": pair.low_activation,
        "max_activation": pair.high_activation,
        "relative_activation_difference": pair.effect,
        **{
            f"{name}_correct": is_correct(rule, image, pair.low, pair.high)
            for name, rule in baselines.items()
        },
    }


def write_queries(
    queries: Sequence[dict[str, Any]], baselines: Mapping[str, Baseline], folder: Path
) -> None:
    """Write ``queries.csv``: a row for each query pair."""
    columns = QUERY_COLUMNS + baseline_columns(baselines)
    write_csv(pd.DataFrame(list(queries)), folder / QUERIES, columns)
