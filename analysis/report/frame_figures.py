"""The figure of how long frames lasted."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from analysis.report.panels import WIDTH_IN
from analysis.report.style import INK, MARKS, MAX_VECTOR_POINTS


def frame_intervals(frames: pd.DataFrame) -> Figure | None:
    """Draw how long the frames of windowed sessions lasted.

    Parameters
    ----------
    frames
        Rows of ``frames.csv`` with participant and session.
    """
    intervals_ms = 1000 * frames["interval_s"].dropna().to_numpy(float)
    if not len(intervals_ms):
        return None
    nominal = float(np.median(intervals_ms))
    figure = Figure(figsize=(WIDTH_IN, 2.5), layout="constrained")
    spread, by_trial = figure.subplots(1, 2)
    top = max(3.2 * nominal, float(intervals_ms.max()) * 1.05)
    spread.hist(intervals_ms, np.linspace(0, top, 80), color=MARKS["natural"].colour)
    spread.set_yscale("log")
    spread.set_ylim(bottom=0.7)
    spread.yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
    spread.set_ylabel("frames")
    spread.set_xlabel("frame interval (ms)")
    spread.set_title("All frames", pad=8)
    longest = frames.groupby(["participant", "session", "trial_number"])["interval_s"].max()
    trial = longest.index.get_level_values("trial_number").to_numpy(float)
    by_trial.scatter(
        trial,
        1000 * longest.to_numpy(float),
        s=12,
        color=MARKS["natural"].colour,
        linewidths=0,
        rasterized=len(longest) > MAX_VECTOR_POINTS,
    )
    by_trial.set_ylim(0, top)
    by_trial.set_ylabel("longest interval (ms)")
    by_trial.set_xlabel("trial")
    by_trial.set_title("Longest of each trial", pad=8)
    spread.axvline(1.5 * nominal, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    by_trial.axhline(1.5 * nominal, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    spread.annotate(
        "dropped",
        (1.5 * nominal, 1),
        xycoords=("data", "axes fraction"),
        xytext=(4, -2),
        textcoords="offset points",
        va="top",
        fontsize=7.5,
    )
    return figure
