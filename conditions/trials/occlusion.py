"""Images of the occlusion task: a base image, two covered copies of it, and references."""

from __future__ import annotations

from typing import Any

from conditions.design.design import Design
from conditions.trials.planning import PlannedTrial, batch_of
from conditions.trials.two_afc import in_order, query_cells, reference_cells, synthetics
from unitscope.errors import BadInput
from unitscope.stimulus_set import Stimulus, StimulusSet


def occlusion_cells(
    design: Design, stimuli: StimulusSet, participant: int, number: int, trial: PlannedTrial
) -> dict[str, Any]:
    """Return the cells of a trial's images.

    Zimmermann et al., NeurIPS 2021 (arXiv 2106.12447). The base is the most activating image
    of its batch, so that it and its queries are the same in every reference condition; it is never
    a reference. In a catch trial without references the less active query is an image of another
    unit, of which the trial's activation is not known.

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
    difference: float | None = (high.activation - low.activation) / base.activation
    if trial.unrelated is not None:
        other = trial.unrelated
        batch = batch_of(design, trial.role, trial.block.condition, participant, other)
        low = stimuli.ranked(other.unit, "occluded", "min", batch, at_least=1)[0]
        difference = None
    a, b = (high, low) if trial.side == "a" else (low, high)
    shown, n_natural = trial.block.references.per_side, trial.block.references.mixed_natural
    references: list[Stimulus] = []
    condition = trial.block.condition
    numbers = {
        "natural": {"natural": shown},
        "synthetic": {"synthetic": shown},
        "mixed": {"natural": n_natural, "synthetic": shown - n_natural},
        "blur": {"blur": shown},
        "none": {},
    }[condition]
    for kind, n_images in numbers.items():
        if kind == "synthetic":
            images = synthetics(stimuli, trial, "max", n_images)
        elif kind == "natural":
            images = take(kind, "max", n_images + 1)[-n_images - 1 : -1]
        else:
            images = take(kind, "max", n_images)[-n_images:]
        references += in_order(design, trial, images, participant, number, kind)
    cells = query_cells(trial, low, high)
    if trial.unrelated is not None:
        cells["activation_b" if trial.side == "a" else "activation_a"] = None
    return (
        cells
        | {
            "base": base.path,
            "base_activation": base.activation,
            "occluder_a_x_px": a.occluder_x_px,
            "occluder_a_y_px": a.occluder_y_px,
            "occluder_b_x_px": b.occluder_x_px,
            "occluder_b_y_px": b.occluder_y_px,
            "occluder_size_px": a.occluder_size_px,
            "relative_activation_difference": difference,
        }
        | reference_cells("max", references)
    )
