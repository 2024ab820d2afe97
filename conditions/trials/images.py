"""The images of a stimulus set by unit, kind, pole and batch."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet
from unitscope.vocabulary import Unit

WITHOUT_BATCH = ("synthetic",)
"""Kinds whose images belong to no batch."""


class Picture(NamedTuple):
    """One image: its path in the set, its activation, and its patch where it has one."""

    path: str
    activation: float
    occluder_x_px: int | None
    occluder_y_px: int | None
    occluder_size_px: int | None


class Pictures:
    """All images of a stimulus set, ordered by rank.

    Parameters
    ----------
    stimuli
        The set; its manifest is read once.
    """

    def __init__(self, stimuli: StimulusSet) -> None:
        self._folder = stimuli.folder
        groups: dict[tuple[Unit, str, str, int | None], list[tuple[int, Picture]]] = {}
        frame = stimuli.manifest
        columns = (
            "network",
            "layer",
            "branch",
            "channel",
            "kind",
            "pole",
            "batch",
            "rank",
            "path",
            "activation",
            "occluder_x_px",
            "occluder_y_px",
            "occluder_size_px",
        )
        for row in zip(*(_plain(frame[name]) for name in columns), strict=True):
            network, layer, branch, channel, kind, pole, batch, rank, *rest = row
            key = (Unit(network, layer, branch or "", channel), kind, pole or "", batch)
            groups.setdefault(key, []).append((rank, Picture(*rest)))
        self._groups = {key: [p for _, p in sorted(own)] for key, own in groups.items()}

    def take(
        self, unit: Unit, kind: str, pole: str, batch: int, at_least: int, needed_by: str
    ) -> list[Picture]:
        """Return a unit's images, their ranks rising.

        Parameters
        ----------
        unit, kind, pole, batch
            What to select; images of some kinds belong to no batch.
        at_least
            How many there must be.
        needed_by
            The design, for the message.

        Raises
        ------
        BadInput
            If there are fewer.
        """
        own = None if kind in WITHOUT_BATCH else batch
        images = self._groups.get((unit, kind, pole, own), [])
        if len(images) < at_least:
            where = "" if own is None else f" in batch {own}"
            raise BadInput(
                f"{self._folder}: unit {unit.name} has {len(images)} {kind} {pole} images"
                f"{where}, but design {needed_by!r} needs {at_least}"
            )
        return images


def _plain(column: pd.Series) -> list[object]:
    """Return a column's values as plain Python ones, None where it is blank."""
    return [None if pd.isna(value) else value for value in column.astype(object).tolist()]
