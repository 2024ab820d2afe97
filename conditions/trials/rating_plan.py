"""Which images are rated before and after the trials."""

from __future__ import annotations

from dataclasses import dataclass

from conditions.design.design import Design
from conditions.design.randomness import generator
from conditions.trials.unit_pools import pools_of
from unitscope.errors import BadInput
from unitscope.row_types import RatedImage
from unitscope.stimulus_set import StimulusSet


@dataclass(frozen=True)
class PlannedRating:
    """A rating of one unit's images.

    Parameters
    ----------
    row
        Its cells in the log.
    images
        Kind to the images that are shown side by side, the kind that is rated first.
    """

    row: RatedImage
    images: dict[str, tuple[str, ...]]


def plan_ratings(
    design: Design, stimuli: StimulusSet, participant: int, moment: str
) -> list[PlannedRating]:
    """Return what a participant rates before or after the trials, in order.

    Borowski et al., ICLR 2021 (arXiv 2010.12606). The same units are rated before and after, each
    by its most activating images.

    Parameters
    ----------
    design, stimuli
        The design, and the stimulus set whose images it shows.
    participant
        Number from 1; determines the units and their order.
    moment
        ``before`` or ``after``.

    Raises
    ------
    BadInput
        If the pool has too few units, or one of them too few images.
    """
    ratings = design.ratings
    number = getattr(ratings, moment) if ratings else 0
    if not ratings or not number:
        return []
    units = pools_of(design, stimuli)[ratings.pool]
    if len(units) < max(ratings.before, ratings.after):
        raise BadInput(
            f"{design.path}: pool {ratings.pool!r} has {len(units)} units, too few for "
            f"{max(ratings.before, ratings.after)} ratings"
        )
    order = generator(design, participant, "ratings").permutation(len(units))
    both = ratings.kind == "both"
    kinds = ("synthetic", "natural") if both else (ratings.kind,)
    n_images = ratings.n_images if both else 1
    planned: list[PlannedRating] = []
    for place, i in enumerate(order[:number], start=1):
        unit = units[i].unit
        images = {
            kind: tuple(image.path for image in stimuli.most_activating(unit, kind)[-n_images:])
            for kind in kinds
        }
        for kind, shown in images.items():
            if len(shown) < n_images:
                raise BadInput(
                    f"{stimuli.folder}: unit {unit.name} has {len(shown)} {kind} max images to "
                    f"rate, expected {n_images}"
                )
        row: RatedImage = {
            "moment": moment,
            "rating_number": place,
            "network": unit.network,
            "layer": unit.layer,
            "branch": unit.branch or None,
            "channel": unit.channel,
            "image": images[kinds[0]][-1],
        }
        planned.append(PlannedRating(row, images))
    return planned
