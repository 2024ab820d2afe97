"""Parts that several figures share: panels, marks and legends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from analysis.figure_style import INK, MAX_VECTOR_POINTS
from analysis.report.groups import Group
from analysis.report.phrasing import points
from analysis.report.study import Results

WIDTH_IN = 7.4

_CHARACTER_IN = 0.066
"""Width of a letter in a figure's names."""

PERCENT = FuncFormatter(lambda share, _: f"{100 * share:.0f}")


def panels(
    results: Results,
    height_in: float,
    sharey: bool = False,
    sharex: bool = False,
    groups: Sequence[Group] | None = None,
    columns: int = 2,
    wide: bool = False,
    of: pd.DataFrame | None = None,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with one titled panel for each group, two in a row.

    Each says how many participants it has in the rows of ``of``, which are the kept trials if None.
    """
    of = results.kept if of is None else of
    groups = results.remaining if groups is None else groups
    number = len(groups)
    columns = min(columns, number)
    lines = -(-number // columns)
    width = WIDTH_IN if columns == 2 or wide else 0.72 * WIDTH_IN
    figure = Figure(figsize=(width, height_in * lines))
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.06)
    grid = figure.subplots(lines, columns, sharey=sharey, sharex=sharex, squeeze=False)
    axes = list(grid.ravel())
    for axis in axes[number:]:
        axis.remove()
    for group, axis in zip(groups, axes, strict=False):
        axis.set_title(group.title)
        axis.tick_params(labelbottom=True)
        n_participants = group.rows_of(of)["participant"].nunique()
        axis.annotate(
            f"n = {n_participants}",
            (0, 1),
            xycoords="axes fraction",
            xytext=(0, 5),
            textcoords="offset points",
            fontsize=7.5,
        )
    return figure, axes[:number]


def point_at(
    axis: Axes,
    x: float,
    y: float,
    low: float,
    high: float,
    colour: str,
    marker: str,
    filled: bool = True,
    sideways: bool = False,
) -> None:
    """Draw a mean and, where there is one, its interval."""
    if np.isfinite([low, high]).all():
        ends = ([low, high], [y, y]) if sideways else ([x, x], [low, high])
        axis.plot(*ends, color=colour, linewidth=1.6, solid_capstyle="butt", zorder=3)
    axis.plot(
        x,
        y,
        marker,
        color=colour,
        markerfacecolor=colour if filled else "white",
        markeredgewidth=1.3,
        markersize=6,
        zorder=4,
    )


def swarm(values: np.ndarray) -> np.ndarray:
    """Return sideways offsets that set equal values side by side, within a column."""
    offsets = np.zeros(len(values))
    rounded = np.round(values, 2)
    counts = pd.Series(rounded).value_counts()
    gap = min(0.045, 0.4 / counts.max()) if len(values) else 0.0
    for value in np.unique(rounded):
        places = np.flatnonzero(rounded == value)
        offsets[places] = gap * (np.arange(len(places)) - (len(places) - 1) / 2)
    return offsets


def _scatter_offsets(number: int) -> np.ndarray:
    """Return offsets from -0.5 to 0.5 that spread evenly and are the same every time."""
    return (np.arange(1, number + 1) * 0.6180339887498949) % 1 - 0.5


def draw_times(axis: Axes, times: np.ndarray, height: float, colour: str, correct: bool) -> None:
    if not len(times):
        return
    axis.scatter(
        times,
        height + 0.2 * _scatter_offsets(len(times)),
        s=8,
        marker="o" if correct else "x",
        color=colour,
        alpha=0.45,
        linewidths=0 if correct else 0.8,
        rasterized=len(times) > MAX_VECTOR_POINTS,
        zorder=2,
    )
    lower, middle, upper = np.quantile(times, [0.25, 0.5, 0.75])
    axis.plot([lower, upper], [height, height], color=INK, linewidth=2.2, zorder=3)
    axis.plot([middle, middle], [height - 0.13, height + 0.13], color=INK, linewidth=2, zorder=4)


def outcome_legend(figure: Figure) -> None:
    handles = [
        Line2D([], [], color=INK, marker=marker, linestyle="", markersize=4.5, label=label)
        for marker, label in (("o", "correct"), ("x", "incorrect"))
    ]
    note = "bar: quartiles, stroke: median"
    handles.append(Line2D([], [], color=INK, marker="|", markersize=8, linewidth=2, label=note))
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), fontsize=8)


def condition_legend(
    figure: Figure, results: Results, conditions: list[str], all_too: bool = False
) -> None:
    handles = [
        Line2D(
            [],
            [],
            color=results.marks[name].colour,
            marker=results.marks[name].marker,
            linestyle=results.marks[name].line,
            markersize=5,
            linewidth=1.2,
            label=name,
        )
        for name in conditions
    ]
    if all_too:
        handles.append(Line2D([], [], color=INK, marker="o", linewidth=1.6, label="all"))
    widths = [0.6 + _CHARACTER_IN * len(str(handle.get_label())) for handle in handles]
    width = figure.get_figwidth()
    columns = len(handles) if sum(widths) <= width else max(1, int(width / max(widths)))
    figure.legend(handles=handles, loc="outside upper right", ncols=columns, fontsize=8)


def name_places(axis: Axes, names: Sequence[str]) -> None:
    """Name the places 0, 1, ... of the x axis: slanted where they would not fit side by side."""
    grid = axis.get_subplotspec()
    columns = grid.get_gridspec().ncols if grid else 1
    width = axis.figure.bbox.width / axis.figure.dpi
    room = 0.85 * width / columns / max(1, len(names))
    is_slanted = max(map(len, names), default=0) * _CHARACTER_IN > room
    slanted: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
    axis.set_xticks(range(len(names)), list(names), **(slanted if is_slanted else {}))


def points_with_interval(value: float, low: float, high: float) -> str:
    if not np.isfinite([low, high]).all():
        return points(value)
    return f"{points(value)}  [{points(low)}, {points(high)}]"
