"""Images of a two-alternative forced choice: queries and references of both poles."""

from __future__ import annotations

from typing import Any

from conditions.design.design import Design
from conditions.trials.planning import PlannedTrial
from conditions.trials.randomness import generator
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
    references = _references(design, stimuli, trial)
    low, high = _queries(design, stimuli, trial, {pole: len(r) for pole, r in references.items()})
    if trial.role == "catch":
        catch = _catch_queries(design, stimuli, trial, references, participant, number)
        low, high = catch.get("min", low), catch.get("max", high)
    cells = query_cells(trial, low, high)
    for pole, images in references.items():
        cells |= reference_cells(pole, images)
    return cells


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


def _references(
    design: Design, stimuli: StimulusSet, trial: PlannedTrial
) -> dict[str, list[Stimulus]]:
    """Take the references of each pole, activation rising, without the ranks of the queries."""
    kind, number = trial.block.condition, trial.block.references.per_side
    references: dict[str, list[Stimulus]] = {}
    if kind == "none":
        return references
    for pole in trial.block.references.poles:
        if kind == "natural":
            images = _take(stimuli, trial, kind, pole, number + 1)
            references[pole] = images[1 : number + 1] if pole == "min" else images[-number - 1 : -1]
        else:
            images = _take(stimuli, trial, kind, pole, number)
            references[pole] = images[:number] if pole == "min" else images[-number:]
    return references


def _catch_queries(
    design: Design,
    stimuli: StimulusSet,
    trial: PlannedTrial,
    references: dict[str, list[Stimulus]],
    participant: int,
    number: int,
) -> dict[str, Stimulus]:
    """Choose a shown reference of each pole; for a pole without any, an image of their kind."""
    rng = generator(design, participant, "catch", number)
    queries: dict[str, Stimulus] = {}
    for pole in POLES:
        if pole in references:
            queries[pole] = references[pole][rng.integers(len(references[pole]))]
        elif trial.block.condition == "synthetic":
            images = _take(stimuli, trial, "synthetic", pole, 1)
            queries[pole] = images[0] if pole == "min" else images[-1]
    return queries
