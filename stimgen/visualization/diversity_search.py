"""Search for the largest diversity weight whose images still beat the natural ones."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from stimgen.studies.synthetic_settings import SearchSettings
from stimgen.visualization.goals import Goal

Images = TypeVar("Images")


@dataclass(frozen=True)
class Found(Generic[Images]):
    """What a search found for a goal.

    Parameters
    ----------
    weight
        The largest that passed; 0 if none did.
    images
        Made with it.
    beats
        Whether these images beat the natural ones; only without any weight they may fail to.
    """

    weight: float
    images: Images
    beats: bool


def search_diversity(
    goals: Sequence[Goal],
    settings: SearchSettings,
    make: Callable[[Sequence[Goal]], Sequence[Images]],
    beats: Callable[[Goal, Images], bool],
) -> list[Found[Images]]:
    """Search each goal's diversity weight (Zimmermann et al., 2023, arXiv:2307.05471).

    First all weights of the bracket are tried, those of all goals together; then the decade above
    the largest that passed is halved again and again, on a logarithmic scale, for all goals at
    once. A weight at the upper end of the bracket that passes is taken as it is.

    Parameters
    ----------
    goals
        With what their images have to beat.
    settings
        Of the search.
    make
        Makes the images of goals, each with its own diversity weight.
    beats
        Whether a goal's images beat the natural ones.

    Returns
    -------
    list of Found
        One per goal.
    """
    bracket = settings.bracket
    made = make([_weighted(goal, weight) for goal in goals for weight in bracket])
    found: list[Found[Images]] = []
    above: list[float | None] = []
    for place, goal in enumerate(goals):
        row = made[place * len(bracket) : (place + 1) * len(bracket)]
        best = max((i for i, images in enumerate(row) if beats(goal, images)), default=None)
        chosen = best or 0
        found.append(Found(bracket[chosen], row[chosen], best is not None))
        above.append(bracket[chosen + 1] if 0 < chosen < len(bracket) - 1 else None)
    for _ in range(settings.steps):
        middles = {
            place: math.sqrt(found[place].weight * high)
            for place, high in enumerate(above)
            if high is not None
        }
        tried = make([_weighted(goals[place], weight) for place, weight in middles.items()])
        for (place, weight), images in zip(middles.items(), tried, strict=True):
            if beats(goals[place], images):
                found[place] = Found(weight, images, True)
            else:
                above[place] = weight
    return found


def _weighted(goal: Goal, weight: float) -> Goal:
    return dataclasses.replace(goal, diversity_weight=weight)
