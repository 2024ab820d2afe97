"""How a study's data are analysed: what can be decided before they are there."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.statistics.contrasts import SMALLEST_EFFECT
from analysis.statistics.estimates import LEVEL, CIUnit
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
        Smallest difference in accuracy of interest.
    rules
        By which sessions are excluded; None for those of the design, or where it is not available
        for ``DEFAULT_RULES``.
    blind
        Seed of the shuffle that gives conditions their letters; None shows their names.
    n_bootstrap
        Draws for the intervals that need them.
    """

    ci_unit: CIUnit = "crossed"
    level: float = LEVEL
    smallest_effect: float = SMALLEST_EFFECT
    rules: tuple[ExclusionRule, ...] | None = None
    blind: int | None = None
    n_bootstrap: int = 1000
