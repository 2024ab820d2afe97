"""Which trial comes when, about which unit, and at which side its correct answer is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from conditions.design.blocks import OF_LIST, PlannedBlock
from conditions.design.design import Design
from conditions.design.randomness import generator, shuffle
from conditions.trials.unit_pools import Pools, PoolUnit
from unitscope.errors import BadInput


class RepeatOf(NamedTuple):
    """Which trial is shown again: the ``place``-th least or most confident one of a condition."""

    condition: str
    end: str
    place: int

    def __str__(self) -> str:
        return f"{self.condition}-{self.end}-{self.place}"

    @classmethod
    def read(cls, text: str) -> RepeatOf | None:
        """Read a cell such as ``natural-least-1``; None if it is none."""
        found = re.fullmatch(r"(\w+)-(least|most)-([1-9][0-9]{0,8})", text)
        return cls(found[1], found[2], int(found[3])) if found else None


@dataclass(frozen=True)
class PlannedTrial:
    """A trial before its images are chosen.

    Parameters
    ----------
    block
        The block at its place in the session.
    trial_in_block
        Place in the block, or in the round of practice, from 1.
    role
        ``practice``, ``main``, ``catch`` or ``repeat``.
    unit, batch
        Unit and batch of the trial; None if it is chosen during the session.
    unrelated
        Another unit, whose image is the less active query of a catch trial without references.
    side
        Where the correct answer is, ``a`` or ``b``; empty for such a trial.
    practice_round
        Round of a practice that is repeated.
    repeat_of
        Which kind of trial is repeated, such as ``natural-least-1``.
    """

    block: PlannedBlock
    trial_in_block: int
    role: str
    unit: PoolUnit | None = None
    batch: int | None = None
    unrelated: PoolUnit | None = None
    side: str = ""
    practice_round: int | None = None
    repeat_of: str | None = None


def plan_trials(design: Design, pools: Pools, participant: int) -> list[PlannedTrial]:
    """Plan the trials of one participant, in order.

    Raises
    ------
    BadInput
        If a pool has too few units.
    """
    units = _UnitStreams(design, pools, participant)
    trials: list[PlannedTrial] = []
    for block in design.plan(participant):
        if block.block.role == "repeat":
            trials += _repeats(design, participant, block)
            continue
        for practice_round in rounds_of(design, block):
            drawn = _contents(design, participant, block, practice_round, units)
            label = (block.number, *([practice_round] if practice_round else []))
            if not block.block.in_order:
                drawn = shuffle(design, drawn, participant, "order", *label)
            sides = sides_of(design, len(drawn), participant, *label)
            for place, (trial, side) in enumerate(zip(drawn, sides, strict=True), start=1):
                trials.append(replace(trial, trial_in_block=place, side=side))
    return [
        replace(trial, unrelated=_unrelated(design, pools, participant, number, trial))
        for number, trial in enumerate(trials, start=1)
    ]


def _unrelated(
    design: Design, pools: Pools, participant: int, number: int, trial: PlannedTrial
) -> PoolUnit | None:
    """Draw the other unit of a catch trial without references, if the block has a pool for it."""
    pool = trial.block.block.catch_unrelated_pool
    if not pool or trial.role != "catch" or trial.block.condition != "none":
        return None
    units = pools[pool]
    return units[generator(design, participant, "unrelated", number).integers(len(units))]


def sides_of(design: Design, number: int, participant: int, *label: object) -> list[str]:
    """Return the sides of the correct answers of a block, balanced or drawn for each trial."""
    rng = generator(design, participant, "sides", *label)
    if design.sides == "drawn":
        return [("a", "b")[i] for i in rng.integers(2, size=number)]
    half = ["a", "b"] * (number // 2) + [("a", "b")[rng.integers(2)]] * (number % 2)
    return [half[i] for i in rng.permutation(number)]


def rounds_of(design: Design, block: PlannedBlock) -> Sequence[int | None]:
    """Return the rounds of a practice that is repeated, (None,) for any other block."""
    if block.block.role == "practice" and design.practice.until_all_right:
        return range(1, design.practice.rounds + 1)
    return (None,)


class _UnitStreams:
    """Shuffled units of the pools: each stream gives every unit of its pool once."""

    def __init__(self, design: Design, pools: Pools, participant: int) -> None:
        self._design = design
        self._pools = pools
        self._participant = participant
        self._streams: dict[tuple[object, ...], Iterator[PoolUnit]] = {}

    def take(self, role: str, pool: str, *stream: object) -> PoolUnit:
        key = (role, pool, *stream)
        if key not in self._streams:
            self._streams[key] = iter(
                shuffle(self._design, self._pools[pool], self._participant, *key)
            )
        try:
            return next(self._streams[key])
        except StopIteration:
            what = " ".join(map(str, stream))
            raise BadInput(
                f"{self._design.path}: pool {pool!r} has {len(self._pools[pool])} units, too few "
                f"for the {role} trials that use it{f' ({what})' if what else ''}"
            ) from None


def _contents(
    design: Design,
    participant: int,
    block: PlannedBlock,
    practice_round: int | None,
    units: _UnitStreams,
) -> list[PlannedTrial]:
    """Return the trials of a block, or of a round of it, in the order of drawing."""
    role = block.block.role
    scheme = [block.scheme] if block.scheme else []
    stream: tuple[object, ...] = (block.condition, *scheme)
    catch_stream = (*stream, *([block.number] if block.block.catch_anew else []))
    if role == "practice":
        # One stream for all blocks: practice shows each unit once, unless it is repeated.
        stream = (f"round {practice_round}",) if practice_round else tuple(scheme)
    content = block.block.content(_pool(design, participant, block), longer=block.longer)
    drawn = [
        PlannedTrial(block, 0, role, units.take(role, pool, *stream))
        for pool, number in content.items()
        for _ in range(number)
    ]
    drawn += [
        PlannedTrial(block, 0, "catch", units.take("catch", block.block.catch_pool, *catch_stream))
        for _ in range(block.block.catch)
    ]
    return [
        replace(
            trial,
            batch=batch_of(design, trial.role, block.condition, participant, trial.unit),
            practice_round=practice_round,
        )
        for trial in drawn
        if trial.unit
    ]


def _pool(design: Design, participant: int, block: PlannedBlock) -> str:
    """Return the pool of a block: its own, or its list of practice units."""
    if block.pool != OF_LIST:
        return block.pool
    blocks = [other.number for other in design.plan(participant) if other.pool == OF_LIST]
    lists = shuffle(design, design.practice.lists, participant, "practice lists")
    return lists[blocks.index(block.number)]


def batch_of(design: Design, role: str, condition: str, participant: int, member: PoolUnit) -> int:
    """Return the batch that the natural images of a trial come from.

    Raises
    ------
    BadInput
        If the table of units is to give the batch, but has none for this unit.
    """
    if role == "main":
        return design.batches.main(condition, participant)
    batch = design.batches.practice if role == "practice" else design.batches.catch
    if isinstance(batch, int):
        return batch
    if member.batch is None:
        raise BadInput(
            f"{design.units.table}: unit {member.unit.name} of pool {member.pool!r} has no "
            f"batch, but design {design.name!r} takes the batch of {role} trials from there"
        )
    return member.batch


def _repeats(design: Design, participant: int, block: PlannedBlock) -> Iterator[PlannedTrial]:
    assert design.repeats is not None
    ends = (("least", design.repeats.least), ("most", design.repeats.most))
    which = [str(RepeatOf(block.condition, end, i)) for end, n in ends for i in range(1, n + 1)]
    for place, one in enumerate(
        shuffle(design, which, participant, "order", block.number), start=1
    ):
        yield PlannedTrial(block, place, "repeat", repeat_of=one)
