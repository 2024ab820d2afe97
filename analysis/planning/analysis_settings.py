"""How a study's data are analysed: what can be decided before they are there."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.statistics.contrasts import SMALLEST_EFFECT
from analysis.statistics.estimates import LEVEL, CIUnit
from conditions.design.design import Design
from unitscope.exclusion import ExclusionRule


@dataclass(frozen=True)
class Settings:
    """How a log is analysed.

    Parameters
    ----------
    ci_unit
        What the confidence intervals of accuracies and differences generalise over.
    level
        Of the intervals.
    smallest_effect
        Smallest difference in accuracy of interest; None for that of the design, or where it
        states none for ``SMALLEST_EFFECT``.
    rules
        By which sessions are excluded; None for those of the design, or where it is not available
        for ``DEFAULT_RULES``.
    blind
        Seed of the shuffle that gives conditions their letters; None shows their names.
    n_bootstrap
        Draws for the intervals that need them.
    models
        Whether mixed models are fitted, which takes the longest.
    """

    ci_unit: CIUnit = "crossed"
    level: float = LEVEL
    smallest_effect: float | None = None
    rules: tuple[ExclusionRule, ...] | None = None
    blind: int | None = None
    n_bootstrap: int = 1000
    models: bool = True

    def effect_of_interest(self, design: Design | None) -> float:
        """Return the smallest difference in accuracy of interest in a study of this design."""
        stated = self.stated_effect(design)
        return SMALLEST_EFFECT if stated is None else stated

    def stated_effect(self, design: Design | None) -> float | None:
        """Return the smallest effect of interest that settings or design state, or None."""
        if self.smallest_effect is not None or design is None:
            return self.smallest_effect
        return design.smallest_effect
