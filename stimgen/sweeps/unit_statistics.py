"""Statistics of each unit's activation over all images of the sweep."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from stimgen.sweeps.running import HISTOGRAM_EDGES
from stimgen.sweeps.sweep import Sweep
from unitscope.columns import UNIT_COLUMNS, Column, names
from unitscope.tables import write_csv
from unitscope.vocabulary import Unit

STATISTICS = "units.csv"

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)

STATISTICS_COLUMNS = (
    *UNIT_COLUMNS,
    Column("n_images", "int", "Images that were read."),
    Column("mean", "float", "Mean activation over the images."),
    Column("sd", "float", "Standard deviation over the images, divided by their number."),
    Column("min", "float", "Smallest activation."),
    Column("max", "float", "Largest activation."),
    *(
        Column(f"p{p:02d}", "float", f"Percentile {p}, within an eighth of an octave.")
        for p in PERCENTILES
    ),
)


def write_statistics(found: Sweep, units: Sequence[Unit], folder: Path) -> None:
    """Write ``units.csv``: a row for each unit, in order."""
    rows = []
    for unit in units:
        row = found.row(unit)
        low, high = float(found.bottom_values[row][0]), float(found.top_values[row][0])
        rows.append(
            {
                **dataclasses.asdict(unit),
                "n_images": found.n_images,
                "mean": found.mean[row],
                "sd": found.sd[row],
                "min": low,
                "max": high,
                **{
                    f"p{p:02d}": value
                    for p, value in zip(
                        PERCENTILES, percentiles(found.histogram[row], low, high), strict=True
                    )
                },
            }
        )
    frame = pd.DataFrame(rows, columns=names(STATISTICS_COLUMNS))
    write_csv(frame, folder / STATISTICS, STATISTICS_COLUMNS)


def percentiles(counts: np.ndarray, low: float, high: float) -> list[float]:
    """Return the percentiles of a histogram over ``HISTOGRAM_EDGES``.

    Values are assumed to be evenly spread within a bin.

    Parameters
    ----------
    counts
        Number of values in each bin.
    low, high
        Smallest and largest value.
    """
    edges = np.clip(HISTOGRAM_EDGES, low, high)
    below = np.concatenate([[0], np.cumsum(counts)])
    # Over empty bins the cumulative count is constant; one edge of each run is enough.
    kept = np.concatenate([[True], np.diff(below) > 0])
    kept[:-1] |= kept[1:]
    wanted = np.array(PERCENTILES) / 100 * below[-1]
    return [float(v) for v in np.interp(wanted, below[kept], edges[kept])]
