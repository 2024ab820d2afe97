"""Check a finished stimulus set: every file, every number, every rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd
from PIL import Image

from conditions.stimulus_set import StimulusSet, sha256_of
from conditions.vocabulary import Unit
from stimgen.measure import measure
from stimgen.networks import Network
from stimgen.settings import ActivationSettings

TOLERANCE = 1e-3
"""How far an activation may lie from the manifest's, relative to 1 plus its size.

Machines and libraries sum in another order; another picture or network differs by far more.
"""

_UNIT = ["network", "layer", "branch", "channel"]


@dataclass(frozen=True)
class Fault:
    """Something wrong with a set: the file or group it is about, and what is wrong."""

    where: str
    what: str


def verify(stimuli: StimulusSet) -> list[Fault]:
    """Check a set's files and rules, without its network.

    Every file is there, unchanged and of one size; none lies there that the manifest lacks; no
    unit shows a picture twice; activation rises with rank; each batch's min query drives the unit
    less than its max query.
    """
    checks: tuple[Callable[[StimulusSet], Iterator[Fault]], ...] = (
        _changed_files,
        _stray_files,
        _repeated_pictures,
        _misplaced_ranks,
        _unordered_queries,
    )
    return [fault for check in checks for fault in check(stimuli)]


def verify_activations(
    stimuli: StimulusSet,
    network: Network,
    activation: ActivationSettings,
    *,
    quiet: bool = False,
) -> list[Fault]:
    """Measure every picture again and compare with the manifest."""
    rows = [row for row in stimuli.manifest.itertuples() if stimuli.file(row.path).is_file()]
    files = [(stimuli.file(row.path), _unit_of(row)) for row in rows]
    values = measure(network, files, activation, quiet=quiet)
    return [
        Fault(row.path, f"activation is {value:g}, but {row.activation:g} in the manifest")
        for row, value in zip(rows, values, strict=True)
        if not abs(value - row.activation) <= TOLERANCE * (1 + abs(row.activation))
    ]


def _unit_of(row: object) -> Unit:
    network, layer, branch, channel = (getattr(row, name) for name in _UNIT)
    return Unit(network, layer, "" if pd.isna(branch) else branch, int(channel))


def _changed_files(stimuli: StimulusSet) -> Iterator[Fault]:
    first: tuple[int, int] | None = None
    for row in stimuli.manifest.itertuples():
        file = stimuli.file(row.path)
        if not file.is_file():
            yield Fault(row.path, "is missing")
            continue
        if sha256_of(file) != row.sha256:
            yield Fault(row.path, "has changed: its SHA-256 is not the manifest's")
        try:
            with Image.open(file) as image:
                size = image.size
        except OSError:
            yield Fault(row.path, "cannot be read as an image")
            continue
        first = first or size
        if size != first:
            yield Fault(row.path, f"is {size[0]} x {size[1]} px, others {first[0]} x {first[1]}")


def _stray_files(stimuli: StimulusSet) -> Iterator[Fault]:
    known = set(stimuli.manifest["path"])
    for file in sorted((stimuli.folder / "images").rglob("*")):
        path = file.relative_to(stimuli.folder).as_posix()
        if file.is_file() and path not in known:
            yield Fault(path, "is not in the manifest")


def _repeated_pictures(stimuli: StimulusSet) -> Iterator[Fault]:
    # A query among its unit's references would be such a repetition.
    manifest = stimuli.manifest
    for _, rows in manifest.groupby([*_UNIT, "sha256"], dropna=False, sort=False):
        if len(rows) > 1:
            paths = rows["path"].tolist()
            yield Fault(paths[1], f"is the same picture as {paths[0]}")


def _misplaced_ranks(stimuli: StimulusSet) -> Iterator[Fault]:
    manifest = stimuli.manifest[stimuli.manifest["kind"].isin(["natural", "synthetic"])]
    for _, rows in manifest.groupby([*_UNIT, "kind", "pole", "batch"], dropna=False, sort=False):
        ranked = rows.sort_values("rank")
        if ranked["rank"].tolist() != list(range(len(ranked))):
            yield Fault(ranked["path"].iloc[0], "ranks of its batch are not 0, 1, 2, ...")
        # The sweep's order may differ from that of measuring again by rounding.
        falls = ranked["activation"].diff() < -1e-5 * (1 + ranked["activation"].abs())
        if falls.any():
            yield Fault(ranked.loc[falls, "path"].iloc[0], "drives the unit less than a lower rank")


def _unordered_queries(stimuli: StimulusSet) -> Iterator[Fault]:
    for unit in stimuli.units:
        for batch in stimuli.batches(unit):
            low, high = (
                stimuli.images(unit, "natural", pole, batch)["activation"]
                for pole in ("min", "max")
            )
            if not low.iloc[0] < high.iloc[-1]:
                yield Fault(
                    f"{unit.name}, batch {batch}",
                    f"the min query's activation {low.iloc[0]:g} is not below the max query's "
                    f"{high.iloc[-1]:g}",
                )
