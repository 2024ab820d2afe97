"""The words of the field, each with one meaning in every package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Task = Literal["two_afc", "occlusion", "exemplar_matching"]
TASKS: tuple[Task, ...] = get_args(Task)

KINDS = ("natural", "synthetic", "blur", "occluded", "base")
"""What sort of image a stimulus is."""

Pole = Literal["min", "max"]
POLES: tuple[Pole, ...] = get_args(Pole)
"""Whether a stimulus activates its unit least or most."""

ReferenceCondition = Literal["natural", "synthetic", "mixed", "blur", "none"]
REFERENCE_CONDITIONS: tuple[ReferenceCondition, ...] = get_args(ReferenceCondition)
"""Which images explain the unit to the observer during a trial, in the order of figures."""

CONDITION_COLOURS: dict[str, str] = {
    "natural": "#0072B2",
    "synthetic": "#D55E00",
    "mixed": "#009E73",
    "blur": "#CC79A7",
    "none": "#5b6470",
}
"""From the palette of Okabe and Ito, which people of any colour vision tell apart."""

CONDITIONS_OF_TASK: dict[Task, tuple[ReferenceCondition, ...]] = {
    "two_afc": ("natural", "synthetic", "none"),
    "occlusion": REFERENCE_CONDITIONS,
    "exemplar_matching": ("natural", "synthetic"),
}
"""Reference conditions that the trials of a task can have."""

TRIAL_ROLES = ("practice", "main", "catch", "repeat")

CHOICES = ("a", "b")
"""Query a stands above or to the left of query b."""

CONFIDENCES = (1, 2, 3)

Depth = Literal["early", "middle", "late"]
DEPTHS: tuple[Depth, ...] = get_args(Depth)
"""Third of a network that a layer lies in."""

MATCHING_OF_CONDITION = {"natural": "exemplar", "synthetic": "feature_visualization"}
"""Reference condition of exemplar matching to what its trials are called.

An *exemplar* trial pairs natural images of a unit with more of them, a *feature visualization*
trial with synthetic ones.
"""

MATCHINGS = tuple(MATCHING_OF_CONDITION.values())

INPUTS = ("keys", "mouse")

OBSERVER_KINDS = ("person", "simulated", "machine", "baseline")


@dataclass(frozen=True, order=True)
class Unit:
    """One channel of one layer of a network.

    Parameters
    ----------
    network
        Name in the network registry.
    layer
        Layer name, such as ``mixed4a`` or ``inception4a``.
    branch
        Branch of a mixed layer (``1x1``, ``3x3``, ``5x5``, ``pool``), empty where the layer has
        none.
    channel
        Index into the whole layer, all branches concatenated, from 0.
    """

    network: str
    layer: str
    branch: str
    channel: int

    @property
    def name(self) -> str:
        """Name without the network, fit for a folder: ``mixed4a-3x3-0245``."""
        return "-".join(part for part in (self.layer, self.branch, f"{self.channel:04d}") if part)
