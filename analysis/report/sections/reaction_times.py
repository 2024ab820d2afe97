"""Section: reaction times of correct and incorrect answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from analysis.report.groups import Group
from analysis.report.panels import draw_times, outcome_legend, panels
from analysis.report.phrasing import condition_heading, label_of
from analysis.report.section import (
    DASH,
    Block,
    Cell,
    Drawing,
    Number,
    Section,
    Sentence,
    Table,
    reasons_in,
)
from analysis.report.sections.accuracy_by_condition import count_units
from analysis.report.study import (
    Results,
    Study,
)
from analysis.statistics.performance import conditions_of, mean_response_times, response_times


def by_outcome(results: Results, group: Group, table: str) -> dict[str, dict[str, dict[Any, Any]]]:
    """Return a table's rows by reference condition and outcome (all, right, wrong)."""
    found: dict[str, dict[str, dict[Any, Any]]] = {}
    for row in results.of(table, group).to_dict("records"):
        found.setdefault(str(row["reference_condition"]), {})[str(row["outcome"])] = row
    return found


OUTCOMES = {"all": "All answers", "right": "Correct", "wrong": "Incorrect"}
"""Outcome in tables to its heading."""


def _compute(study: Study) -> dict[str, pd.DataFrame]:
    means = study.per_group(study.kept, mean_response_times, **study.over_participants)
    return {
        "reaction_times": count_units(study.per_group(study.kept, response_times), study),
        "reaction_time_means": count_units(means, study),
    }


def cell(
    row: dict[Any, Any], value: str, low: str = "low", high: str = "high", form: str = ".2f"
) -> Cell:
    """Return a value and, smaller, its interval; a dash where there is none."""
    if not np.isfinite(row[value]):
        return Cell(DASH)
    has_ends = np.isfinite(row[low]) and np.isfinite(row[high])
    ends = f"{row[low]:{form}}–{row[high]:{form}}" if has_ends else ""
    return Cell(f"{row[value]:{form}}", ends)


def without_interval(results: Results, group: Group, tables: Sequence[str]) -> Iterator[Block]:
    """Yield a note for each reason why an interval is missing."""
    found = [reason for table in tables for reason in reasons_in(results.of(table, group))]
    for reason in dict.fromkeys(found):
        yield Sentence(f"Without a value or an interval: {reason}.", True)


def _blocks(section: Section, results: Results) -> Iterator[Block]:
    yield from section.drawings
    for group in results.groups:
        for table, caption, columns in _TABLES:
            rows = [
                [Cell(condition), *(cell(row[outcome], *columns) for outcome in OUTCOMES)]
                for condition, row in by_outcome(results, group, table).items()
            ]
            if rows:
                headings = [Cell(condition_heading(results)), *map(Cell, OUTCOMES.values())]
                yield Table(f"{group.title}: {caption}, in seconds", headings, rows)
        yield from without_interval(results, group, ["reaction_time_means"])


_TABLES = (
    (
        "reaction_times",
        "median and quartiles",
        ("median_s", "lower_quartile_s", "upper_quartile_s"),
    ),
    (
        "reaction_time_means",
        "geometric mean and interval over participants",
        ("geometric_mean_s",),
    ),
)
"""Table, its caption and columns: the value and its ends, low and high if none are named."""


def reaction_times(results: Results) -> Figure | None:
    """Draw the reaction times of correct and incorrect answers."""
    if not results.kept["rt_s"].gt(0).any():
        return None
    n_rows = max(len(conditions_of(group.rows_of(results.kept))) for group in results.remaining)
    figure, axes = panels(results, height_in=1.0 + 0.55 * n_rows, sharey=True, sharex=True)
    conditions = conditions_of(results.kept)
    for group, axis in zip(results.remaining, axes, strict=True):
        trials = group.rows_of(results.kept)
        for place, condition in enumerate(conditions):
            part = trials[(trials["reference_condition"] == condition) & trials["rt_s"].gt(0)]
            for correct, offset in ((True, -0.19), (False, 0.19)):
                times = part.loc[part["correct"].astype(bool) == correct, "rt_s"].to_numpy(float)
                draw_times(axis, times, place + offset, results.marks[condition].colour, correct)
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g}"))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_yticks(range(len(conditions)), conditions)
        axis.set_ylim(len(conditions) - 0.45, -0.55)
        axis.tick_params(axis="y", length=0)
        axis.grid(axis="x")
        axis.set_xlabel("reaction time (s)")
    axes[0].set_ylabel(label_of(conditions))
    outcome_legend(figure)
    return figure


REACTION_TIMES = Section(
    "reaction_times",
    "Reaction times",
    _compute,
    numbers=(
        Number(
            "reaction_times",
            "rt.{reference_condition}.{outcome}",
            "median_s",
            "median reaction time of all, correct (right) or incorrect (wrong) answers, in seconds",
        ),
        Number(
            "reaction_time_means",
            "rt_mean.{reference_condition}.{outcome}",
            "geometric_mean_s",
            "geometric mean of the same times, with an interval over participants that is "
            "computed from logarithms",
        ),
    ),
    drawings=(
        Drawing(
            "reaction_times",
            "Reaction times",
            "Each mark is one trial, on a logarithmic axis; upper rows: correct answers, lower "
            "rows: incorrect answers.",
            reaction_times,
        ),
    ),
    blocks=_blocks,
    keeps_empty=True,
)
