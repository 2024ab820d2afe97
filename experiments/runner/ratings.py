"""Which pictures are rated before and after the trials."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from conditions.design import Design
from conditions.errors import BadInput
from conditions.pools import pools_of
from conditions.randomness import generator
from conditions.stimulus_set import StimulusSet
from experiments.runner.slider import Rated

MOMENTS = ("before", "after")


def planned_ratings(
    design: Design, stimuli: StimulusSet, rows: Sequence[Mapping[str, Any]], moment: str
) -> list[Rated]:
    """Return what a participant rates at a moment, in order.

    The units are drawn from the design's pool by its seed and the participant's number, the same
    before and after the trials.

    Parameters
    ----------
    design, stimuli
        Which units, and their images.
    rows
        The condition table, for the participant's number.
    moment
        ``before`` or ``after``.

    Raises
    ------
    BadInput
        If the pool has too few units, or one of them lacks the image.
    """
    ratings = design.ratings
    number = getattr(ratings, moment) if ratings else 0
    if not ratings or not number:
        return []
    pools = pools_of(design, stimuli)
    units = pools.get(ratings.pool, [])
    if len(units) < max(ratings.before, ratings.after):
        raise BadInput(
            f"{design.path}: pool {ratings.pool!r} has {len(units)} units, too few for "
            f"{max(ratings.before, ratings.after)} ratings"
        )
    order = generator(design, rows[0]["participant_number"], "ratings").permutation(len(units))
    rated = []
    for place, i in enumerate(order[:number], start=1):
        manifest, unit = stimuli.manifest, units[i]
        own = (manifest["kind"] == ratings.kind) & (manifest["pole"] == "max")
        for name in ("network", "layer", "channel"):
            own &= manifest[name] == getattr(unit, name)
        images = manifest[own].sort_values(["activation", "path"])
        if images.empty:
            raise BadInput(
                f"{stimuli.folder}: unit {unit.name} has no {ratings.kind} max image to be rated"
            )
        columns = dataclasses.asdict(unit) | {"branch": unit.branch or None}
        rated.append(Rated(moment, place, str(images["path"].iloc[-1]), columns))
    return rated
