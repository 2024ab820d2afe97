"""What every analysis returns: an estimate with its interval and counts, or why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

CIUnit = Literal["crossed", "participant", "unit", "trial", "paper"]
"""What a confidence interval generalises over: new participants with new units, new participants,
new units, or new trials of the same ones; ``paper`` is 2 SEM of participants' means with ddof 0."""

CI_UNITS: tuple[CIUnit, ...] = get_args(CIUnit)

LEVEL = 0.95
"""Confidence level of intervals."""


def significance(level: float) -> float:
    """Return the p below which a test is significant where intervals have a confidence level.

    Examples
    --------
    >>> significance(0.95), 1 - 0.95
    (0.05, 0.050000000000000044)
    """
    return round(1 - level, 12)


@dataclass(frozen=True)
class Estimate:
    """A mean and its confidence interval.

    Parameters
    ----------
    value
        Mean over trials; NaN without any.
    low, high
        Ends of the interval; NaN where it cannot be computed.
    standard_error, df
        Of the mean; NaN where they cannot be computed or, for df, do not apply.
    n_trials, n_participants, n_units
        Numbers of trials, participants and units that the mean is computed from.
    ci_unit
        What the interval generalises over.
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
    ci_unit: CIUnit = "crossed"
    reason: str = ""

    @property
    def has_interval(self) -> bool:
        """Whether the interval could be computed."""
        return not self.reason


def not_computable(why: str) -> str:
    """Return the sentence that stands in place of a number.

    Examples
    --------
    >>> not_computable("there are no trials")
    'not computable because there are no trials'
    """
    return f"not computable because {why}"


def plain(value: object) -> str | bool | int | float | None:
    """Turn a value into what JSON can hold: NaN, infinity and missing values become None.

    Examples
    --------
    >>> plain(math.nan), plain(0.5), plain("natural")
    (None, 0.5, 'natural')
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "item"):
        return plain(value.item())
    return value if isinstance(value, float) and math.isfinite(value) else None
