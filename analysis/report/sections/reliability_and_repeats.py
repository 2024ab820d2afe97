"""Section: reliability of the units' accuracies, and of repeated trials."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd
from matplotlib.figure import Figure

from analysis.figure_style import FAINT
from analysis.report.panels import PERCENT, condition_legend, panels, point_at
from analysis.report.section import (
    CONDITION,
    N_PARTICIPANTS,
    N_UNITS,
    Drawing,
    Number,
    Section,
    ShownColumn,
    TableView,
)
from analysis.report.study import CHOICE_TASKS, Results, Study, each_condition_and_all
from analysis.statistics.performance import conditions_of
from analysis.statistics.reliability import repeat_consistency, split_half

LONGEST_LABEL = 8
"""Letters of an image's name up to which it stands in the figure; else its number does."""


def _reliability(study: Study) -> dict[str, pd.DataFrame]:
    def halves(trials: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            [
                {"reference_condition": name}
                | asdict(split_half(part, n_bootstrap=min(200, study.settings.n_bootstrap)))
                for name, part in each_condition_and_all(trials)
            ]
        )

    return {
        "reliability": study.per_group(study.kept, halves),
        "repeats": study.per_group(study.kept_roles, repeat_consistency, **study.over_participants),
    }


def repeats(results: Results) -> Figure | None:
    """Draw how often repeated trials were answered as before."""
    groups = [group for group in results.remaining if len(results.of("repeats", group))]
    if not groups:
        return None
    figure, axes = panels(results, 2.9, sharey=True, groups=groups)
    conditions = conditions_of(results.kept)
    for group, axis in zip(groups, axes, strict=True):
        rows = results.of("repeats", group)
        kinds = list(dict.fromkeys(rows["which"]))
        axis.axhline(0.5, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for row in rows.itertuples(index=False):
            mark = results.marks[row.reference_condition]
            number = conditions.index(row.reference_condition)
            offset = (number - (len(conditions) - 1) / 2) * 0.6 / len(conditions)
            place = kinds.index(row.which) + offset
            point_at(axis, place, row.same_choice, row.low, row.high, mark.colour, mark.marker)
        titles = {"all": "all", "least": "least sure at first", "most": "most sure at first"}
        axis.set_xticks(range(len(kinds)), [titles.get(kind, kind) for kind in kinds])
        axis.set_xlim(-0.6, len(kinds) - 0.4)
        axis.set_ylim(-0.04, 1.04)
        axis.yaxis.set_major_formatter(PERCENT)
        axis.grid(axis="y")
    axes[0].set_ylabel("same image as before (%)")
    condition_legend(figure, results, conditions)
    return figure


RELIABILITY = Section(
    "reliability",
    "Reliability",
    _reliability,
    numbers=(
        Number(
            "reliability",
            "reliability.{reference_condition}",
            "full",
            "split-half reliability of the units' accuracies (Spearman-Brown)",
        ),
        Number(
            "repeats",
            "repeats.{reference_condition}.{which}",
            "same_choice",
            "proportion of repeated trials in which the same image was chosen as before: of all, "
            "and of those first answered with the least and the most confidence",
        ),
    ),
    drawings=(
        Drawing(
            "repeats",
            "Repeated trials",
            "Proportion of repeated trials in which the same image was chosen as before, with its "
            "interval over participants: of all, and of the trials first answered with the least "
            "and the most confidence. Dashed: two guesses.",
            repeats,
        ),
    ),
    views=(
        TableView(
            "reliability",
            "Split-half reliability of the units' accuracies",
            (
                CONDITION,
                ShownColumn("Half", "half", "number"),
                ShownColumn("Whole", "full", "number", interval=True),
                N_PARTICIPANTS,
                N_UNITS,
            ),
        ),
        TableView(
            "repeats",
            "Repeated trials, with intervals over participants",
            (
                CONDITION,
                ShownColumn("Repeated", "which"),
                ShownColumn("Same image chosen (%)", "same_choice", "percent", interval=True),
                ShownColumn("First confidence", "first_confidence", "number"),
                ShownColumn("Change of confidence", "confidence_change", "signed"),
                ShownColumn("Pairs", "n_pairs", "count"),
                N_PARTICIPANTS,
            ),
            "No trial was repeated, so there is no consistency of repeats.",
        ),
    ),
    note=(
        "Half is the mean correlation of the units' accuracies between two random halves of the "
        "participants; whole is the reliability with all of them (Spearman-Brown), with a "
        "bootstrap interval over participants. No model can agree with people more than they "
        "agree with each other. A repeated trial may show its images on other sides, so that the "
        "images that were chosen are compared, not the sides."
    ),
    tasks=CHOICE_TASKS,
)
