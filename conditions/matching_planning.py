"""Which trial of exemplar matching comes when, of which depth, about which units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conditions.blocks import PlannedBlock
from conditions.design import Design
from conditions.errors import BadInput
from conditions.planning import rounds_of, shuffle
from conditions.pools import Pools, PoolUnit
from conditions.selection import Matching


@dataclass(frozen=True)
class MatchingTrial:
    """A trial of several rows before their images are chosen.

    Parameters
    ----------
    block
        The block at its place in the session.
    trial_in_block
        Place in the block, or in the round of practice, from 1.
    depth, n_images
        From which layers its units are, and how many images half a row has.
    units
        One for each row.
    practice_round
        Round of a practice that is gone through again.
    """

    block: PlannedBlock
    trial_in_block: int
    depth: str
    n_images: int
    units: tuple[PoolUnit, ...]
    practice_round: int | None = None


def plan_matching(design: Design, pools: Pools, participant: int) -> Iterator[MatchingTrial]:
    """Yield the trials of one participant, in order.

    Trials are dealt evenly over the depths and numbers of images, units evenly over the trials of
    a depth.

    Raises
    ------
    BadInput
        If a depth has fewer units than a trial has rows.
    """
    assert design.matching is not None
    units = _Units(design, design.matching, pools, participant)
    for block in design.plan(participant):
        for practice_round in rounds_of(design, block):
            here = (participant, block.number, *([practice_round] if practice_round else []))
            cells = shuffle(design, design.matching.cells, *here, "cells")
            dealt = [cells[i % len(cells)] for i in range(block.block.trials)]
            places = enumerate(shuffle(design, dealt, *here, "order"), start=1)
            for place, (depth, n_images) in places:
                own = tuple(units.take(block, depth))
                yield MatchingTrial(block, place, depth, n_images, own, practice_round)


class _Units:
    """Deals the units of each depth evenly: all of a pool before any comes again."""

    def __init__(self, design: Design, matching: Matching, pools: Pools, participant: int) -> None:
        self._design = design
        self._matching = matching
        self._pools = pools
        self._participant = participant
        self._waiting: dict[tuple[str, str], list[PoolUnit]] = {}
        self._dealt = 0

    def take(self, block: PlannedBlock, depth: str) -> list[PoolUnit]:
        number, layers = self._matching.n_rows, dict(self._matching.depths)[depth]  # type: ignore[index]
        pool = [member for member in self._pools[block.pool] if member.unit.layer in layers]
        if len(pool) < number:
            raise BadInput(
                f"{self._design.path}: pool {block.pool!r} has {len(pool)} {depth} units "
                f"({', '.join(layers)}), but a trial has {number} rows"
            )
        waiting = self._waiting.setdefault((block.pool, depth), [])
        if len(waiting) < number:
            # Those that still wait come first, and once only in this trial.
            self._dealt += 1
            again = shuffle(
                self._design, pool, self._participant, "units", block.pool, depth, self._dealt
            )
            later = [member for member in again if member in waiting]
            waiting += [member for member in again if member not in waiting]
            taken = [waiting.pop(0) for _ in range(number)]
            waiting += later
            return taken
        return [waiting.pop(0) for _ in range(number)]
