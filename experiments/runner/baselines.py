"""Rules of thumb for the occlusion task that know nothing of the unit.

Each says which of two hidden patches matters less: that query excites the unit more. A tie is
wrong (Zimmermann et al., NeurIPS 2021, arXiv 2106.12447).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from experiments.runner.answers import Choice
from unitscope.columns import UNIT_COLUMNS, Column
from unitscope.errors import BadInput
from unitscope.tables import read_csv


class Baseline(ABC):
    """An observer that chooses the query whose hidden patch matters less by one rule.

    Parameters
    ----------
    file
        Turns an image name of the table into its file.
    """

    name: str
    kind = "baseline"
    tasks: tuple[str, ...] = ("occlusion",)

    def __init__(self, file: Callable[[str], Path]) -> None:
        self._file = file

    def respond(self, row: Mapping[str, Any]) -> Choice:
        """Return the answer to one trial; it is always unsure and takes half a second."""
        with Image.open(self._file(row["base"])) as image:
            base = np.asarray(image.convert("RGB"), np.int64)
        size = int(row["occluder_size_px"])
        a, b = (
            self._weight(base, int(row[f"occluder_{q}_x_px"]), int(row[f"occluder_{q}_y_px"]), size)
            for q in "ab"
        )
        wrong = "ab"[row["correct_choice"] == "a"]
        return Choice(wrong if a == b else "a" if a < b else "b", 1, 0.5)

    @abstractmethod
    def _weight(self, base: np.ndarray, x: int, y: int, size: int) -> int:
        """Return how much a patch matters, in whole numbers, so that a tie is one.

        Parameters
        ----------
        base
            Shape (height, width, 3): the whole picture, 0 to 255.
        x, y, size
            Left and upper edge of the patch, and its side, in pixels.
        """


class CentreObserver(Baseline):
    """A patch matters more the nearer its centre is to the picture's."""

    name = "centre"

    def _weight(self, base: np.ndarray, x: int, y: int, size: int) -> int:
        height, width = (int(n) for n in base.shape[:2])
        return -((2 * x + size - width) ** 2) - (2 * y + size - height) ** 2


class VarianceObserver(Baseline):
    """A patch matters more the more its pixels vary, all channels together."""

    name = "variance"

    def _weight(self, base: np.ndarray, x: int, y: int, size: int) -> int:
        values: Any = base[y : y + size, x : x + size]
        return int(values.size * (values**2).sum() - values.sum() ** 2)


class NotedBaseline:
    """A baseline whose answers stand in the stimulus set's ``queries.csv``, such as saliency.

    Parameters
    ----------
    name
        Of the baseline: the file's column ``<name>_correct``.
    file
        Turns a name relative to the stimulus set into its file.

    Raises
    ------
    BadInput
        If the set has no such file or column, or later lacks a trial.
    """

    kind = "baseline"
    tasks: tuple[str, ...] = ("occlusion",)

    def __init__(self, name: str, file: Callable[[str], Path]) -> None:
        self.name = name
        self._file = file
        self._right: dict[tuple[str, int, int], bool] | None = None

    def respond(self, row: Mapping[str, Any]) -> Choice:
        """Return the answer to one trial; it is always unsure and takes half a second."""
        if self._right is None:
            self._right = self._read()
        key = (str(row["layer"]), int(row["channel"]), int(row["batch"]))
        if key not in self._right:
            raise BadInput(
                f"{self._path}: has no row of {key[0]}, channel {key[1]}, batch {key[2]}"
            )
        right = str(row["correct_choice"])
        return Choice(right if self._right[key] else "ab"[right == "a"], 1, 0.5)

    @property
    def _path(self) -> Path:
        return self._file("queries.csv")

    def _read(self) -> dict[tuple[str, int, int], bool]:
        column = f"{self.name}_correct"
        columns = (
            *(c for c in UNIT_COLUMNS if c.name in ("layer", "channel")),
            Column("batch", "int", "Batch of the base image."),
            Column(column, "bool", "Whether the baseline is right."),
        )
        table = read_csv(self._path, columns, extra=True)
        return {
            (str(row.layer), int(row.channel), int(row.batch)): bool(getattr(row, column))
            for row in table.itertuples(index=False)
        }
