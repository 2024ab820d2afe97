"""The units of a stimulus set that are in a design's pools."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from conditions.design.blocks import OF_LIST, OF_SCHEME
from conditions.design.design import Design
from conditions.design.randomness import generator
from unitscope.cells import read_content
from unitscope.columns import UNIT_COLUMNS, Column
from unitscope.errors import BadInput, nearest
from unitscope.places import within
from unitscope.stimulus_set import StimulusSet
from unitscope.tables import lines_of, parse, read_cells
from unitscope.vocabulary import Unit

_TABLE = (Column("role", "str", "Pool that the unit belongs to."), *UNIT_COLUMNS[1:])
_OPTIONAL = (
    Column("set", "str", "Part of the pool.", blank=True),
    Column("batch", "int", "Batch of the unit's natural images.", blank=True),
)


@dataclass(frozen=True)
class PoolUnit:
    """A unit as a member of a pool.

    Parameters
    ----------
    unit
        The unit.
    pool
        The most specific pool that it is in, such as ``main.a``.
    batch
        Batch that the table of units gives for it, if any.
    """

    unit: Unit
    pool: str
    batch: int | None = None


Pools = dict[str, list[PoolUnit]]


def pools_of(design: Design, stimuli: StimulusSet) -> Pools:
    """Return the units of each pool that a design uses, the same for every participant.

    Raises
    ------
    BadInput
        If the set lacks a unit of the design's table, has fewer units than the pools draw, or the
        design uses a pool that does not exist.
    """
    if design.units.table is not None:
        path = within(Path(design.path).parent, design.units.table)
        if path is None:
            raise BadInput(
                f"{design.path}: units.table is {design.units.table!r}, expected a file below the "
                "design's folder"
            )
        pools = _from_table(path, set(_used(design)), stimuli)
    else:
        pools = _sampled(design, stimuli)
    for name in _used(design):
        if name not in pools:
            raise BadInput(
                f"{design.path}: units has no pool {name!r}{nearest(name, pools)}; "
                f"found {', '.join(pools) or 'none'}"
            )
    return pools


def _used(design: Design) -> Iterator[str]:
    for block in design.blocks.values():
        if block.role != "repeat":
            yield from set(block.content(block.pool)) - {OF_SCHEME, OF_LIST}
            if block.catch:
                yield block.catch_pool
            if block.catch_unrelated_pool:
                yield block.catch_unrelated_pool
    if design.schemes:
        yield from design.schemes.pools
    yield from design.practice.lists
    if design.ratings:
        yield design.ratings.pool
    if design.explanation:
        yield design.explanation.pool


def _sampled(design: Design, stimuli: StimulusSet) -> Pools:
    units = sorted(stimuli.units)
    if design.matching is None:
        return _draw(design, stimuli, units, "")
    pools: Pools = {}
    for depth, layers in design.matching.depths.items():
        own = [unit for unit in units if unit.layer in layers]
        for pool, drawn in _draw(design, stimuli, own, depth).items():
            pools.setdefault(pool, []).extend(drawn)
    return pools


def _draw(design: Design, stimuli: StimulusSet, units: Sequence[Unit], depth: str) -> Pools:
    sample = design.units.sample
    needed = sum(sample.values())
    if len(units) < needed:
        raise BadInput(
            f"{stimuli.folder}: {len(units)} {depth}{' ' if depth else ''}units, but design "
            f"{design.name!r} draws {needed} ({', '.join(f'{n} {p}' for p, n in sample.items())})"
        )
    rng = generator(design, *(("units", depth) if depth else ("units",)))
    drawn = [units[i] for i in rng.permutation(len(units))]
    pools: Pools = {}
    for pool, number in sample.items():
        pools[pool] = [PoolUnit(unit, pool) for unit in sorted(drawn[:number])]
        drawn = drawn[number:]
    return pools


def _from_table(path: Path, used: set[str], stimuli: StimulusSet) -> Pools:
    known = {unit.name: unit for unit in stimuli.units}
    pools: Pools = {}
    missing: list[str] = []
    for line, row in _rows(path):
        name = Unit("", row.layer, row.branch, int(row.channel)).name
        specific = row.role if pd.isna(row.set) else f"{row.role}.{row.set}"
        own = {row.role, specific}
        if own & used and name not in known:
            missing.append(f"line {line}: unit {name}")
        if name not in known:
            continue
        member = PoolUnit(known[name], specific, None if pd.isna(row.batch) else int(row.batch))
        for pool in sorted(own):
            if any(member.unit == other.unit for other in pools.get(pool, [])):
                raise BadInput(f"{path}, line {line}: unit {name} is listed twice in pool {pool!r}")
            pools.setdefault(pool, []).append(member)
    if missing:
        others = f", nor are {len(missing) - 1} others" if len(missing) > 1 else ""
        raise BadInput(
            f"{path}, {missing[0]} is not in stimulus set {stimuli.folder}{others}; "
            "build a stimulus set with the units of this table"
        )
    return pools


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    text = read_cells(read_content(path), path)
    columns = (*_TABLE, *(column for column in _OPTIONAL if column.name in text))
    table = parse(text, columns, path, extra=True).fillna({"branch": ""})
    for column in _OPTIONAL:
        if column.name not in table:
            table[column.name] = pd.NA
    yield from zip(lines_of(text), table.itertuples(index=False), strict=True)
