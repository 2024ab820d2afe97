"""Images of a two-alternative forced choice: queries and references of both poles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from conditions.design.design import Design
from conditions.design.randomness import generator, shuffle
from conditions.trials.planning import PlannedTrial
from unitscope.errors import BadInput
from unitscope.stimulus_set import Stimulus, StimulusSet
from unitscope.vocabulary import POLES


def two_afc_cells(
    design: Design, stimuli: StimulusSet, participant: int, number: int, trial: PlannedTrial
) -> dict[str, Any]:
    """Return the cells of a trial's images.

    Borowski et al., ICLR 2021 (arXiv 2010.12606). The queries are the least activating of the
    batch's min images and the most activating of its max images; natural references are those next
    in rank.

    Parameters
    ----------
    design, stimuli
        The design, and the stimulus set whose images it shows.
    participant, number
        Numbers of participant and trial, which determine the choice of catch queries.
    trial
        The planned trial.

    Raises
    ------
    BadInput
        If the set has too few images, or the min query is not below the max query.
    """
    trial = _with_own_batch(stimuli, trial)
    near = {} if trial.block.condition == "none" else _nearest(stimuli, trial)
    references = {pole: near[pole] for pole in trial.block.references.poles if pole in near}
    if trial.role == "catch":
        rng = generator(design, participant, "catch", number)
        low, high = (_catch_query(trial, pole, near[pole], rng) for pole in POLES)
    else:
        low, high = _queries(design, stimuli, trial, {pole: len(r) for pole, r in near.items()})
    cells = query_cells(trial, low, high) | {"batch": trial.batch}
    for pole, images in references.items():
        places = in_order(design, trial, images, participant, number, pole)
        cells |= reference_cells(pole, places)
    return cells


def _with_own_batch(stimuli: StimulusSet, trial: PlannedTrial) -> PlannedTrial:
    """Return a trial with the batch of pairs of the same place, if it shows one reference.

    Where a set has batches of pairs, the trials with one reference take queries and references
    from there.
    """
    assert trial.unit is not None
    assert trial.batch is not None
    pairs = stimuli.pair_batches(trial.unit.unit)
    if trial.block.references.per_side > 1 or trial.batch >= len(pairs):
        return trial
    return replace(trial, batch=pairs[trial.batch])


def in_order(
    design: Design,
    trial: PlannedTrial,
    images: list[Stimulus],
    participant: int,
    number: int,
    *label: str,
) -> list[Stimulus]:
    """Return references of one kind and pole in the order in which a trial shows them."""
    if trial.block.references.order == "ranked":
        return images
    return shuffle(design, images, participant, "references", number, *label)


def query_cells(trial: PlannedTrial, low: Stimulus, high: Stimulus) -> dict[str, Any]:
    """Return the cells of the queries: the one with the higher activation is correct."""
    a, b = (high, low) if trial.side == "a" else (low, high)
    return {
        "query_a": a.path,
        "query_b": b.path,
        "activation_a": a.activation,
        "activation_b": b.activation,
        "correct_choice": trial.side,
    }


def reference_cells(pole: str, images: list[Stimulus]) -> dict[str, Any]:
    """Return the cells of the references of a pole."""
    return {f"reference_{pole}_{i}": image.path for i, image in enumerate(images)}


def _take(
    stimuli: StimulusSet, trial: PlannedTrial, kind: str, pole: str, at_least: int
) -> list[Stimulus]:
    assert trial.unit is not None
    assert trial.batch is not None
    return stimuli.ranked(trial.unit.unit, kind, pole, trial.batch, at_least=at_least)


def _queries(
    design: Design, stimuli: StimulusSet, trial: PlannedTrial, shown: dict[str, int]
) -> tuple[Stimulus, Stimulus]:
    natural = trial.block.condition == "natural"
    low, high = (
        _take(stimuli, trial, "natural", pole, 1 + (shown.get(pole, 0) if natural else 0))
        for pole in POLES
    )
    if not low[0].activation < high[-1].activation:
        assert trial.unit is not None
        raise BadInput(
            f"{design.path}: unit {trial.unit.unit.name}, batch {trial.batch}: the min query's "
            f"activation {low[0].activation:g} is not below the max query's "
            f"{high[-1].activation:g}"
        )
    return low[0], high[-1]


def _nearest(stimuli: StimulusSet, trial: PlannedTrial) -> dict[str, list[Stimulus]]:
    """Take the images of each pole that can be references, without the ranks of the queries."""
    kind, number = trial.block.condition, trial.block.references.per_side
    near: dict[str, list[Stimulus]] = {}
    for pole in POLES:
        if kind == "natural":
            images = _take(stimuli, trial, kind, pole, number + 1)
            near[pole] = images[1 : number + 1] if pole == "min" else images[-number - 1 : -1]
        else:
            near[pole] = synthetics(stimuli, trial, pole, number)
    return near


def synthetics(stimuli: StimulusSet, trial: PlannedTrial, pole: str, number: int) -> list[Stimulus]:
    """Return the synthetic references of a pole: the strongest, or some whatever their rank."""
    assert trial.unit is not None
    images = stimuli.synthetic(trial.unit.unit, pole, number)
    if trial.block.references.synthetic == "unranked":
        return sorted(images, key=lambda image: image.seed or 0)[:number]
    return images[:number] if pole == "min" else images[-number:]


def _catch_query(
    trial: PlannedTrial, pole: str, near: list[Stimulus], rng: np.random.Generator
) -> Stimulus:
    """Choose a reference as query; for a pole without any on the screen, one that could be."""
    if trial.block.block.catch_queries == "outermost":
        return near[0 if pole == "min" else -1]
    return near[rng.integers(len(near))]
