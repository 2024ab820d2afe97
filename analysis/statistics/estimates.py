"""What every analysis returns: a number, how sure it is, what it rests on, or why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

CIUnit = Literal["crossed", "participant", "unit", "trial", "paper"]
"""Whom an interval speaks for: new participants with new units, new participants, new units, or
new trials of the same ones; ``paper`` is 2 SEM of the participants' means, with ddof 0."""

CI_UNITS: tuple[CIUnit, ...] = get_args(CIUnit)

LEVEL = 0.95
"""Probability that intervals are meant to cover."""


@dataclass(frozen=True)
class Estimate:
    """A mean and its interval.

    Parameters
    ----------
    value
        Mean over trials; NaN without any.
    low, high
        Ends of the interval; NaN where it cannot be computed.
    standard_error, df
        Of the mean; NaN where they cannot be computed or, for df, do not apply.
    n_trials, n_participants, n_units
        What the mean rests on.
    ci_unit
        Whom the interval speaks for.
    reason
        Why there is no interval, beginning with ``not computable because``; empty otherwise.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    standard_error: float = math.nan
    df: float = math.nan
    n_trials: int = 0
    n_participants: int = 0
    n_units: int = 0
    ci_unit: str = "crossed"
    reason: str = ""

    @property
    def has_interval(self) -> bool:
        """Whether the interval could be computed."""
        return not self.reason


def not_computable(why: str) -> str:
    """Return the sentence that stands in place of a number."""
    return f"not computable because {why}"


def plain(value: Any) -> Any:
    """Turn a number into what JSON can hold: NaN, infinity and missing values become None."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "item"):
        return plain(value.item())
    return value if isinstance(value, float) and math.isfinite(value) else None
