"""Trials of exemplar matching: rows of images cut in half, the right halves shuffled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conditions.blocks import PlannedBlock
from conditions.design import Design
from conditions.errors import BadInput
from conditions.pictures import Picture, Pictures
from conditions.planning import rounds_of, shuffle
from conditions.pools import Pools, PoolUnit
from conditions.selection import Matching

MATCHING = {"natural": "exemplar", "synthetic": "feature_visualization"}
"""Reference condition to what is paired with natural images."""


def matching_rows(
    design: Design, pools: Pools, pictures: Pictures, participant: int
) -> Iterator[tuple[PlannedBlock, dict[str, Any]]]:
    """Yield the block and the cells of each trial, in order.

    Klein, Brendel and Wichmann, Journal of Vision 23(9), 5062 (2023). An *exemplar* trial cuts the
    best natural images of a unit in two halves at random; a *feature visualization* trial pairs
    its best natural with its best synthetic images. Trials are dealt evenly over the depths and
    numbers of images, units evenly over the trials of a depth.

    Raises
    ------
    BadInput
        If a depth has fewer units than a trial has rows, or a unit too few images.
    """
    assert design.matching is not None
    units = _Units(design, design.matching, pools, participant)
    rounds = [
        (block, practice_round)
        for block in design.plan(participant)
        for practice_round in rounds_of(design, block)
    ]
    for block, practice_round in rounds:
        here = (participant, block.number, *([practice_round] if practice_round else []))
        number = block.block.trials
        cells = shuffle(design, design.matching.cells, *here, "cells")
        dealt = [cells[i % len(cells)] for i in range(number)]
        places = enumerate(shuffle(design, dealt, *here, "order"), start=1)
        for place, (depth, n_images) in places:
            own = units.take(block, depth)
            yield (
                block,
                {
                    "trial_in_block": place,
                    "trial_role": block.block.role,
                    "practice_round": practice_round,
                    "network": own[0].unit.network,
                    "layer": "+".join(sorted({member.unit.layer for member in own})),
                    "depth": depth,
                    "matching": MATCHING[block.condition],
                    "n_rows": len(own),
                    "n_images": n_images,
                }
                | _images(design, pictures, block, own, n_images, (*here, place)),
            )


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


def _images(
    design: Design,
    pictures: Pictures,
    block: PlannedBlock,
    units: list[PoolUnit],
    n_images: int,
    label: tuple[object, ...],
) -> dict[str, Any]:
    participant = int(str(label[0]))
    batch = design.batches.practice
    if block.block.role == "main":
        batch = design.batches.main(block.condition, participant)
    slots = shuffle(design, range(len(units)), *label, "slots")
    cells: dict[str, Any] = {}
    for row, (member, slot) in enumerate(zip(units, slots, strict=True)):
        own = batch if isinstance(batch, int) else member.batch
        if own is None:
            raise BadInput(
                f"{design.units.table}: unit {member.unit.name} of pool {member.pool!r} has no "
                f"batch, but design {design.name!r} takes the batch of practice from there"
            )
        left, right = _halves(design, pictures, block, member, own, n_images, (*label, row))
        cells[f"unit_{row}"] = member.unit.name
        cells[f"correct_slot_{row}"] = slot
        cells |= {f"left_{row}_{i}": image.path for i, image in enumerate(left)}
        cells |= {f"right_{slot}_{i}": image.path for i, image in enumerate(right)}
    return cells


def _halves(
    design: Design,
    pictures: Pictures,
    block: PlannedBlock,
    member: PoolUnit,
    batch: int,
    n_images: int,
    label: tuple[object, ...],
) -> tuple[list[Picture], list[Picture]]:
    natural = 2 * n_images if block.condition == "natural" else n_images
    best = pictures.take(member.unit, "natural", "max", batch, natural, design.name)[-natural:]
    mixed = shuffle(design, best, *label, "natural")
    if block.condition == "natural":
        return mixed[:n_images], mixed[n_images:]
    synthetic = pictures.take(member.unit, "synthetic", "max", batch, n_images, design.name)
    return mixed, shuffle(design, synthetic[-n_images:], *label, "synthetic")
