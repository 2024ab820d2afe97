"""Figures of choices between two queries: accuracy by factor, and the type-2 ROC."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from analysis.report.panels import PERCENT, WIDTH_IN, Drawing, condition_legend, panels, point_at
from analysis.report.results import Results
from analysis.report.sections.choices_report import ALL, FACTORS
from analysis.report.style import FAINT, INK, mark_of
from analysis.statistics.performance import conditions_of


def accuracy_by_factor(results: Results) -> Figure | None:
    """Draw accuracy by layer, branch and other factors, of the primary group."""
    rows = results.of("accuracy_by_factor", results.remaining[0])
    factors = [name for name in FACTORS if len(rows) and (rows["factor"] == name).any()]
    if not factors:
        return None
    conditions = conditions_of(rows)
    figure = Figure(figsize=(WIDTH_IN, 2.7 * len(factors) + 0.3), layout="constrained")
    axes = figure.subplots(len(factors), 1, squeeze=False)[:, 0]
    for factor, axis in zip(factors, axes, strict=True):
        own = rows[rows["factor"] == factor]
        levels = list(dict.fromkeys(own["level"]))
        axis.axhline(results.chance, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for number, condition in enumerate(conditions):
            mark = mark_of(condition)
            step = 0.7 / len(conditions)
            offset = (number - (len(conditions) - 1) / 2) * step
            for row in own[own["reference_condition"] == condition].itertuples(index=False):
                place = levels.index(row.level) + offset
                point_at(axis, place, row.proportion, row.low, row.high, mark.colour, mark.marker)
        axis.set_xticks(range(len(levels)), levels)
        axis.set_xlim(-0.6, len(levels) - 0.4)
        axis.set_ylim(-0.04, 1.04)
        axis.yaxis.set_major_formatter(PERCENT)
        axis.grid(axis="y")
        axis.set_ylabel("right answers (%)")
        axis.set_title(f"By {FACTORS[factor]}", pad=8)
    condition_legend(figure, conditions)
    return figure


def type_2_roc(results: Results) -> Figure | None:
    """Draw how often answers are sure when right against when wrong."""
    groups = [group for group in results.remaining if len(results.of("type_2_roc", group))]
    if not groups:
        return None
    figure, axes = panels(results, 3.5, sharey=True, groups=groups)
    seen: list[str] = []
    for group, axis in zip(groups, axes, strict=True):
        rows = results.of("type_2_roc", group)
        axis.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for condition in [*conditions_of(rows[rows["reference_condition"] != ALL]), ALL]:
            own = rows[rows["reference_condition"] == condition]
            if own.empty:
                continue
            mark = mark_of(condition)
            axis.plot(
                own["false_alarm_rate"].to_numpy(float),
                own["hit_rate"].to_numpy(float),
                color=INK if condition == ALL else mark.colour,
                marker=mark.marker,
                linestyle=mark.line,
                linewidth=1.8 if condition == ALL else 1.2,
                markersize=4.5,
                clip_on=False,
            )
            seen += [condition] if condition not in (*seen, ALL) else []
        axis.set_xticks(np.linspace(0, 1, 5))
        axis.set_xlim(0, 1)
        axis.set_ylim(0, 1)
        axis.set_aspect("equal")
        axis.xaxis.set_major_formatter(PERCENT)
        axis.yaxis.set_major_formatter(PERCENT)
        axis.set_xlabel("at least so sure, of wrong answers (%)")
    axes[0].set_ylabel("at least so sure, of right answers (%)")
    condition_legend(figure, seen, all_too=True)
    return figure


OF_CHOICES = (
    Drawing(
        "accuracy_by_factor",
        "Accuracy by factor",
        "Share of right answers at each level, with its interval.",
        accuracy_by_factor,
        marks_chance=True,
        shows_first=True,
    ),
    Drawing(
        "type_2_roc",
        "Type-2 receiver operating characteristic",
        "Of right answers the share given with at least some confidence, against that of wrong "
        "ones; from the lower left the thresholds 3, 2 and 1. Dashed: confidence that knows "
        "nothing. Black: all conditions.",
        type_2_roc,
    ),
)
