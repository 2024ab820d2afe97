"""Search for the largest diversity weight with which images still beat the natural ones."""

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
class SearchResult(Generic[Images]):
    """Result of a search for one goal.

    Parameters
    ----------
    weight
        Largest weight that passed; 0 if none did.
    images
        Images rendered with it.
    beats
        Whether these images beat the natural ones; false only with a weight of 0.
    """

    weight: float
    images: Images
    beats: bool


def search_diversity(
    goals: Sequence[Goal],
    settings: SearchSettings,
    make: Callable[[Sequence[Goal]], Sequence[Images]],
    beats: Callable[[Goal, Images], bool],
) -> list[SearchResult[Images]]:
    """Search each goal's diversity weight (Zimmermann et al., 2023, arXiv:2307.05471).

    First all weights of the bracket are tried, for all goals together; then the decade above the
    largest weight that passed is bisected on a logarithmic scale: the next weight is the geometric
    mean sqrt(low * high). If the largest weight of the bracket passes, it is the result.

    Parameters
    ----------
    goals
        Goals with the activations that their images have to exceed.
    settings
        Settings of the search.
    make
        Renders the images of goals, each with its own diversity weight.
    beats
        Whether a goal's images beat the natural ones.

    Returns
    -------
    list of SearchResult
        One per goal.

    Examples
    --------
    Images that are represented by their weight, and beat the natural ones up to a weight of 0.05:

    >>> from unitscope.vocabulary import Unit
    >>> goal = Goal(Unit("demo", "inception4a", "1x1", 0), "max", seeds=(1, 2))
    >>> def make(goals):
    ...     return [goal.diversity_weight for goal in goals]
    >>> def beats(goal, weight):
    ...     return weight < 0.05
    >>> settings = SearchSettings(lowest=0.01, decades=2, steps=7)
    >>> [found] = search_diversity([goal], settings, make, beats)
    >>> round(found.weight, 3), found.beats
    (0.05, True)
    """
    bracket = settings.bracket
    made = make([_weighted(goal, weight) for goal in goals for weight in bracket])
    found: list[SearchResult[Images]] = []
    above: list[float | None] = []
    for place, goal in enumerate(goals):
        row = made[place * len(bracket) : (place + 1) * len(bracket)]
        best = max((i for i, images in enumerate(row) if beats(goal, images)), default=None)
        chosen = best or 0
        found.append(SearchResult(bracket[chosen], row[chosen], best is not None))
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
                found[place] = SearchResult(weight, images, True)
            else:
                above[place] = weight
    return found


def _weighted(goal: Goal, weight: float) -> Goal:
    return dataclasses.replace(goal, diversity_weight=weight)
