"""Which images are rated before and after the trials."""

from __future__ import annotations

from conditions.design.design import Design
from conditions.design.randomness import generator
from conditions.trials.unit_pools import pools_of
from unitscope.errors import BadInput
from unitscope.row_types import RatedImage
from unitscope.stimulus_set import StimulusSet


def rating_rows(
    design: Design, stimuli: StimulusSet, participant: int, moment: str
) -> list[RatedImage]:
    """Return what a participant rates before or after the trials, in order.

    Borowski et al., ICLR 2021 (arXiv 2010.12606). The same units are rated before and after, each
    by its most activating image.

    Parameters
    ----------
    design, stimuli
        The design, and the stimulus set whose images it shows.
    participant
        Number from 1; determines the units and their order.
    moment
        ``before`` or ``after``.

    Returns
    -------
    list of RatedImage
        One per rating.

    Raises
    ------
    BadInput
        If the pool has too few units, or one of them lacks the image.
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
    rows: list[RatedImage] = []
    for place, i in enumerate(order[:number], start=1):
        unit = units[i].unit
        images = stimuli.most_activating(unit, ratings.kind)
        if not images:
            raise BadInput(
                f"{stimuli.folder}: unit {unit.name} has no {ratings.kind} max image to rate"
            )
        rows.append(
            {
                "moment": moment,
                "rating_number": place,
                "network": unit.network,
                "layer": unit.layer,
                "branch": unit.branch or None,
                "channel": unit.channel,
                "image": images[-1].path,
            }
        )
    return rows
