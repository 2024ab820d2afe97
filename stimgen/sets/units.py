"""The units of a stimulus set: read from a table, or sampled."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from stimgen.networks.network import Network
from stimgen.seeds import seed_of
from stimgen.studies.build_settings import SampleSettings, UnitsSettings
from unitscope.columns import UNIT_COLUMNS, Column
from unitscope.errors import BadInput, nearest
from unitscope.tables import read_csv
from unitscope.vocabulary import Unit

UNIT_TABLES = Path(__file__).parents[2] / "conditions" / "designs" / "units"
"""Tables of units that come with the suite."""

_BATCH = Column("batch", "int", "The only batch of the unit that a design shows.", blank=True)


@dataclass(frozen=True)
class UnitChoice:
    """Units of a set, in order.

    Parameters
    ----------
    units
        All units.
    batches
        Batches of units that need occlusion stimuli for some batches only.
    """

    units: tuple[Unit, ...]
    batches: dict[Unit, tuple[int, ...]] = field(default_factory=dict)


def choose_units(network: Network, settings: UnitsSettings, seed: int, base: Path) -> UnitChoice:
    """Return the units in the order of their table, or in the order of sampling.

    Parameters
    ----------
    network
        Network of the units.
    settings
        Table or rule.
    seed
        Seed of the sample.
    base
        Folder to which the table's path is relative.

    Raises
    ------
    BadInput
        If a unit is not in the network or is listed twice, or the rule asks for too many.
    """
    if settings.table is not None:
        path = base / settings.table
        shipped = UNIT_TABLES / path.name
        if shipped.is_file() and not path.is_file():
            raise BadInput(f"{path}: no such file; the suite's own {path.name} is {shipped}")
        return read_units(network, path)
    rules = settings.sample if isinstance(settings.sample, tuple) else (settings.sample,)
    units: tuple[Unit, ...] = ()
    for place, rule in enumerate(rules):
        assert rule is not None
        rule = dataclasses.replace(rule, exclude=(*rule.exclude, *(unit.name for unit in units)))
        units += sample_units(network, rule, seed_of(seed, "rule", place) if place else seed)
    return UnitChoice(units)


def read_units(network: Network, path: Path) -> UnitChoice:
    """Read a table of units with the columns layer, branch and channel.

    A column ``batch`` may name the only batch of a unit that a design shows, as in catch trials;
    it is blank for units that need all batches. A column ``branch_channel`` is checked.
    """
    columns = tuple(column for column in UNIT_COLUMNS if column.name != "network")
    table = read_csv(path, columns, extra=True)
    if "batch" in table:
        table = read_csv(path, (*columns, _BATCH), extra=True)
    units: list[Unit] = []
    batches: dict[Unit, tuple[int, ...]] = {}
    table["branch"] = table["branch"].fillna("")
    for line, row in enumerate(table.itertuples(index=False), 2):
        try:
            unit = network.unit(row.layer, row.branch, int(row.channel))
        except BadInput as error:
            raise BadInput(f"{path}, line {line}: {error}") from None
        wrong = "branch_channel" in table and row.branch_channel != _in_branch(network, unit)
        if wrong:
            raise BadInput(
                f"{path}, line {line}: channel {unit.channel} of {unit.layer} is number "
                f"{_in_branch(network, unit)} of branch {unit.branch!r}, not {row.branch_channel}"
            )
        if unit in units:
            raise BadInput(f"{path}, line {line}: unit {unit.name} is listed twice")
        units.append(unit)
        if "batch" in table and pd.notna(row.batch):
            batches[unit] = (int(row.batch),)
    if not units:
        raise BadInput(f"{path}: contains no units")
    return UnitChoice(tuple(units), batches)


def _in_branch(network: Network, unit: Unit) -> str:
    """Return a unit's index among the channels of its branch."""
    branches = network.layer(unit.layer).branches
    return str(next(unit.channel - b.channels.start for b in branches if b.name == unit.branch))


def sample_units(network: Network, rule: SampleSettings, seed: int) -> tuple[Unit, ...]:
    """Sample units: uniformly a (layer, branch), then uniformly one of its remaining channels."""
    layers = [network.layer(name).name for name in rule.layers] or None
    candidates = network.units(layers)
    names = {unit.name for unit in network.units()}
    for name in rule.exclude:
        if name not in names:
            raise BadInput(f"units.sample.exclude: no unit {name!r}{nearest(name, names)}")
    pools: dict[tuple[str, str], list[Unit]] = {}
    for unit in candidates:
        if unit.name not in rule.exclude:
            pools.setdefault((unit.layer, unit.branch), []).append(unit)
    n_left = sum(map(len, pools.values()))
    if rule.n > n_left:
        raise BadInput(f"units.sample.n is {rule.n}, but only {n_left} units can be sampled")
    drawn: list[Unit] = []
    while len(drawn) < rule.n:
        place = seed_of(seed, "pool", len(drawn)) % len(pools)
        key = list(pools)[place]
        pool = pools[key]
        drawn.append(pool.pop(seed_of(seed, "channel", len(drawn)) % len(pool)))
        if not pool:
            del pools[key]
    return tuple(drawn)
