"""Images of the occlusion task: a base image, two covered copies of it, and references."""

from __future__ import annotations

from typing import Any

from conditions.design.design import Design
from conditions.trials.planning import PlannedTrial
from conditions.trials.two_afc import query_cells, reference_cells
from unitscope.errors import BadInput
from unitscope.stimulus_set import Stimulus, StimulusSet


def occlusion_cells(design: Design, stimuli: StimulusSet, trial: PlannedTrial) -> dict[str, Any]:
    """Return the cells of a trial's images.

    Zimmermann et al., NeurIPS 2021 (arXiv 2106.12447). The base is the most activating image
    of its batch, so that it and its queries are the same in every reference condition; it is never
    a reference.

    Raises
    ------
    BadInput
        If the set has too few images, or the queries' activations do not differ.
    """
    assert trial.unit is not None
    assert trial.batch is not None
    unit = trial.unit.unit

    def take(kind: str, pole: str, at_least: int) -> list[Stimulus]:
        assert trial.batch is not None
        return stimuli.ranked(unit, kind, pole, trial.batch, at_least=at_least)

    base = take("base", "max", 1)[-1]
    low, high = take("occluded", "min", 1)[0], take("occluded", "max", 1)[-1]
    if not low.activation < high.activation or not base.activation:
        raise BadInput(
            f"{design.path}: unit {unit.name}, batch {trial.batch}: activations of the covered "
            f"images are {low.activation:g} and {high.activation:g}, of the base image "
            f"{base.activation:g}; expected the second above the first, and a base other than 0"
        )
    a, b = (high, low) if trial.side == "a" else (low, high)
    number, natural = trial.block.references.per_side, trial.block.references.mixed_natural
    references: list[Stimulus] = []
    condition = trial.block.condition
    if condition in ("natural", "mixed"):
        own = natural if condition == "mixed" else number
        references += take("natural", "max", own + 1)[-own - 1 : -1]
    if condition in ("synthetic", "mixed"):
        own = number - natural if condition == "mixed" else number
        references += take("synthetic", "max", own)[-own:]
    if condition == "blur":
        references += take("blur", "max", number)[-number:]
    return (
        query_cells(trial, low, high)
        | {
            "base": base.path,
            "base_activation": base.activation,
            "occluder_a_x_px": a.occluder_x_px,
            "occluder_a_y_px": a.occluder_y_px,
            "occluder_b_x_px": b.occluder_x_px,
            "occluder_b_y_px": b.occluder_y_px,
            "occluder_size_px": a.occluder_size_px,
            "relative_activation_difference": (high.activation - low.activation) / base.activation,
        }
        | reference_cells("max", references)
    )
