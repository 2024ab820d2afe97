"""Images of a stimulus set, and the manifest that lists them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from stimgen.occlusion.patches import Patch
from unitscope.columns import MANIFEST_COLUMNS, names
from unitscope.stimulus_set import sha256_of
from unitscope.vocabulary import Unit


@dataclass(frozen=True)
class SetImage:
    """One image of a set, without its activation.

    Parameters
    ----------
    unit, kind, pole, rank, batch
        Identify the image; of the synthetic images only further ones, which are optimised apart
        from the others, belong to a batch.
    source_image
        Name of the photograph that it was made from.
    seed
        Seed of a synthetic image.
    patch
        The occluded patch, or the sharp one of a blurred image.
    """

    unit: Unit
    kind: str
    pole: str
    rank: int
    batch: int | None = None
    source_image: str | None = None
    seed: int | None = None
    patch: Patch | None = None

    @property
    def path(self) -> str:
        """Path within the set: ``images/<unit>/natural_max_b00_r09.png``."""
        parts = [self.kind, self.pole]
        parts += [f"b{self.batch:02d}"] if self.batch is not None else []
        # There is one base and one occluded image of a pole and batch.
        parts += [f"r{self.rank:02d}"] if self.kind not in ("base", "occluded") else []
        return f"images/{self.unit.name}/{'_'.join(parts)}.png"

    def row(self, folder: Path, activation: float) -> dict[str, Any]:
        """Return the image's row in the manifest of the set in ``folder``."""
        return {
            "path": self.path,
            "sha256": sha256_of(folder / self.path),
            **dataclasses.asdict(self.unit),
            "kind": self.kind,
            "pole": self.pole,
            "rank": self.rank,
            "batch": self.batch,
            "activation": float(activation),
            "source_image": self.source_image,
            "seed": self.seed,
            "occluder_x_px": self.patch.x_px if self.patch else None,
            "occluder_y_px": self.patch.y_px if self.patch else None,
            "occluder_size_px": self.patch.size_px if self.patch else None,
        }


def manifest_of(rows: Iterable[dict[str, Any]], units: Sequence[Unit]) -> pd.DataFrame:
    """Return the manifest of some rows, grouped by unit in the order of the units."""
    order = {unit.name: place for place, unit in enumerate(units)}
    ordered = sorted(rows, key=lambda row: order[Path(row["path"]).parent.name])
    frame = pd.DataFrame(ordered, columns=names(MANIFEST_COLUMNS))
    whole = [column.name for column in MANIFEST_COLUMNS if column.type == "int"]
    return frame.astype(dict.fromkeys(whole, "Int64"))


def set_images(manifest: pd.DataFrame) -> list[SetImage]:
    """Return the images of a manifest."""
    return [_set_image(row) for row in manifest.astype(object).itertuples(index=False)]


def _set_image(row: Any) -> SetImage:
    def optional(name: str) -> Any:
        value = getattr(row, name)
        return None if pd.isna(value) else value

    edges = [optional(f"occluder_{name}_px") for name in ("x", "y", "size")]
    batch = optional("batch")
    return SetImage(
        Unit(row.network, row.layer, optional("branch") or "", int(row.channel)),
        row.kind,
        row.pole,
        int(row.rank),
        None if batch is None else int(batch),
        optional("source_image"),
        optional("seed"),
        None if None in edges else Patch(*map(int, edges)),
    )
