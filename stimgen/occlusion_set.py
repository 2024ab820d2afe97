"""Write the occluded queries, blurred references and activation maps for a stimulus set."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from tqdm import tqdm

from conditions.columns import MANIFEST_COLUMNS, UNIT_COLUMNS, Column, names
from conditions.csv_files import write_csv
from conditions.errors import BadInput
from conditions.stimulus_set import MANIFEST, StimulusSet, sha256_of
from conditions.vocabulary import Unit
from stimgen.baselines import Baseline, is_right
from stimgen.measure import measure
from stimgen.networks import Network
from stimgen.npz import load_npz, save_npz
from stimgen.occlusion import QueryPair, activation_maps, choose_queries
from stimgen.patches import Edit, Occlusion, Patch, Sharpening, apply, offsets
from stimgen.png import read_png, save_png
from stimgen.saliency import NamedPicture
from stimgen.settings import ActivationSettings, OcclusionSettings

FORMAT = 1
"""Rises when the same input gives other files, so that no half-written folder is mixed up."""

SETTINGS = "occlusion.yaml"
QUERIES = "queries.csv"
_FINGERPRINT = "fingerprint.json"
_TOLERANCE = 1e-4

QUERY_COLUMNS = (
    *UNIT_COLUMNS,
    Column("batch", "int", "Batch of the base image, from 0."),
    Column("source_image", "str", "Name of the image it was made from.", blank=True),
    Column("base_activation", "float", "The unit's activation with nothing hidden."),
    Column("min_activation", "float", "Smallest activation of all positions chosen from."),
    Column("max_activation", "float", "Largest activation of all positions chosen from."),
    Column(
        "relative_activation_difference", "float", "(max - min) / base of the queries.", blank=True
    ),
)


@dataclass(frozen=True)
class _Job:
    """One picture of one unit, to be edited at every position."""

    unit: Unit
    kind: str
    batch: int
    rank: int
    path: str
    source_image: str

    @property
    def map_path(self) -> str:
        place = "" if self.kind == "occluded" else f"_r{self.rank:02d}"
        return f"maps/{self.unit.name}/{self.kind}_b{self.batch:02d}{place}.npz"


@dataclass
class OcclusionSet:
    """One folder of occlusion stimuli, made from a stimulus set.

    Parameters
    ----------
    source
        Set whose strongest natural images become the base images.
    network
        The set's network.
    activation
        What a unit's activation is.
    settings
        Positions and constraints.
    folder
        Where the files come to lie.
    n_batches
        Batches to use; all if None.
    with_blur
        Whether to make the blurred references, which takes nine times as long as the queries.
    baselines
        Rules whose answers are noted for each query pair, by name.
    quiet
        Whether to show no progress.
    """

    source: StimulusSet
    network: Network
    activation: ActivationSettings
    settings: OcclusionSettings
    folder: Path
    n_batches: int | None = None
    with_blur: bool = False
    baselines: Mapping[str, Baseline] = dataclasses.field(default_factory=dict)
    quiet: bool = False

    @property
    def partial(self) -> Path:
        """Where the files lie until they are whole."""
        return self.folder.with_name(f".{self.folder.name}.partial")

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything that decides what the maps and pictures hold."""
        content = {
            "format": FORMAT,
            "manifest_sha256": self.source.manifest_sha256,
            "weights_sha256": self.network.weights_sha256,
            "input_px": self.network.input_px,
            "activation": dataclasses.asdict(self.activation),
            "settings": dataclasses.asdict(self.settings),
            "n_batches": self.n_batches,
            "with_blur": self.with_blur,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def run(self) -> list[str]:
        """Write the folder and return which base images allow no query pair.

        Raises
        ------
        BadInput
            If the folder is there already or the set does not serve.
        """
        if self.folder.exists():
            raise BadInput(f"{self.folder}: is there already; give another folder with --out")
        jobs = self.jobs()
        with self._writing():
            self._open_partial()
            self._write_maps(jobs)
            rows, queries, left_out = self._write_pictures(jobs)
            if not rows:
                raise BadInput("no base image allows a query pair; relax the constraints")
            self._measure(rows)
            frame = pd.DataFrame(rows, columns=names(MANIFEST_COLUMNS))
            whole = [column.name for column in MANIFEST_COLUMNS if column.type == "int"]
            frame = frame.astype(dict.fromkeys(whole, "Int64"))
            write_csv(frame, self.partial / MANIFEST, MANIFEST_COLUMNS)
            self._write_queries(queries)
            self._write_provenance(left_out)
            (self.partial / _FINGERPRINT).unlink()
            self.partial.rename(self.folder)
        return left_out

    def jobs(self) -> list[_Job]:
        """Return what is to be computed: the base images first, then the references to blur."""
        bases, references = [], []
        for unit in self.source.units:
            ranked = self._natural(unit)
            best = [rows[-1] for rows in ranked.values()]
            # In ascending order: batch b of n has the (n - b)-th best image of the whole set.
            best.sort(key=lambda row: (row.activation, row.source_image, row.path))
            for batch, row in zip(sorted(ranked), best, strict=True):
                if self.n_batches is not None and batch >= self.n_batches:
                    continue
                bases.append(_job(unit, "occluded", batch, row))
                references += [_job(unit, "blur", batch, r) for r in ranked[batch][:-1]]
        if not bases:
            raise BadInput(f"{self.source.folder}: has no natural max images in batches")
        return bases + (references if self.with_blur else [])

    def _natural(self, unit: Unit) -> dict[int, list[Any]]:
        """Return a unit's natural max images by batch, each batch ascending."""
        batches = {
            batch: list(
                self.source.images(unit, "natural", "max", batch)
                .astype({"source_image": object})
                .itertuples(index=False)
            )
            for batch in self.source.batches(unit)
        }
        if len({len(rows) for rows in batches.values()}) > 1:
            raise BadInput(
                f"{self.source.folder}: batches of {unit.name} have different numbers of images"
            )
        return batches

    def _edit(self, job: _Job) -> Edit:
        picture = read_png(self.source.file(job.path))
        if job.kind == "occluded":
            return Occlusion(picture)
        return Sharpening(picture, self.settings.blur_kernel_px, self.settings.blur_sigma_px)

    def _write_maps(self, jobs: list[_Job]) -> None:
        # Units that share a picture share its forward passes.
        groups: dict[tuple[str, str], list[_Job]] = {}
        hashes = self.source.manifest.set_index("path")["sha256"].to_dict()
        for job in jobs:
            if not (self.partial / job.map_path).exists():
                groups.setdefault((job.kind, hashes[job.path]), []).append(job)
        if not groups:
            return
        settings = self.settings
        height, width = read_png(self.source.file(jobs[0].path)).shape[:2]
        if height != width:
            raise BadInput(f"{jobs[0].path}: has {width} x {height} px, expected a square")
        try:
            n_positions = len(offsets(width, settings.size_px, settings.stride_px)) ** 2
        except ValueError as error:
            raise BadInput(str(error)) from None
        total = n_positions * len(groups)
        with tqdm(total=total, desc="occlude", unit="position", disable=self.quiet) as progress:
            for group in groups.values():
                maps, base = activation_maps(
                    self.network,
                    self._edit(group[0]),
                    [job.unit for job in group],
                    self.activation,
                    size_px=settings.size_px,
                    stride_px=settings.stride_px,
                    report=progress.update,
                )
                for job, values, whole in zip(group, maps, base, strict=True):
                    saved = {
                        "activations": values.astype(np.float32),
                        "base_activation": np.float32(whole),
                        "size_px": np.int64(settings.size_px),
                        "stride_px": np.int64(settings.stride_px),
                    }
                    save_npz(saved, self.partial / job.map_path)

    def _write_pictures(
        self, jobs: list[_Job]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
        rows: list[dict[str, Any]] = []
        queries: list[dict[str, Any]] = []
        left_out = []
        for job in jobs:
            saved = load_npz(self.partial / job.map_path, "an activation map")
            values, base = saved["activations"].astype(float), float(saved["base_activation"])
            edit = self._edit(job)
            if job.kind == "blur":
                row, column = divmod(int(values.argmax()), values.shape[1])
                stride = self.settings.stride_px
                window = Patch(column * stride, row * stride, self.settings.size_px)
                stem = f"blur_max_b{job.batch:02d}_r{job.rank:02d}"
                rows.append(
                    self._save(job, stem, edit, window, "max", job.rank, float(values.max()))
                )
                continue
            pair = choose_queries(values, base, self.settings)
            if pair is None:
                left_out.append(f"{job.unit.name}, batch {job.batch}")
                continue
            rows.append(
                self._save(job, f"base_max_b{job.batch:02d}", edit, None, "max", job.rank, base)
            )
            for pole, patch, value in (
                ("min", pair.low, pair.low_activation),
                ("max", pair.high, pair.high_activation),
            ):
                stem = f"occluded_{pole}_b{job.batch:02d}"
                rank = int(pole == "max")
                rows.append(self._save(job, stem, edit, patch, pole, rank, value))
            queries.append(self._query_row(job, pair, edit.base))
        order = {unit.name: place for place, unit in enumerate(self.source.units)}
        rows.sort(key=lambda row: order[Path(row["path"]).parent.name])
        return rows, queries, left_out

    def _save(
        self,
        job: _Job,
        stem: str,
        edit: Edit,
        patch: Patch | None,
        pole: str,
        rank: int,
        expected: float,
    ) -> dict[str, Any]:
        path = f"images/{job.unit.name}/{stem}.png"
        file = self.partial / path
        if not file.exists():
            save_png(edit.base if patch is None else apply(edit, patch), file)
        return {
            "path": path,
            "sha256": sha256_of(file),
            **dataclasses.asdict(job.unit),
            "kind": "base" if patch is None else job.kind,
            "pole": pole,
            "rank": rank,
            "batch": job.batch,
            "activation": expected,
            "source_image": job.source_image,
            "occluder_x_px": patch.x_px if patch else None,
            "occluder_y_px": patch.y_px if patch else None,
            "occluder_size_px": patch.size_px if patch else None,
        }

    def _measure(self, rows: list[dict[str, Any]]) -> None:
        """Put what the saved files give in place of what the maps promised, which must agree."""
        files = [
            (self.partial / row["path"], Unit(*(row[column.name] for column in UNIT_COLUMNS)))
            for row in rows
        ]
        found = measure(self.network, files, self.activation, quiet=self.quiet)
        for row, value in zip(rows, found, strict=True):
            expected = row["activation"]
            if not abs(value - expected) <= _TOLERANCE * max(1.0, abs(expected)):
                raise BadInput(
                    f"{self.partial / row['path']}: drives its unit to {value:g}, but its map "
                    f"says {expected:g}; remove {self.partial} and try again"
                )
            row["activation"] = float(value)

    def _query_row(self, job: _Job, pair: QueryPair, picture: np.ndarray) -> dict[str, Any]:
        image = NamedPicture(job.source_image or job.path, picture)
        return {
            **dataclasses.asdict(job.unit),
            "batch": job.batch,
            "source_image": job.source_image,
            "base_activation": pair.base_activation,
            "min_activation": pair.low_activation,
            "max_activation": pair.high_activation,
            "relative_activation_difference": pair.effect,
            **{
                f"{name}_correct": is_right(rule, image, pair.low, pair.high)
                for name, rule in self.baselines.items()
            },
        }

    def _write_queries(self, queries: list[dict[str, Any]]) -> None:
        columns = QUERY_COLUMNS + tuple(
            Column(f"{name}_correct", "bool", f"Whether the {name} baseline is right.")
            for name in self.baselines
        )
        write_csv(pd.DataFrame(queries), self.partial / QUERIES, columns)

    def _write_provenance(self, left_out: list[str]) -> None:
        content = {
            "stimulus_set": self.source.name,
            "manifest_sha256": self.source.manifest_sha256,
            "weights_sha256": self.network.weights_sha256,
            "activation": dataclasses.asdict(self.activation),
            "settings": dataclasses.asdict(self.settings),
            "baselines": sorted(self.baselines),
            "left_out": left_out,
        }
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        (self.partial / SETTINGS).write_text(text, encoding="utf-8")

    def _open_partial(self) -> None:
        mark = self.partial / _FINGERPRINT
        if self.partial.exists():
            if not mark.is_file() and any(self.partial.iterdir()):
                raise BadInput(f"{self.partial}: not an interrupted run's folder; remove it")
            if mark.is_file() and json.loads(mark.read_text()) != self.fingerprint:
                shutil.rmtree(self.partial)
        self.partial.mkdir(parents=True, exist_ok=True)
        mark.write_text(json.dumps(self.fingerprint))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            where = error.filename or self.partial
            raise BadInput(f"{where}: cannot be written ({error.strerror or error})") from None


def _job(unit: Unit, kind: str, batch: int, row: Any) -> _Job:
    source = "" if pd.isna(row.source_image) else str(row.source_image)
    return _Job(unit, kind, batch, int(row.rank), str(row.path), source)
