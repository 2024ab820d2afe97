"""How a study's data are analysed: what can be decided before they are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analysis.statistics.contrasts import SMALLEST_EFFECT
from analysis.statistics.estimates import LEVEL, CIUnit
from conditions.design.design import Design
from unitscope.exclusion import FIRST_SESSION, LAST_SESSION, WHOLE_SIZE, ExclusionRule

WhichSessions = Literal["first", "last", "all"]

_ONE_SESSION: dict[WhichSessions, tuple[ExclusionRule, ...]] = {
    "first": (FIRST_SESSION,),
    "last": (LAST_SESSION,),
    "all": (),
}


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
        for ``DEFAULT_RULES``, and those that stand in every study that the suite ran.
    sessions
        Which sessions of a participant with several are kept, where ``rules`` is None.
    shrunk
        Whether sessions are kept whose images were smaller than designed, where ``rules`` is None.
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
    sessions: WhichSessions = "first"
    shrunk: bool = False
    blind: int | None = None
    n_bootstrap: int = 1000
    models: bool = True

    @property
    def standing_rules(self) -> tuple[ExclusionRule, ...]:
        """The rules that stand in every study, as far as these settings leave them."""
        whole = () if self.shrunk else (WHOLE_SIZE,)
        return (*whole, *_ONE_SESSION[self.sessions])

    def effect_of_interest(self, design: Design | None) -> float:
        """Return the smallest difference in accuracy of interest in a study of this design."""
        stated = self.stated_effect(design)
        return SMALLEST_EFFECT if stated is None else stated

    def stated_effect(self, design: Design | None) -> float | None:
        """Return the smallest effect of interest that settings or design state, or None."""
        if self.smallest_effect is not None or design is None:
            return self.smallest_effect
        return design.smallest_effect
