"""Section: metacognitive sensitivity."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figure_style import FAINT
from analysis.report.panels import PERCENT, condition_legend, panels
from analysis.report.section import (
    CONDITION,
    N_PARTICIPANTS,
    Drawing,
    Number,
    Section,
    ShownColumn,
    TableView,
)
from analysis.report.study import CHOICE_TASKS, Results, Study
from analysis.statistics.confidence import (
    metacognition_by_participant,
    metacognition_means,
    type_2_roc,
)
from analysis.statistics.performance import conditions_of, split


def mean_type_2_roc(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the type-2 ROC of each condition, averaged over participants at each threshold."""
    parts = [
        type_2_roc(part).assign(**levels)
        for levels, part in split(trials, ("reference_condition", "participant"))
    ]
    if not parts:
        return pd.DataFrame()
    # Those whose answers are all correct or all wrong have no curve.
    each = pd.concat(parts).dropna(subset=["hit_rate", "false_alarm_rate"])
    averaged = each.groupby(["reference_condition", "at_least"], sort=False, observed=True)
    return averaged.agg(
        hit_rate=("hit_rate", "mean"),
        false_alarm_rate=("false_alarm_rate", "mean"),
        n_participants=("participant", "nunique"),
    ).reset_index()


def _metacognition(study: Study) -> dict[str, pd.DataFrame]:
    if study.kept["confidence"].isna().all():
        return {}
    each = study.per_group(study.kept, metacognition_by_participant)
    return {
        "metacognition": study.per_group(each, metacognition_means, **study.over_participants),
        "metacognition_by_participant": each,
        "type_2_roc": study.per_group(study.kept, mean_type_2_roc),
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
        for condition in conditions_of(rows):
            own = rows[rows["reference_condition"] == condition]
            mark = results.marks[condition]
            axis.plot(
                own["false_alarm_rate"].to_numpy(float),
                own["hit_rate"].to_numpy(float),
                color=mark.colour,
                marker=mark.marker,
                linestyle=mark.line,
                linewidth=1.2,
                markersize=4.5,
                clip_on=False,
            )
            seen += [condition] if condition not in seen else []
        axis.set_xticks(np.linspace(0, 1, 5))
        axis.set_xlim(0, 1)
        axis.set_ylim(0, 1)
        axis.set_aspect("equal")
        axis.xaxis.set_major_formatter(PERCENT)
        axis.yaxis.set_major_formatter(PERCENT)
        axis.set_xlabel("at least this confident, of incorrect answers (%)")
    axes[0].set_ylabel("at least this confident, of correct answers (%)")
    condition_legend(figure, results, seen)
    return figure


_VIEWS = {
    "type_2_auc": "Area under the type-2 ROC",
    "m_ratio": "meta-d′ / d′",
    "meta_d": "meta-d′",
    "d_prime": "d′ of the choices",
}
"""Measure to its heading, in the order of the page."""


METACOGNITION = Section(
    "metacognition",
    "Metacognitive sensitivity",
    _metacognition,
    numbers=(
        Number(
            "metacognition",
            "{measure}.{reference_condition}",
            "mean",
            "mean over participants of type_2_auc (area under the type-2 ROC; .5 where confidence "
            "is unrelated to accuracy), d_prime (d' of choices between two alternatives), meta_d "
            "(meta-d') and m_ratio (meta-d' divided by d')",
        ),
    ),
    drawings=(
        Drawing(
            "type_2_roc",
            "Type-2 receiver operating characteristic",
            "Proportion of correct answers given with at least a given confidence, against that "
            "of incorrect answers, each the mean over participants; from the lower left the "
            "thresholds 3, 2 and 1. Dashed: confidence unrelated to accuracy.",
            draw_type_2_roc,
        ),
    ),
    views=tuple(
        TableView(
            "metacognition",
            f"{caption}, mean over participants",
            (
                CONDITION,
                ShownColumn("Mean", "mean", "number", interval=True),
                ShownColumn("Lowest", "lowest", "number"),
                ShownColumn("Median", "median", "number"),
                ShownColumn("Highest", "highest", "number"),
                N_PARTICIPANTS,
                ShownColumn("Without a value", "n_without", "count"),
            ),
            rows=f"measure == '{measure}'",
        )
        for measure, caption in _VIEWS.items()
    ),
    note=(
        "Each value is computed from the answers of one participant in one condition, since "
        "answers that differ in difficulty would look like metacognition; each participant's are "
        "in the table metacognition_by_participant beside this page. d′ is that of a choice "
        "between two alternatives, (z(H) − z(F)) / √2. meta-d′ is the d′ of an ideal observer "
        "whose confidence discriminates correct from incorrect answers as well as the observed "
        "confidence does (maximum likelihood, Maniscalco & Lau 2012); at a ratio of 1 "
        "confidence uses all the information that the choice used. Where d′ is not significantly "
        "above 0, the ratio would divide by a number near 0, so that there is none; the mean "
        "ratio is then that of participants with a higher d′. The area under the type-2 "
        "ROC is .5 where confidence is unrelated to accuracy."
    ),
    tasks=CHOICE_TASKS,
)
