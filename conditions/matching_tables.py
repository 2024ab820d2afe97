"""Trials of exemplar matching: rows of images cut in half, the right halves shuffled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conditions.blocks import PlannedBlock
from conditions.design import Design
from conditions.errors import BadInput
from conditions.matching_planning import MatchingTrial, plan_matching
from conditions.pictures import Picture, Pictures
from conditions.planning import shuffle
from conditions.pools import Pools, PoolUnit

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
