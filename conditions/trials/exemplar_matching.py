"""Which trial of exemplar matching comes when, of which depth, about which units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conditions.design.blocks import PlannedBlock
from conditions.design.design import Design
from conditions.design.selection import Matching
from conditions.trials.images import Picture, Pictures
from conditions.trials.planning import rounds_of, shuffle
from conditions.trials.pools import Pools, PoolUnit
from unitscope.errors import BadInput


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


MATCHING = {"natural": "exemplar", "synthetic": "feature_visualization"}
"""Reference condition to what is paired with natural images."""


def matching_rows(
    design: Design, pools: Pools, pictures: Pictures, participant: int
) -> Iterator[tuple[PlannedBlock, dict[str, Any]]]:
    """Yield the block and the cells of each trial, in order.

    Klein, Brendel and Wichmann, Journal of Vision 23(9), 5062 (2023). An *exemplar* trial cuts the
    best natural images of a unit in two halves at random; a *feature visualization* trial pairs
    its best natural with its best synthetic images.

    Raises
    ------
    BadInput
        If a depth has fewer units than a trial has rows, or a unit too few images.
    """
    for trial in plan_matching(design, pools, participant):
        units = [member.unit for member in trial.units]
        yield (
            trial.block,
            {
                "trial_in_block": trial.trial_in_block,
                "trial_role": trial.block.block.role,
                "practice_round": trial.practice_round,
                "network": units[0].network,
                "layer": "+".join(sorted({unit.layer for unit in units})),
                "depth": trial.depth,
                "matching": MATCHING[trial.block.condition],
                "n_rows": len(units),
                "n_images": trial.n_images,
            }
            | _images(design, pictures, trial, participant),
        )


def _images(
    design: Design, pictures: Pictures, trial: MatchingTrial, participant: int
) -> dict[str, Any]:
    block, practice_round = trial.block, trial.practice_round
    again = [practice_round] if practice_round else []
    label = (participant, block.number, *again, trial.trial_in_block)
    batch = design.batches.practice
    if block.block.role == "main":
        batch = design.batches.main(block.condition, participant)
    slots = shuffle(design, range(len(trial.units)), *label, "slots")
    cells: dict[str, Any] = {}
    for row, (member, slot) in enumerate(zip(trial.units, slots, strict=True)):
        own = batch if isinstance(batch, int) else member.batch
        if own is None:
            raise BadInput(
                f"{design.units.table}: unit {member.unit.name} of pool {member.pool!r} has no "
                f"batch, but design {design.name!r} takes the batch of practice from there"
            )
        left, right = _halves(design, pictures, trial, member, own, (*label, row))
        cells[f"unit_{row}"] = member.unit.name
        cells[f"correct_slot_{row}"] = slot
        cells |= {f"left_{row}_{i}": image.path for i, image in enumerate(left)}
        cells |= {f"right_{slot}_{i}": image.path for i, image in enumerate(right)}
    return cells


def _halves(
    design: Design,
    pictures: Pictures,
    trial: MatchingTrial,
    member: PoolUnit,
    batch: int,
    label: tuple[object, ...],
) -> tuple[list[Picture], list[Picture]]:
    n_images = trial.n_images
    natural = 2 * n_images if trial.block.condition == "natural" else n_images
    best = pictures.take(member.unit, "natural", "max", batch, natural, design.name)[-natural:]
    mixed = shuffle(design, best, *label, "natural")
    if trial.block.condition == "natural":
        return mixed[:n_images], mixed[n_images:]
    synthetic = pictures.take(member.unit, "synthetic", "max", batch, n_images, design.name)
    return mixed, shuffle(design, synthetic[-n_images:], *label, "synthetic")
