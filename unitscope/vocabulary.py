"""The words of the field, each with one meaning in every package."""

from __future__ import annotations

from dataclasses import dataclass

TASKS = ("two_afc", "occlusion", "exemplar_matching")

KINDS = ("natural", "synthetic", "blur", "occluded", "base")
"""What sort of picture a stimulus is."""

POLES = ("min", "max")
"""Whether a stimulus drives its unit least or most."""

REFERENCE_CONDITIONS = ("natural", "synthetic", "mixed", "blur", "none")
"""Which pictures explain the unit to the observer during a trial."""

TRIAL_ROLES = ("practice", "main", "catch", "repeat")

CHOICES = ("a", "b")
"""Query a stands above or to the left of query b."""

CONFIDENCES = (1, 2, 3)

DEPTHS = ("early", "middle", "late")
"""Third of a network that a layer lies in."""

MATCHINGS = ("exemplar", "feature_visualization")
"""What is paired with natural images of a unit: more of them, or synthetic ones."""

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
