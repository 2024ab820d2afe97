"""How similar two groups of images are: by features, by a table, or by any function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from unitscope.columns import Column
from unitscope.errors import BadInput
from unitscope.named_functions import find_function
from unitscope.tables import read_csv

Likeness = Callable[[Sequence[Path], Sequence[Path]], float]
"""Mean similarity over all pairs of two groups of images; larger is more similar."""

TABLE_COLUMNS = (
    Column("image_1", "str", "Image, relative to the stimulus set's folder."),
    Column("image_2", "str", "Another one; the order of the two does not matter."),
    Column("similarity", "float", "How similar they are; larger is more similar."),
)


def by_features(features: Callable[[Path], np.ndarray]) -> Likeness:
    """Compare images by the cosine of their features."""

    @lru_cache(maxsize=50_000)
    def direction(path: Path) -> np.ndarray:
        vector = np.asarray(features(path), float).ravel()
        unit: np.ndarray = vector / np.linalg.norm(vector)
        return unit

    def likeness(some: Sequence[Path], others: Sequence[Path]) -> float:
        one, two = (np.array([direction(path) for path in paths]) for paths in (some, others))
        return float((one @ two.T).mean())

    return likeness


def by_pairs(compare: Callable[[Path, Path], float]) -> Likeness:
    """Compare images by a function of two."""

    @lru_cache(maxsize=500_000)
    def once(one: Path, two: Path) -> float:
        return float(compare(one, two))

    def likeness(some: Sequence[Path], others: Sequence[Path]) -> float:
        return float(np.mean([[once(one, two) for two in others] for one in some]))

    return likeness


def by_table(path: Path, file: Callable[[str], Path]) -> Likeness:
    """Compare images by a table of similarities.

    Raises
    ------
    BadInput
        If the table is wrong, or later lacks a pair that is asked for.
    """
    known: dict[tuple[Path, Path], float] = {}
    for row in read_csv(path, TABLE_COLUMNS).itertuples(index=False):
        pair = file(str(row.image_1)), file(str(row.image_2))
        known[pair] = known[pair[::-1]] = float(row.similarity)

    def compare(one: Path, two: Path) -> float:
        if (one, two) not in known:
            raise BadInput(f"{path}: has no similarity of {one.name} and {two.name}")
        return known[one, two]

    return by_pairs(compare)


def find_likeness(name: str, file: Callable[[str], Path]) -> Likeness:
    """Return a likeness by name.

    Parameters
    ----------
    name
        Path of a table (``.csv``), or ``package.module:function``; the function takes one image
        file and returns features, or two and returns their similarity.
    file
        Turns an image name of the table into its file.

    Raises
    ------
    BadInput
        If there is none of that name.
    """
    if name.endswith(".csv"):
        return by_table(Path(name), file)
    function = find_function(
        name, "similarity", "a .csv file or a function package.module:function"
    )
    try:
        number = len(inspect.signature(function).parameters)
    except (ValueError, TypeError) as error:  # as of some built-in functions
        raise BadInput(f"similarity {name!r} cannot be asked for its arguments ({error})") from None
    if number not in (1, 2):
        raise BadInput(f"similarity {name!r} takes {number} arguments, expected 1 or 2 image files")
    return by_features(function) if number == 1 else by_pairs(function)
