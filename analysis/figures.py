"""The figures of a report, each a function from results to a matplotlib figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from analysis.choices_figures import OF_CHOICES
from analysis.matching_figures import OF_MATCHING
from analysis.occlusion_figures import OF_OCCLUSION
from analysis.panels import (
    PERCENT,
    WIDTH_IN,
    Drawing,
    _patch,
    condition_legend,
    draw_times,
    outcome_legend,
    panels,
    point_at,
    points_with_interval,
    swarm,
)
from analysis.performance import conditions_of
from analysis.repeats_figures import ASKED_TWICE
from analysis.results import Results
from analysis.style import BAND, FAINT, INK, MARKS, MAX_VECTOR_POINTS, mark_of
from analysis.words import points
from conditions.vocabulary import CONFIDENCES


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


def reaction_times(results: Results) -> Figure | None:
    """Draw the reaction times of right and wrong answers."""
    if not results.kept["rt_s"].gt(0).any():
        return None
    n_rows = max(len(conditions_of(group.rows_of(results.kept))) for group in results.remaining)
    figure, axes = panels(results, height_in=1.0 + 0.55 * n_rows, sharey=True, sharex=True)
    conditions = conditions_of(results.kept)
    for group, axis in zip(results.remaining, axes, strict=True):
        trials = group.rows_of(results.kept)
        for place, condition in enumerate(conditions):
            part = trials[(trials["reference_condition"] == condition) & trials["rt_s"].gt(0)]
            for right, offset in ((True, -0.19), (False, 0.19)):
                times = part.loc[part["correct"].astype(bool) == right, "rt_s"].to_numpy(float)
                draw_times(axis, times, place + offset, condition, right)
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g}"))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_yticks(range(len(conditions)), conditions)
        axis.set_ylim(len(conditions) - 0.45, -0.55)
        axis.tick_params(axis="y", length=0)
        axis.grid(axis="x")
        axis.set_xlabel("reaction time (s)")
    axes[0].set_ylabel("reference images")
    outcome_legend(figure)
    return figure


def confidence_by_outcome(results: Results) -> Figure | None:
    """Draw how confidence is spread over right and wrong answers."""
    if not _has_confidence(results):
        return None
    shades = {1: ("#dbe6ee", INK), 2: ("#7fb0d0", INK), 3: ("#0b5a8a", "white")}
    conditions = conditions_of(results.kept)
    figure, axes = panels(results, height_in=1.1 + 0.55 * len(conditions), sharey=True)
    ticks, labels = [], []
    for place, condition in enumerate(conditions):
        ticks += [place - 0.2, place + 0.2]
        labels += [f"{condition}, right", f"{condition}, wrong"]
    for group, axis in zip(results.remaining, axes, strict=True):
        rows = results.of("confidence", group).set_index(["reference_condition", "outcome"])
        for place, condition in enumerate(conditions):
            for outcome, offset in (("right", -0.2), ("wrong", 0.2)):
                if (condition, outcome) not in rows.index:
                    continue
                row = rows.loc[(condition, outcome)]
                start = 0.0
                for step in CONFIDENCES if row["n_trials"] else ():
                    share = float(row[f"share_{step}"])
                    back, ink = shades[step]
                    axis.barh(
                        place + offset,
                        share,
                        0.34,
                        start,
                        color=back,
                        edgecolor="white",
                        linewidth=0.8,
                    )
                    if share >= 0.08:
                        axis.text(
                            start + share / 2,
                            place + offset,
                            f"{100 * share:.0f}",
                            ha="center",
                            va="center_baseline",
                            color=ink,
                            fontsize=7.5,
                        )
                    start += share
                axis.annotate(
                    f"n = {row['n_trials']}",
                    (1, place + offset),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=7,
                    color=INK,
                    annotation_clip=False,
                )
        axis.set_yticks(ticks, labels)
        axis.set_ylim(len(conditions) - 0.5, -0.5)
        axis.set_xlim(0, 1)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        axis.xaxis.set_major_formatter(PERCENT)
        axis.set_xlabel("share of answers (%)")
    handles = [_patch(shades[step][0], f"confidence {step}") for step in CONFIDENCES]
    figure.legend(handles=handles, loc="outside upper right", ncols=3, fontsize=8)
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


def _has_confidence(results: Results) -> bool:
    return "confidence" in results.kept.columns and bool(results.kept["confidence"].notna().any())


def calibration(results: Results) -> Figure | None:
    """Draw accuracy against confidence."""
    if not _has_confidence(results):
        return None
    figure, axes = panels(results, height_in=3.1, sharey=True)
    conditions = conditions_of(results.kept)
    for group, axis in zip(results.remaining, axes, strict=True):
        axis.axhline(results.chance, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        trials = group.rows_of(results.kept)
        for condition in conditions:
            part = trials[trials["reference_condition"] == condition]
            shares = part.assign(right=part["correct"].astype(float)).groupby("confidence")["right"]
            mark = mark_of(condition)
            axis.plot(
                shares.mean().index.to_numpy(float),
                shares.mean().to_numpy(float),
                color=mark.colour,
                marker=mark.marker,
                linestyle=mark.line,
                linewidth=1.2,
                markersize=4.5,
                alpha=0.85,
                zorder=2,
            )
        for row in results.of("accuracy_by_confidence", group).itertuples(index=False):
            point_at(axis, row.confidence + 0.08, row.proportion, row.low, row.high, INK, "o")
            axis.annotate(
                f"n = {row.n_trials}",
                (row.confidence, 0),
                xytext=(0, 4),
                textcoords="offset points",
                ha="center",
                fontsize=7,
            )
        axis.set_xticks(CONFIDENCES)
        axis.set_xlim(0.6, 3.4)
        axis.set_ylim(-0.04, 1.04)
        axis.yaxis.set_major_formatter(PERCENT)
        axis.grid(axis="y")
        axis.set_xlabel("confidence")
    axes[0].set_ylabel("right answers (% of trials)")
    condition_legend(figure, conditions, all_too=True)
    return figure


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


DRAWINGS = (
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
    Drawing(
        "reaction_times",
        "Reaction times",
        "Each mark is one trial, on a logarithmic axis; upper rows right answers, lower rows "
        "wrong ones.",
        reaction_times,
    ),
    Drawing(
        "confidence",
        "Confidence of right and wrong answers",
        "Share of answers given with each confidence, from 1 (unsure) to 3 (sure).",
        confidence_by_outcome,
    ),
    Drawing(
        "calibration",
        "Accuracy at each confidence",
        "Lines: reference conditions; black: all of them with the interval. n counts trials.",
        calibration,
        marks_chance=True,
    ),
    *OF_OCCLUSION,
    *OF_CHOICES,
    *OF_MATCHING,
    *ASKED_TWICE,
)
