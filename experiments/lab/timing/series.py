"""The values of a measurement in each way, and the table that compares them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

OURS, PLAIN = "Unitscope", "plain PsychoPy"


@dataclass(frozen=True)
class Series:
    """Repeated measurements of one quantity in one way.

    Parameters
    ----------
    measure
        Name of the measurement, such as ``keys``.
    what
        What was measured, in words.
    way
        ``Unitscope`` or ``plain PsychoPy``.
    values
        In ``unit``.
    unit
        Unit of the values.
    lost
        Number of missing values, such as presses that were not logged; None where none can be
        lost.
    """

    measure: str
    what: str
    way: str
    values: tuple[float, ...]
    unit: str = "ms"
    lost: int | None = None

    @property
    def median(self) -> float | None:
        """Median of the values; None without any."""
        return statistics.median(self.values) if self.values else None

    @property
    def sd(self) -> float | None:
        """Standard deviation of the values; None for fewer than two."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    @property
    def iqr(self) -> float | None:
        """Interquartile range of the values; None for fewer than four."""
        if len(self.values) < 4:
            return None
        low, _, high = statistics.quantiles(self.values, n=4)
        return high - low

    def shown(self) -> str:
        """Return median, sd, number and losses in words."""
        median, sd, n = self.median, self.sd, len(self.values)
        if median is None:
            parts = ["no values"]
        else:
            parts = [f"{median:.2f} {self.unit}"]
            parts += [f"sd {sd:.2f}"] if sd is not None else []
            parts += [f"IQR {self.iqr:.2f}"] if self.iqr is not None else []
        if n != 1:
            parts.append(f"n {n}")
        if self.lost is not None:
            parts.append(f"{self.lost} of {n + self.lost} lost")
        return ", ".join(parts)

    def plain(self) -> dict[str, Any]:
        """Return the series as plain data, for JSON."""
        return {
            "measure": self.measure,
            "what": self.what,
            "way": self.way,
            "unit": self.unit,
            "n": len(self.values),
            "median": self.median,
            "sd": self.sd,
            "iqr": self.iqr,
            "lost": self.lost,
            "values": [round(value, 6) for value in self.values],
        }


def joined(parts: Sequence[Series]) -> list[Series]:
    """Join the series of one quantity in one way, which were measured in alternating rounds."""
    together: dict[tuple[str, str, str, str], list[Series]] = {}
    for part in parts:
        together.setdefault((part.measure, part.what, part.way, part.unit), []).append(part)
    found = []
    for (measure, what, way, unit), own in together.items():
        losses = [part.lost for part in own if part.lost is not None]
        values = tuple(value for part in own for value in part.values)
        found.append(
            Series(measure, what, way, values, unit=unit, lost=sum(losses) if losses else None)
        )
    return found


def table(series: Sequence[Series]) -> str:
    """Return a Markdown table: a line per quantity, a column per way."""
    lines = [
        f"| measure | what (median, sd, number) | {OURS} | {PLAIN} |",
        "|---|---|---|---|",
    ]
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for one in series:
        rows.setdefault((one.measure, one.what), {})[one.way] = one.shown()
    for (measure, what), ways in rows.items():
        lines.append(f"| {measure} | {what} | {ways.get(OURS, '')} | {ways.get(PLAIN, '')} |")
    return "\n".join(lines)
