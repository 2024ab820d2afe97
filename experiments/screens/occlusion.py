"""The trial screen of occlusion: that of 2AFC and the base image, parts of which are hidden."""

from __future__ import annotations

from experiments.screens.two_afc import TwoAFCScreen


class OcclusionScreen(TwoAFCScreen):
    """Draws the base image and its title besides queries and references.

    ``base`` is an image of the condition table like any other; its place is in
    ``experiments/runner/occlusion.py``.
    """

    def _has_title(self, name: str) -> bool:
        """Title the base image even where a trial has no references."""
        return name == "base" or super()._has_title(name)
