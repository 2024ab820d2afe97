"""Figures of right answers: by condition, between conditions, and by unit."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from analysis.report.panels import (
    PERCENT,
    WIDTH_IN,
    Drawing,
    condition_legend,
    panels,
    point_at,
    points_with_interval,
    swarm,
)
from analysis.report.results import Results
from analysis.report.style import BAND, FAINT, INK, MAX_VECTOR_POINTS, mark_of
from analysis.report.words import points
from analysis.statistics.performance import conditions_of


def accuracy_by_condition(results: Results) -> Figure:
    """Draw accuracy by reference condition, with every participant as a dot."""
    figure, axes = panels(results, height_in=3.3, sharey=True)
    for group, axis in zip(results.remaining, axes, strict=True):
        rows = results.of("accuracy", group)
        trials = group.rows_of(results.kept)
        axis.axhline(results.chance, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for place, row in enumerate(rows.itertuples(index=False)):
            mark = mark_of(row.reference_condition)
            part = trials[trials["reference_condition"] == row.reference_condition]
            shares = part.groupby("participant")["correct"].mean().to_numpy(float)
            axis.scatter(
                place + swarm(shares) - 0.14,
                shares,
                s=9,
                color=mark.colour,
                alpha=0.55,
                linewidths=0,
                rasterized=len(shares) > MAX_VECTOR_POINTS,
                zorder=2,
            )
            point_at(
                axis, place + 0.24, row.proportion, row.low, row.high, mark.colour, mark.marker
            )
            axis.annotate(
                f"{100 * row.proportion:.0f} %",
                (place + 0.24, row.proportion),
                xytext=(7, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                fontweight="bold",
                color=mark.colour,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.8},
                zorder=2.5,
            )
        axis.set_xticks(range(len(rows)), list(rows["reference_condition"]))
        axis.set_xlim(-0.55, len(rows) - 0.25)
        axis.set_ylim(-0.04, 1.04)
        axis.yaxis.set_major_formatter(PERCENT)
        axis.grid(axis="y")
        axis.set_xlabel("reference images")
    axes[0].set_ylabel("right answers (% of trials)")
    if np.isfinite(results.chance):
        axes[0].annotate(
            "chance",
            (0, results.chance),
            xycoords=("axes fraction", "data"),
            xytext=(3, 3),
            textcoords="offset points",
            fontsize=7.5,
            color=INK,
        )
    return figure


def differences(results: Results) -> Figure | None:
    """Draw differences between reference conditions with their intervals."""
    blocks = [(group, results.of("differences", group)) for group in results.remaining]
    blocks = [(group, rows) for group, rows in blocks if len(rows)]
    if not blocks:
        return None
    n_lines = sum(len(rows) + 1 for _, rows in blocks)
    figure = Figure(figsize=(WIDTH_IN, 0.8 + 0.27 * n_lines), layout="constrained")
    axis = figure.subplots()
    smallest = results.settings.smallest_effect
    axis.axvspan(-smallest, smallest, color=BAND, zorder=0)
    for edge in (-smallest, smallest):
        axis.axvline(edge, color=FAINT, linewidth=0.6, linestyle=":", zorder=1)
    axis.axvline(0, color=INK, linewidth=0.8, zorder=1)
    line, ticks, labels = 0, [], []
    for group, rows in blocks:
        axis.annotate(
            group.title,
            (0, line),
            xycoords=("axes fraction", "data"),
            xytext=(-6, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontweight="bold",
            annotation_clip=False,
        )
        ticks.append(line)
        labels.append(" " * (len(group.title) + 12))
        for row in rows.itertuples(index=False):
            line += 1
            clear = bool(row.p_holm < 1 - results.settings.level)
            point_at(axis, row.difference, line, row.low, row.high, INK, "o", clear, sideways=True)
            axis.annotate(
                points_with_interval(row.difference, row.low, row.high),
                (1, line),
                xycoords=("axes fraction", "data"),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                annotation_clip=False,
            )
            ticks.append(line)
            labels.append(f"{row.first} − {row.second}")
        line += 1
    axis.set_yticks(ticks, labels)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.set_ylim(line - 0.4, -0.6)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda share, _: points(share)))
    axis.set_xlabel("difference in right answers (percentage points)")
    axis.grid(axis="x")
    return figure


def accuracy_by_unit(results: Results) -> Figure | None:
    """Draw the accuracy for each unit."""
    if "accuracy_by_unit" not in results.tables:
        return None
    names = sorted(results.kept["unit"].unique())
    means = results.kept.assign(right=results.kept["correct"].astype(float))
    order = means.groupby("unit")["right"].mean().reindex(names).sort_values(kind="stable").index
    conditions = conditions_of(results.kept)
    step = max(0.3, 0.11 * len(conditions)) if len(order) <= 30 else 0.17
    figure, axes = panels(results, 1.1 + step * len(order), sharey=True, sharex=True)
    for group, axis in zip(results.remaining, axes, strict=True):
        rows = results.of("accuracy_by_unit", group).set_index(["unit", "reference_condition"])
        axis.axvline(results.chance, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for place, unit in enumerate(order):
            for number, condition in enumerate(conditions):
                if (unit, condition) not in rows.index:
                    continue
                row, mark = rows.loc[(unit, condition)], mark_of(condition)
                height = place + ((len(conditions) - 1) / 2 - number) * 0.24
                axis.plot(
                    [row["low"], row["high"]],
                    [height, height],
                    color=mark.colour,
                    alpha=0.45,
                    linewidth=1,
                    zorder=2,
                )
                axis.plot(
                    row["proportion"],
                    height,
                    mark.marker,
                    color=mark.colour,
                    markersize=4,
                    zorder=3,
                    clip_on=False,
                )
        for place in range(1, len(order)):
            axis.axhline(place - 0.5, color=BAND, linewidth=0.8, zorder=0)
        axis.set_yticks(range(len(order)), list(order))
        axis.set_ylim(-0.6, len(order) - 0.4)
        axis.set_xlim(0, 1)
        axis.tick_params(axis="y", length=0)
        axis.xaxis.set_major_formatter(PERCENT)
        axis.set_xlabel("right answers (% of trials)")
    condition_legend(figure, conditions)
    return figure


OF_ACCURACY = (
    Drawing(
        "accuracy",
        "Accuracy by reference condition",
        "Share of main trials answered rightly. Small dots: participants; large marks: pooled "
        "share with its interval.",
        accuracy_by_condition,
        marks_chance=True,
    ),
    Drawing(
        "differences",
        "Differences between reference conditions",
        "Differences of accuracy with their intervals. Filled: differs from zero after "
        "Holm's correction; hollow: does not. Shaded: differences too small to be of interest.",
        differences,
    ),
    Drawing(
        "accuracy_by_unit",
        "Accuracy for each unit",
        "Share of right answers by unit and reference condition, with Wilson's interval over "
        "trials. Units are sorted by their mean.",
        accuracy_by_unit,
        marks_chance=True,
    ),
)
