"""Section: accuracy for each unit."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from analysis.figure_style import BAND, FAINT
from analysis.report.panels import (
    PERCENT,
    condition_legend,
    panels,
)
from analysis.report.section import (
    Drawing,
    Number,
    Section,
)
from analysis.report.study import (
    CHOICE_TASKS,
    Results,
    Study,
)
from analysis.statistics.performance import accuracy, conditions_of


def _compute(study: Study) -> dict[str, pd.DataFrame]:
    # A participant meets a unit once in a condition, so here trials are participants.
    by_unit = study.per_group(
        study.kept,
        accuracy,
        by=("unit", "reference_condition"),
        ci_unit="trial",
        level=study.settings.level,
    )
    return {"accuracy_by_unit": by_unit}


def draw_accuracy_by_unit(results: Results) -> Figure | None:
    """Draw the accuracy for each unit."""
    if "accuracy_by_unit" not in results.tables:
        return None
    names = sorted(results.kept["unit"].unique())
    means = results.kept.assign(right=results.kept["correct"].astype(float))
    order = means.groupby("unit")["right"].mean().reindex(names).sort_values(kind="stable").index
    conditions = conditions_of(results.kept)
    step = max(0.3, 0.11 * len(conditions)) if len(order) <= 30 else 0.17
    gap = min(0.24, 0.9 / len(conditions))
    figure, axes = panels(results, 1.1 + step * len(order), sharey=True, sharex=True)
    for group, axis in zip(results.remaining, axes, strict=True):
        rows = results.of("accuracy_by_unit", group).set_index(["unit", "reference_condition"])
        axis.axvline(results.chance, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for place, unit in enumerate(order):
            for number, condition in enumerate(conditions):
                if (unit, condition) not in rows.index:
                    continue
                row, mark = rows.loc[(unit, condition)], results.marks[condition]
                height = place + ((len(conditions) - 1) / 2 - number) * gap
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
        axis.set_xlabel("correct answers (% of trials)")
    condition_legend(figure, results, conditions)
    return figure


UNITS = Section(
    "units",
    "Units",
    _compute,
    numbers=(
        Number(
            "accuracy_by_unit",
            "accuracy_by_unit.{unit}.{reference_condition}",
            "proportion",
            "proportion correct for one unit",
        ),
    ),
    drawings=(
        Drawing(
            "accuracy_by_unit",
            "Accuracy for each unit",
            "Proportion correct by unit and condition, with Wilson's interval over "
            "trials. Units are sorted by their mean.",
            draw_accuracy_by_unit,
            marks_chance=True,
        ),
    ),
    tasks=CHOICE_TASKS,
    keeps_empty=True,
)
