"""A folder of stimuli with its manifest, as stimgen leaves it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from unitscope.columns import MANIFEST_COLUMNS
from unitscope.errors import BadInput
from unitscope.places import within
from unitscope.tables import read_csv
from unitscope.vocabulary import Unit

MANIFEST = "manifest.csv"
SETTINGS = "set.yaml"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class StimulusSet:
    """A stimulus set on disk.

    Parameters
    ----------
    folder
        Holds ``manifest.csv``, ``set.yaml`` and ``images/``.
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
            line = int(repeated.to_numpy().nonzero()[0][0]) + 2
            raise BadInput(
                f"{folder / MANIFEST}, line {line}, column 'path': "
                f"{manifest['path'].iloc[line - 2]!r} stands twice, expected each file once"
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
        """Return where an image of the manifest lies.

        Raises
        ------
        BadInput
            If the path leads out of the set's folder, by a symbolic link too.
        """
        file = self._place(path)
        if not file.resolve().is_relative_to(self.folder.resolve()):
            raise BadInput(f"{file}: a link that leads out of the stimulus set")
        return file

    def _place(self, path: str) -> Path:
        file = within(self.folder, path)
        if file is None:
            raise BadInput(f"{self.folder / MANIFEST}: path {path!r} leads out of the stimulus set")
        return file

    def images(self, unit: Unit, kind: str, pole: str, batch: int | None = None) -> pd.DataFrame:
        """Return a unit's images, ordered by rank.

        Parameters
        ----------
        unit, kind, pole
            What to select.
        batch
            Batch of natural images; None for images that belong to none.
        """
        rows = self._by_group.get((unit, kind, pole, batch))
        if rows is None:
            return self.manifest.iloc[:0]
        return self.manifest.iloc[rows].sort_values("rank")

    def batches(self, unit: Unit) -> tuple[int, ...]:
        """Return the whole batches of natural images that a unit has at every pole of the set.

        Batches of pairs, which have fewer images than the others, are left out.
        """
        sizes = {
            (pole, batch): len(rows)
            for (other, kind, pole, batch), rows in self._by_group.items()
            if other == unit and kind == "natural" and batch is not None
        }
        whole = max(sizes.values(), default=0)
        by_pole = [
            {batch for (p, batch), size in sizes.items() if p == pole and size == whole}
            for pole in self._natural_poles
        ]
        return tuple(sorted(set.intersection(*by_pole))) if by_pole else ()

    @cached_property
    def _natural_poles(self) -> tuple[str, ...]:
        natural = self.manifest[self.manifest["kind"] == "natural"]
        return tuple(sorted(set(natural["pole"].dropna())))

    @cached_property
    def _by_group(self) -> dict[tuple[Unit, str, str, int | None], list[int]]:
        groups: dict[tuple[Unit, str, str, int | None], list[int]] = {}
        for place, row in enumerate(self.manifest.itertuples(index=False)):
            unit = Unit(
                row.network, row.layer, "" if pd.isna(row.branch) else row.branch, int(row.channel)
            )
            pole = "" if pd.isna(row.pole) else row.pole
            batch = None if pd.isna(row.batch) else int(row.batch)
            groups.setdefault((unit, row.kind, pole, batch), []).append(place)
        return groups
