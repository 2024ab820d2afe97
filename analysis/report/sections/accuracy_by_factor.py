"""Section: accuracy by layer, branch and other factors."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from analysis.figure_style import FAINT
from analysis.report.panels import PERCENT, WIDTH_IN, condition_legend, name_places, point_at
from analysis.report.phrasing import FACTOR_NAMES
from analysis.report.section import (
    CONDITION,
    CORRECT,
    N_PARTICIPANTS,
    N_TRIALS,
    N_UNITS,
    Drawing,
    Number,
    Section,
    ShownColumn,
    TableView,
)
from analysis.report.study import CHOICE_TASKS, Results, Study
from analysis.statistics.estimates import CIUnit
from analysis.statistics.participant_means import levels_of
from analysis.statistics.performance import accuracy, conditions_of

FACTORS = ("layer", "branch", "unit_pool", "scheme", "group", "place")
"""Columns by which accuracy is broken down."""


def varying(trials: pd.DataFrame, factors: Sequence[str]) -> list[str]:
    """Return the factors that have more than one level; a group that is the condition is none."""
    return [
        factor
        for factor in factors
        if len(levels_of(trials, factor)) > 1
        and (factor == "reference_condition" or not _is_the_condition(trials[factor], trials))
    ]


def _is_the_condition(values: pd.Series, trials: pd.DataFrame) -> bool:
    told = values.notna() & (values.astype("string") != "")
    return bool((values[told].astype(str) == trials["reference_condition"][told].astype(str)).all())


def accuracy_by_factor(
    trials: pd.DataFrame, ci_unit: CIUnit = "crossed", level: float = 0.95
) -> pd.DataFrame:
    """Return accuracy by each factor that has more than one level, and reference condition.

    Returns
    -------
    pandas.DataFrame
        factor, level, and the columns of :func:`analysis.statistics.performance.accuracy`. A group
        that is the reference condition itself is no factor.
    """
    parts = []
    for factor in varying(trials, FACTORS):
        told = trials[trials[factor].notna() & (trials[factor].astype("string") != "")]
        table = accuracy(told, (factor, "reference_condition"), ci_unit, level)
        table = table.rename(columns={factor: "level"})
        table["level"] = table["level"].astype(str)
        table.insert(0, "factor", factor)
        parts.append(table)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _factors(study: Study) -> dict[str, pd.DataFrame]:
    settings = study.settings
    options = {"ci_unit": settings.ci_unit, "level": settings.level}
    return {"accuracy_by_factor": study.per_group(study.kept, accuracy_by_factor, **options)}


def draw_accuracy_by_factor(results: Results) -> Figure | None:
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
            mark = results.marks[condition]
            step = 0.7 / len(conditions)
            offset = (number - (len(conditions) - 1) / 2) * step
            for row in own[own["reference_condition"] == condition].itertuples(index=False):
                place = levels.index(row.level) + offset
                point_at(axis, place, row.proportion, row.low, row.high, mark.colour, mark.marker)
        name_places(axis, levels)
        axis.set_xlim(-0.6, len(levels) - 0.4)
        axis.set_ylim(-0.04, 1.04)
        axis.yaxis.set_major_formatter(PERCENT)
        axis.grid(axis="y")
        axis.set_ylabel("correct answers (%)")
        axis.set_title(f"By {FACTOR_NAMES[factor]}", pad=8)
    condition_legend(figure, results, conditions)
    return figure


BY_FACTOR = Section(
    "factors",
    "Layers, branches and other factors",
    _factors,
    numbers=(
        Number(
            "accuracy_by_factor",
            "accuracy_by.{factor}.{level}.{reference_condition}",
            "proportion",
            "proportion correct at one level of a factor: layer, branch, unit_pool, scheme, "
            "group or place",
        ),
    ),
    drawings=(
        Drawing(
            "accuracy_by_factor",
            "Accuracy by factor",
            "Proportion correct at each level, with its interval.",
            draw_accuracy_by_factor,
            marks_chance=True,
            shows_first=True,
        ),
    ),
    views=(
        TableView(
            "accuracy_by_factor",
            "Accuracy by factor",
            (
                ShownColumn("Factor", "factor", "effect"),
                ShownColumn("Level", "level"),
                CONDITION,
                CORRECT,
                N_PARTICIPANTS,
                N_UNITS,
                N_TRIALS,
            ),
            "All units are of one layer, branch and pool, so there is no factor to compare.",
        ),
    ),
    tasks=CHOICE_TASKS,
)
