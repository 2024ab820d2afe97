"""A stimulus set on disk: images and their manifest, as stimgen writes them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from unitscope.columns import MANIFEST_COLUMNS
from unitscope.errors import BadInput
from unitscope.places import within
from unitscope.tables import lines_of, read_csv
from unitscope.vocabulary import Unit

MANIFEST = "manifest.csv"
SETTINGS = "set.yaml"

WITHOUT_BATCH = ("synthetic",)
"""Kinds of stimuli without batches, but for further images that are optimised apart."""


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()


class Stimulus(NamedTuple):
    """One image: its path in the set, activation, seed if synthetic, and patch if it has one."""

    path: str
    activation: float
    seed: int | None
    occluder_x_px: int | None
    occluder_y_px: int | None
    occluder_size_px: int | None


@dataclass(frozen=True)
class StimulusSet:
    """A stimulus set on disk.

    Parameters
    ----------
    folder
        Contains ``manifest.csv``, ``set.yaml`` and ``images/``.
    manifest
        One row per image, with the columns of ``MANIFEST_COLUMNS``.
    """

    folder: Path
    manifest: pd.DataFrame

    @classmethod
    def open(cls, folder: Path | str) -> StimulusSet:
        """Open a stimulus set.

        Raises
        ------
        BadInput
            If the folder or its manifest is missing or a row is wrong, naming it.
        """
        folder = Path(folder)
        if not (folder / MANIFEST).is_file():
            raise BadInput(
                f"{folder}: no stimulus set there ({MANIFEST} is missing); "
                "build one with: python -m stimgen build"
            )
        manifest = read_csv(folder / MANIFEST, MANIFEST_COLUMNS)
        repeated = manifest["path"].duplicated()
        if repeated.any():
            place = int(repeated.to_numpy().nonzero()[0][0])
            raise BadInput(
                f"{folder / MANIFEST}, line {lines_of(manifest)[place]}, column 'path': "
                f"{manifest['path'].iloc[place]!r} is listed twice, expected each file once"
            )
        opened = cls(folder, manifest)
        for path in manifest["path"]:
            opened._place(path)
        return opened

    @property
    def name(self) -> str:
        """Name of the set, which is its folder's."""
        return self.folder.resolve().name

    @cached_property
    def manifest_sha256(self) -> str:
        """SHA-256 of the manifest, which holds those of all images."""
        return sha256_of(self.folder / MANIFEST)

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """Units of the set, in the order of the manifest."""
        columns = self.manifest[["network", "layer", "branch", "channel"]].drop_duplicates()
        return tuple(
            Unit(
                row.network, row.layer, "" if pd.isna(row.branch) else row.branch, int(row.channel)
            )
            for row in columns.itertuples(index=False)
        )

    def file(self, path: str) -> Path:
        """Return the path of an image of the manifest.

        Raises
        ------
        BadInput
            If the path leads out of the set's folder, also through a symbolic link.
        """
        file = self._place(path)
        if not file.resolve().is_relative_to(self._resolved):
            raise BadInput(f"{file}: a link that leads out of the stimulus set")
        return file

    @cached_property
    def _resolved(self) -> Path:
        return self.folder.resolve()

    def _place(self, path: str) -> Path:
        file = within(self.folder, path)
        if file is None:
            raise BadInput(f"{self.folder / MANIFEST}: path {path!r} leads out of the stimulus set")
        return file

    def ranked(
        self, unit: Unit, kind: str, pole: str, batch: int | None = None, *, at_least: int = 0
    ) -> list[Stimulus]:
        """Return a unit's stimuli in ascending order of rank.

        Parameters
        ----------
        unit, kind, pole, batch
            Stimuli to select; the batch is ignored for kinds without batches.
        at_least
            Smallest number of stimuli.

        Raises
        ------
        BadInput
            If there are fewer.
        """
        own = None if kind in WITHOUT_BATCH else batch
        found = self.batch(unit, kind, pole, own)
        if len(found) < at_least:
            where = "" if own is None else f" in batch {own}"
            raise BadInput(
                f"{self.folder}: unit {unit.name} has {len(found)} {kind} {pole} images{where}, "
                f"expected {at_least} or more"
            )
        return found

    def batch(self, unit: Unit, kind: str, pole: str, batch: int | None) -> list[Stimulus]:
        """Return a unit's stimuli of one batch, in ascending order of rank."""
        return self._by_group.get((unit, kind, pole, batch), [])

    def synthetic(self, unit: Unit, pole: str, number: int) -> list[Stimulus]:
        """Return the synthetic images for trials that show a number of them.

        Of the groups that were optimised together, this is the smallest that has so many.

        Raises
        ------
        BadInput
            If none has.
        """
        groups = (self.batch(unit, "synthetic", pole, own) for own in self._synthetic_batches)
        fitting = [group for group in groups if len(group) >= number]
        if not fitting:
            return self.ranked(unit, "synthetic", pole, at_least=number)
        return min(fitting, key=len)

    def most_activating(self, unit: Unit, kind: str) -> list[Stimulus]:
        """Return a unit's stimuli of pole max from all batches in ascending order of activation.

        Batches of pairs, whose images others have as well, and further synthetic images are
        omitted.
        """
        if kind in WITHOUT_BATCH:
            found = self.ranked(unit, kind, "max")
        else:
            pairs = self.pair_batches(unit)
            found = [
                stimulus
                for batch in self._sizes.get((unit, kind, "max"), {})
                if batch not in pairs
                for stimulus in self.batch(unit, kind, "max", batch)
            ]
        return sorted(found, key=lambda stimulus: (stimulus.activation, stimulus.path))

    def batches(self, unit: Unit) -> tuple[int, ...]:
        """Return the complete batches of natural images that a unit has at every pole of the set.

        Batches of pairs, which have fewer images than the others, are omitted.
        """
        by_pole = self._natural_sizes(unit)
        whole = max((size for own in by_pole for size in own.values()), default=0)
        return _shared(by_pole, whole)

    def pair_batches(self, unit: Unit) -> tuple[int, ...]:
        """Return the batches of pairs beside larger ones, one query and one reference per pole."""
        by_pole = self._natural_sizes(unit)
        whole = max((size for own in by_pole for size in own.values()), default=0)
        return _shared(by_pole, 2) if whole > 2 else ()

    def _natural_sizes(self, unit: Unit) -> list[dict[int, int]]:
        """Return the number of natural images in each batch, for each pole of the set."""
        return [self._sizes.get((unit, "natural", pole), {}) for pole in self._natural_poles]

    @cached_property
    def _sizes(self) -> dict[tuple[Unit, str, str], dict[int, int]]:
        sizes: dict[tuple[Unit, str, str], dict[int, int]] = {}
        for (unit, kind, pole, batch), stimuli in self._by_group.items():
            if batch is not None:
                sizes.setdefault((unit, kind, pole), {})[batch] = len(stimuli)
        return sizes

    @cached_property
    def _synthetic_batches(self) -> tuple[int | None, ...]:
        synthetic = self.manifest.loc[self.manifest["kind"] == "synthetic", "batch"]
        return (None, *sorted(int(batch) for batch in set(synthetic.dropna())))

    @cached_property
    def _natural_poles(self) -> tuple[str, ...]:
        natural = self.manifest[self.manifest["kind"] == "natural"]
        return tuple(sorted(set(natural["pole"].dropna())))

    @cached_property
    def _by_group(self) -> dict[tuple[Unit, str, str, int | None], list[Stimulus]]:
        columns = ("network", "layer", "branch", "channel", "kind", "pole", "batch")
        ranked = self.manifest.sort_values("rank")
        groups: dict[tuple[Unit, str, str, int | None], list[Stimulus]] = {}
        for row in zip(*(_plain(ranked[c]) for c in columns + Stimulus._fields), strict=True):
            network, layer, branch, channel, kind, pole, batch, *rest = row
            key = (Unit(network, layer, branch or "", channel), kind, pole or "", batch)
            groups.setdefault(key, []).append(Stimulus(*rest))
        return groups


def _plain(column: pd.Series) -> list[Any]:
    """Return a column's values as Python objects, None for blank cells."""
    return [None if pd.isna(value) else value for value in column.astype(object).tolist()]


def _shared(by_pole: list[dict[int, int]], wanted: int) -> tuple[int, ...]:
    """Return the batches that have a number of images at every pole."""
    own = [{batch for batch, size in sizes.items() if size == wanted} for sizes in by_pole]
    return tuple(sorted(set.intersection(*own))) if own else ()
