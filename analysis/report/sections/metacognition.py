"""Section: metacognitive sensitivity."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figure_style import FAINT, INK, mark_of
from analysis.report.panels import PERCENT, condition_legend, panels
from analysis.report.section import (
    Drawing,
    Number,
    Section,
    ShownColumn,
    TableView,
)
from analysis.report.study import ALL, CHOICE_TASKS, Results, Study, each_condition_and_all
from analysis.statistics.confidence import metacognition, type_2_roc
from analysis.statistics.performance import conditions_of


def metacognition_by_condition(trials: pd.DataFrame) -> pd.DataFrame:
    """Return metacognitive sensitivity by condition and for all together."""
    rows = [
        {"reference_condition": name} | asdict(metacognition(part))
        for name, part in each_condition_and_all(trials)
    ]
    return pd.DataFrame(rows)


def roc_by_condition(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the type-2 ROC by condition and for all together."""
    parts = []
    for name, part in each_condition_and_all(trials):
        roc = type_2_roc(part)
        if roc[["hit_rate", "false_alarm_rate"]].notna().all().all():
            parts.append(roc.assign(reference_condition=name))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _metacognition(study: Study) -> dict[str, pd.DataFrame]:
    return {
        "metacognition": study.per_group(study.kept, metacognition_by_condition),
        "type_2_roc": study.per_group(study.kept, roc_by_condition),
    }


def draw_type_2_roc(results: Results) -> Figure | None:
    """Draw the type-2 ROC."""
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
        axis.set_xlabel("at least this confident, of incorrect answers (%)")
    axes[0].set_ylabel("at least this confident, of correct answers (%)")
    condition_legend(figure, seen, all_too=True)
    return figure


METACOGNITION = Section(
    "metacognition",
    "Metacognitive sensitivity",
    _metacognition,
    numbers=(
        Number("metacognition", "meta_d.{reference_condition}", "meta_d", "meta-d', pooled"),
        Number(
            "metacognition", "m_ratio.{reference_condition}", "m_ratio", "meta-d' divided by d'"
        ),
        Number(
            "metacognition",
            "type_2_auc.{reference_condition}",
            "auc",
            "area under the type-2 ROC; .5 where confidence is unrelated to accuracy",
        ),
    ),
    drawings=(
        Drawing(
            "type_2_roc",
            "Type-2 receiver operating characteristic",
            "Proportion of correct answers given with at least a given confidence, against that "
            "of incorrect answers; from the lower left the thresholds 3, 2 and 1. Dashed: "
            "confidence unrelated to accuracy. Black: all conditions.",
            draw_type_2_roc,
        ),
    ),
    views=(
        TableView(
            "metacognition",
            "Confidence and accuracy",
            (
                ShownColumn("References", "reference_condition"),
                ShownColumn("d′", "d_prime", "number"),
                ShownColumn("meta-d′", "meta_d", "number"),
                ShownColumn("meta-d′ / d′", "m_ratio", "number"),
                ShownColumn("Area, type 2", "auc", "number"),
                ShownColumn("Trials", "n_trials", "count"),
            ),
        ),
    ),
    note=(
        "Answers of all participants are pooled. meta-d′ is the d′ of an ideal observer whose "
        "confidence discriminates correct from incorrect answers as well as the observed "
        "confidence does (maximum likelihood, Maniscalco & Lau 2012); at a ratio of 1 "
        "confidence uses all the information that the choice used. The area under the type-2 "
        "ROC is .5 where confidence is unrelated to accuracy."
    ),
    tasks=CHOICE_TASKS,
)
