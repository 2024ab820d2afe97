"""Trials of exemplar matching: rows of images whose left and right halves are to be matched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conditions.design.blocks import PlannedBlock
from conditions.design.design import Design
from conditions.design.randomness import shuffle
from conditions.design.selection import Matching
from conditions.trials.planning import batch_of, rounds_of
from conditions.trials.unit_pools import Pools, PoolUnit
from unitscope.errors import BadInput
from unitscope.stimulus_set import Stimulus, StimulusSet
from unitscope.vocabulary import MATCHING_OF_CONDITION, Depth, Unit


@dataclass(frozen=True)
class MatchingTrial:
    """A trial of several rows before its images are chosen.

    Parameters
    ----------
    block
        The block at its place in the session.
    trial_in_block
        Place in the block, or in the round of practice, from 1.
    depth, n_images
        Depth of the layers that its units are from, and how many images half a row has.
    units
        One for each row.
    practice_round
        Round of a practice that is repeated.
    label
        What its random choices are drawn by.
    """

    block: PlannedBlock
    trial_in_block: int
    depth: Depth
    n_images: int
    units: tuple[PoolUnit, ...]
    practice_round: int | None
    label: tuple[object, ...]


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
    dealer = _UnitDealer(design, design.matching, pools, participant)
    for block in design.plan(participant):
        for practice_round in rounds_of(design, block):
            label = (participant, block.number, *([practice_round] if practice_round else []))
            cells = shuffle(design, design.matching.cells, *label, "cells")
            dealt = [cells[i % len(cells)] for i in range(block.block.trials)]
            ordered = shuffle(design, dealt, *label, "order")
            for place, (depth, n_images) in enumerate(ordered, start=1):
                units = dealer.take(block.pool, depth)
                yield MatchingTrial(
                    block, place, depth, n_images, units, practice_round, (*label, place)
                )


def matching_rows(
    design: Design, pools: Pools, stimuli: StimulusSet, participant: int
) -> Iterator[tuple[PlannedBlock, dict[str, Any]]]:
    """Yield the block and the cells of each trial, in order.

    Klein, Brendel and Wichmann, Journal of Vision 23(9), 5062 (2023). An *exemplar* trial cuts the
    most activating natural images of a unit in two halves at random; a *feature visualization*
    trial pairs its most activating natural with its most activating synthetic images.

    Raises
    ------
    BadInput
        If a depth has fewer units than a trial has rows, or a unit too few images.
    """
    for trial in plan_matching(design, pools, participant):
        units = [member.unit for member in trial.units]
        cells = {
            "trial_in_block": trial.trial_in_block,
            "trial_role": trial.block.block.role,
            "practice_round": trial.practice_round,
            "network": units[0].network,
            "layer": "+".join(sorted({unit.layer for unit in units})),
            "depth": trial.depth,
            "matching": MATCHING_OF_CONDITION[trial.block.condition],
            "n_rows": len(units),
            "n_images": trial.n_images,
        }
        yield trial.block, cells | _image_cells(design, stimuli, trial, participant)


class _UnitDealer:
    """Deals the units of each depth evenly: all of a pool before any comes again."""

    def __init__(self, design: Design, matching: Matching, pools: Pools, participant: int) -> None:
        self._design = design
        self._matching = matching
        self._pools = pools
        self._participant = participant
        self._waiting: dict[tuple[str, str], list[PoolUnit]] = {}
        self._dealt = 0

    def take(self, pool: str, depth: Depth) -> tuple[PoolUnit, ...]:
        """Return the units of a trial's rows."""
        number, layers = self._matching.n_rows, self._matching.depths[depth]
        members = [member for member in self._pools[pool] if member.unit.layer in layers]
        if len(members) < number:
            raise BadInput(
                f"{self._design.path}: pool {pool!r} has {len(members)} {depth} units "
                f"({', '.join(layers)}), but a trial has {number} rows"
            )
        waiting = self._waiting.setdefault((pool, depth), [])
        later: list[PoolUnit] = []
        if len(waiting) < number:
            # Those that still wait come first, and once only in this trial.
            self._dealt += 1
            again = shuffle(
                self._design, members, self._participant, "units", pool, depth, self._dealt
            )
            later = [member for member in again if member in waiting]
            waiting += [member for member in again if member not in waiting]
        taken = tuple(waiting.pop(0) for _ in range(number))
        waiting += later
        return taken


def _image_cells(
    design: Design, stimuli: StimulusSet, trial: MatchingTrial, participant: int
) -> dict[str, Any]:
    """Return the cells of each row's images; right halves stand in shuffled slots."""
    role, condition = trial.block.block.role, trial.block.condition
    slots = shuffle(design, range(len(trial.units)), *trial.label, "slots")
    cells: dict[str, Any] = {}
    for row, (member, slot) in enumerate(zip(trial.units, slots, strict=True)):
        batch = batch_of(design, role, condition, participant, member)
        left, right = _halves(design, stimuli, trial, member.unit, batch, (*trial.label, row))
        cells[f"unit_{row}"] = member.unit.name
        cells[f"correct_slot_{row}"] = slot
        cells |= {f"left_{row}_{i}": image.path for i, image in enumerate(left)}
        cells |= {f"right_{slot}_{i}": image.path for i, image in enumerate(right)}
    return cells


def _halves(
    design: Design,
    stimuli: StimulusSet,
    trial: MatchingTrial,
    unit: Unit,
    batch: int,
    label: tuple[object, ...],
) -> tuple[list[Stimulus], list[Stimulus]]:
    """Return the images of a row's left and right half."""
    n_images, of_exemplars = trial.n_images, trial.block.condition == "natural"
    n_natural = 2 * n_images if of_exemplars else n_images
    best = stimuli.ranked(unit, "natural", "max", batch, at_least=n_natural)[-n_natural:]
    natural = shuffle(design, best, *label, "natural")
    if of_exemplars:
        return natural[:n_images], natural[n_images:]
    synthetic = stimuli.ranked(unit, "synthetic", "max", at_least=n_images)
    return natural, shuffle(design, synthetic[-n_images:], *label, "synthetic")
