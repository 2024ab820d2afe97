"""Section: the cells of schemes, references and groups crossed, and blocks before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod

import numpy as np
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
    Block,
    Drawing,
    Number,
    Section,
    Sentence,
    ShownColumn,
    TableView,
)
from analysis.report.sections.accuracy_by_factor import varying
from analysis.report.study import ALL, CHOICE_TASKS, Results, Study
from analysis.statistics.estimates import CIUnit
from analysis.statistics.participant_means import (
    is_between,
    levels_of,
    participant_means,
    pre_post,
)
from analysis.statistics.performance import (
    accuracy,
    conditions_of,
    confidence,
    mean_response_times,
)

FACTORS = {
    "scheme": "scheme",
    "reference_condition": "reference_condition",
    "group": "participant_group",
}
"""Factors that are crossed, and their columns here: ``group`` says who observes."""

NO_LEVEL = "none given"


def _compute(study: Study) -> dict[str, pd.DataFrame]:
    # Cells have few trials, often of other units for each participant.
    options = study.over_participants
    tables = {"cells": study.per_group(study.kept, _crossed, **options)}
    if study.settings.blind is None:
        tables["pre_post"] = study.per_group(study.kept, _before_and_after, **options)
    return tables


def _crossed(trials: pd.DataFrame, ci_unit: CIUnit, level: float) -> pd.DataFrame:
    """Return every cell of the factors that vary; nothing where fewer than two do."""
    crossed = varying(trials, tuple(FACTORS))
    if len(crossed) < 2:
        return pd.DataFrame()
    named = trials.assign(
        **{
            column: trials[factor].astype("object").replace("", None).fillna(NO_LEVEL)
            for factor, column in FACTORS.items()
            if factor in crossed
        }
    )
    found = _described(named, [FACTORS[factor] for factor in crossed], ci_unit, level)
    for place, (factor, column) in enumerate(FACTORS.items()):
        if factor not in crossed:
            found.insert(place, column, ALL)
    return found


def _before_and_after(trials: pd.DataFrame, ci_unit: CIUnit, level: float) -> pd.DataFrame:
    """Return the blocks of a condition that came before and after those of all others."""
    places = pre_post(trials)
    told = trials.assign(pre_post=places)[places != ""]
    if told.empty:
        return pd.DataFrame()
    found = _described(told, ["reference_condition", "pre_post"], ci_unit, level)
    return found.sort_values("pre_post", ascending=False, kind="stable", ignore_index=True)


def _described(
    trials: pd.DataFrame, by: Sequence[str], ci_unit: CIUnit, level: float
) -> pd.DataFrame:
    """Return accuracy, geometric mean of times and mean confidence by factors."""
    found = accuracy(trials, by, ci_unit, level)
    for name, column, table in (
        ("rt_s", "geometric_mean_s", mean_response_times(trials, by)),
        ("confidence", "mean", confidence(trials, by)),
    ):
        if len(table):
            own = table.loc[table["outcome"] == "all", [*by, column]]
            found = found.merge(own.rename(columns={column: name}), "left", on=list(by))
        else:
            found[name] = np.nan
    return found


def _blocks(section: Section, results: Results) -> Iterator[Block]:
    """Yield the usual blocks without the columns of factors that do not vary."""
    cells = results.tables.get("cells", pd.DataFrame())
    views = tuple(
        replace(
            view,
            columns=tuple(
                column
                for column in view.columns
                if column.column not in cells.columns
                or column.column not in FACTORS.values()
                or view.table != "cells"
                or cells[column.column].nunique() > 1
            ),
        )
        for view in section.views
    )
    lacking = list(_lacking(results))
    yield from replace(section, views=views).usual_blocks(results)
    yield from lacking


def _lacking(results: Results) -> Iterator[Block]:
    """Yield a sentence on the participants of each group of observers who lack a cell."""
    for group in results.groups:
        if results.of("cells", group).empty:
            continue
        trials = group.rows_of(results.kept)
        crossed = varying(trials, tuple(FACTORS))
        within = [factor for factor in crossed if not is_between(trials, factor)]
        means = participant_means(trials, within)
        n_cells = prod(len(levels_of(trials, factor)) for factor in within)
        number = int((means.groupby("participant").size() < n_cells).sum())
        if number:
            who, have = ("participant", "has") if number == 1 else ("participants", "have")
            yield Sentence(
                f"{group.title}: {number} {who} {have} no trial in some of the {n_cells} cells "
                "that each participant was to meet.",
                True,
            )


def draw_cells(results: Results) -> Figure | None:
    """Draw the accuracy in every cell of the primary group of observers."""
    rows = results.of("cells", results.remaining[0])
    if rows.empty:
        return None
    along = "scheme" if rows["scheme"].nunique() > 1 else "participant_group"
    groups = list(dict.fromkeys(rows["participant_group"])) if along == "scheme" else [ALL]
    levels = list(dict.fromkeys(rows[along]))
    conditions = conditions_of(rows)
    lines = -(-len(groups) // 2)
    figure = Figure(figsize=(WIDTH_IN, 2.9 * lines + 0.3), layout="constrained")
    axes = figure.subplots(lines, min(2, len(groups)), sharey=True, squeeze=False).ravel()
    for axis in axes[len(groups) :]:
        axis.remove()
    step = 0.7 / len(conditions)
    for group, axis in zip(groups, axes, strict=False):
        own = rows[rows["participant_group"] == group] if along == "scheme" else rows
        axis.axhline(results.chance, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for number, condition in enumerate(conditions):
            mark = results.marks[condition]
            offset = (number - (len(conditions) - 1) / 2) * step
            for row in own[own["reference_condition"] == condition].to_dict("records"):
                place = levels.index(row[along]) + offset
                ends = row["proportion"], row["low"], row["high"]
                point_at(axis, place, *ends, mark.colour, mark.marker)
        name_places(axis, levels)
        axis.set_xlim(-0.6, len(levels) - 0.4)
        axis.set_ylim(-0.04, 1.04)
        axis.yaxis.set_major_formatter(PERCENT)
        axis.grid(axis="y")
        axis.set_xlabel(FACTOR_NAMES["scheme" if along == "scheme" else "group"])
        if group != ALL:
            axis.set_title(f"Group {group}", pad=8)
    axes[0].set_ylabel("correct answers (%)")
    condition_legend(figure, results, conditions)
    return figure


_MEASURED = (
    CORRECT,
    ShownColumn("Time (s)", "rt_s", "number", if_any=True),
    ShownColumn("Confidence", "confidence", "number", if_any=True),
    N_PARTICIPANTS,
    N_TRIALS,
)

CELLS = Section(
    "cells",
    "Factors crossed",
    _compute,
    numbers=(
        Number(
            "cells",
            "cell.{scheme}.{reference_condition}.{participant_group}",
            "proportion",
            "proportion correct in a cell of schemes, references and groups of participants "
            "crossed (all for a factor that the study has not), with time and confidence",
        ),
        Number(
            "pre_post",
            "pre_post.{reference_condition}.{pre_post}",
            "proportion",
            "proportion correct in the blocks of a condition before (pre) or after (post) those "
            "of all others, with time and confidence",
        ),
    ),
    drawings=(
        Drawing(
            "cells",
            "Accuracy in every cell",
            "Proportion correct for schemes, references and groups crossed, with its interval over "
            "participants.",
            draw_cells,
            marks_chance=True,
            shows_first=True,
        ),
    ),
    views=(
        TableView(
            "cells",
            "Every cell",
            (
                ShownColumn("Scheme", "scheme"),
                CONDITION,
                ShownColumn("Group", "participant_group"),
                *_MEASURED,
            ),
        ),
        TableView(
            "pre_post",
            "Before and after the blocks of the other conditions",
            (
                CONDITION,
                ShownColumn("Blocks", "pre_post"),
                *_MEASURED,
            ),
        ),
    ),
    note=(
        "Intervals are over participants. Times are geometric means, and confidences means, of "
        "all answers of a cell."
    ),
    tasks=CHOICE_TASKS,
    blocks=_blocks,
)
