"""Which units of a stimulus set a design's pools hold."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from conditions.columns import UNIT_COLUMNS, Column
from conditions.csv_files import read_csv
from conditions.design import Design
from conditions.errors import BadInput, nearest
from conditions.stimulus_set import StimulusSet
from conditions.vocabulary import Unit

UNIT_TABLE_COLUMNS = (Column("role", "str", "Pool that the unit belongs to."), *UNIT_COLUMNS[1:])


def pools_of(design: Design, stimuli: StimulusSet) -> dict[str, list[Unit]]:
    """Return the units of each pool, the same for every participant.

    Raises
    ------
    BadInput
        If the set lacks a unit of the design's table, or has fewer units than the pools draw.
    """
    if design.units.table is not None:
        return _from_table(Path(design.path).parent / design.units.table, stimuli)
    needed = sum(design.units.sample.values())
    if len(stimuli.units) < needed:
        raise BadInput(
            f"{stimuli.folder}: {len(stimuli.units)} units, but design {design.name!r} "
            f"draws {needed} ({', '.join(f'{n} {p}' for p, n in design.units.sample.items())})"
        )
    digest = hashlib.sha256(b"units").digest()
    rng = np.random.default_rng([design.seed, int.from_bytes(digest[:8], "big")])
    drawn = [sorted(stimuli.units)[i] for i in rng.permutation(len(stimuli.units))]
    pools = {}
    for pool, number in design.units.sample.items():
        pools[pool], drawn = sorted(drawn[:number]), drawn[number:]
    return pools


def _from_table(path: Path, stimuli: StimulusSet) -> dict[str, list[Unit]]:
    known = {unit.name: unit for unit in stimuli.units}
    pools: dict[str, list[Unit]] = {}
    table = read_csv(path, UNIT_TABLE_COLUMNS, extra=True).fillna({"branch": ""})
    for line, row in enumerate(table.itertuples(index=False), start=2):
        name = Unit("", row.layer, row.branch, int(row.channel)).name
        if name not in known:
            raise BadInput(
                f"{path}, line {line}: unit {name} is not in stimulus set {stimuli.folder}"
                f"{nearest(name, known)}"
            )
        pools.setdefault(row.role, []).append(known[name])
    return pools
