"""Baselines: rules that choose the less important of two patches without knowing the unit.

The correct answer in an occlusion trial, the query with the higher activation, is the query whose
patch is less important. A tie is None and counts as incorrect (Zimmermann et al., NeurIPS 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from stimgen.occlusion.patches import Patch
from stimgen.occlusion.saliency import NamedImage, Saliency, find_saliency
from stimgen.studies.occlusion_settings import OcclusionSettings
from unitscope.columns import Column
from unitscope.errors import BadInput
from unitscope.tables import read_csv

Choice = Literal["a", "b"]

OBJECT_COLUMNS = (
    Column("source_image", "str", "Name of the image, as in the manifest."),
    Column("x_px", "int", "Left edge of a box around the object, in the shown image.", "px"),
    Column("y_px", "int", "Upper edge of the box.", "px"),
    Column("width_px", "int", "Width of the box.", "px"),
    Column("height_px", "int", "Height of the box.", "px"),
)
"""Columns of an annotation table; an object with several boxes has several rows."""


class Baseline(Protocol):
    """A rule that chooses one of two patches."""

    def choose(self, image: NamedImage, a: Patch, b: Patch) -> Choice | None:
        """Return the less important patch of the image, None for a tie."""
        ...


def find_baselines(settings: OcclusionSettings, base: Path) -> dict[str, Baseline]:
    """Return the baselines of the settings by name; paths are relative to ``base``.

    Raises
    ------
    BadInput
        If the saliency or the table does not exist.
    """
    saliency = settings.saliency
    folder = base / saliency
    found: dict[str, Baseline] = {
        "centre": Centre(),
        "variance": Variance(),
        "saliency": SaliencyDensity(find_saliency(str(folder) if folder.is_dir() else saliency)),
    }
    if settings.objects is not None:
        found["object"] = PrimaryObject(base / settings.objects)
    return found


def is_correct(baseline: Baseline, image: NamedImage, low: Patch, high: Patch) -> bool:
    """Return whether a baseline chooses the query with the higher activation."""
    return baseline.choose(image, low, high) == "b"


class Centre:
    """Chooses the patch farther from the image's centre, which is (111.5, 111.5) for 224 px."""

    def choose(self, image: NamedImage, a: Patch, b: Patch) -> Choice | None:
        """Return the farther patch."""
        height, width = image.pixels.shape[:2]

        def distance(patch: Patch) -> float:
            x, y = patch.centre_px
            # Doubled coordinates are integers, so that ties are exact.
            return float((2 * x - (width - 1)) ** 2 + (2 * y - (height - 1)) ** 2)

        return _less(-distance(a), -distance(b))


class Variance:
    """Chooses the patch with the smaller standard deviation over pixels and channels."""

    def choose(self, image: NamedImage, a: Patch, b: Patch) -> Choice | None:
        """Return the patch with less variation."""

        def spread(patch: Patch) -> float:
            values = image.pixels[patch.slices].astype(np.int64)
            # n^2 var = n sum(x^2) - sum(x)^2, in integers, so that ties are exact.
            return float(values.size * (values**2).sum() - values.sum() ** 2) / values.size**2

        return _less(spread(a), spread(b))


@dataclass(frozen=True)
class SaliencyDensity:
    """Chooses the patch with less saliency per pixel.

    Parameters
    ----------
    saliency
        See :func:`stimgen.occlusion.saliency.find_saliency`.
    """

    saliency: Saliency

    def choose(self, image: NamedImage, a: Patch, b: Patch) -> Choice | None:
        """Return the less salient patch.

        Raises
        ------
        BadInput
            If the saliency map has another size than the image or values that are not finite.
        """
        values = self.saliency(image)
        if values.shape != image.pixels.shape[:2]:
            raise BadInput(
                f"saliency map of {image.name!r} has shape {values.shape}, "
                f"expected {image.pixels.shape[:2]}"
            )
        if not np.isfinite(values).all():
            raise BadInput(f"saliency map of {image.name!r} contains values that are not finite")
        return _less(float(values[a.slices].mean()), float(values[b.slices].mean()))


class PrimaryObject:
    """Chooses the patch that covers less of the primary object, annotated by boxes in a table.

    Parameters
    ----------
    table
        CSV file with the columns of ``OBJECT_COLUMNS``.

    Raises
    ------
    BadInput
        If the table cannot be read or a box has no area.
    """

    def __init__(self, table: Path) -> None:
        self.table = table
        self._boxes: dict[str, list[tuple[int, int, int, int]]] = {}
        rows = read_csv(table, OBJECT_COLUMNS, extra=True)
        for line, row in enumerate(rows.itertuples(index=False), 2):
            box = (int(row.x_px), int(row.y_px), int(row.width_px), int(row.height_px))
            if min(box[2:]) < 1:
                raise BadInput(f"{table}, line {line}: found a box without area")
            self._boxes.setdefault(str(row.source_image), []).append(box)

    def choose(self, image: NamedImage, a: Patch, b: Patch) -> Choice | None:
        """Return the patch that covers less of the object.

        Raises
        ------
        BadInput
            If the table has no row for the image.
        """
        if image.name not in self._boxes:
            raise BadInput(f"{self.table}: no row for image {image.name!r}")
        mask = np.zeros(image.pixels.shape[:2], dtype=bool)
        for x, y, width, height in self._boxes[image.name]:
            mask[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = True
        return _less(int(mask[a.slices].sum()), int(mask[b.slices].sum()))


def _less(a: float, b: float) -> Choice | None:
    if a == b:
        return None
    return "a" if a < b else "b"
