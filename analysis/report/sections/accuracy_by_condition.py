"""Section: accuracy by reference condition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figure_style import FAINT, INK, MAX_VECTOR_POINTS
from analysis.report.groups import Group
from analysis.report.panels import (
    PERCENT,
    name_places,
    panels,
    point_at,
    swarm,
)
from analysis.report.phrasing import condition_heading, label_of, percent
from analysis.report.section import (
    DASH,
    Block,
    Cell,
    Drawing,
    Number,
    Section,
    Sentence,
    Table,
)
from analysis.report.study import (
    Results,
    Study,
)
from analysis.statistics.performance import accuracy


def _compute(study: Study) -> dict[str, pd.DataFrame]:
    options = interval_options(study)
    return {
        name: count_units(study.per_group(trials, accuracy, **options), study)
        for name, trials in (
            ("accuracy", study.kept),
            ("accuracy_all_sessions", study.everything),
        )
    }


def interval_options(study: Study) -> dict[str, Any]:
    """Return how intervals are computed; a trial of several units says nothing about one."""
    ci_unit = study.settings.ci_unit
    if study.task == "exemplar_matching" and ci_unit in ("crossed", "unit"):
        ci_unit = "participant"
    return {"ci_unit": ci_unit, "level": study.settings.level}


def count_units(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return a table in which the units of trials that have several are counted one by one."""
    if study.task != "exemplar_matching" or "n_units" not in table.columns:
        return table
    trials = study.everything
    units = trials.assign(unit=trials["unit"].str.split("+")).explode("unit")
    of_condition = units.groupby("reference_condition")["unit"].unique()
    columns = [name for name in ("reference_condition", "first", "second") if name in table.columns]
    numbers = [
        len({unit for name in row for unit in of_condition[name]}) if number else 0
        for number, *row in table[["n_units", *columns]].itertuples(index=False, name=None)
    ]
    return table.assign(n_units=numbers)


def with_everyone(
    results: Results, group: Group, table: str, keys: tuple[str, ...]
) -> list[tuple[dict[str, Any] | None, dict[str, Any]]]:
    """Return a table's rows, each after exclusions (None where none is left) and without them."""

    def of(name: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        found = results.of(name, group).to_dict("records")
        rows = [{str(k): v for k, v in row.items()} for row in found]
        return {tuple(row[key] for key in keys): row for row in rows}

    kept = of(table)
    return [(kept.get(key), row) for key, row in of(f"{table}_all_sessions").items()]


def reasons(pairs: list[tuple[dict[str, Any] | None, dict[str, Any]]]) -> Iterator[Block]:
    """Yield a note for each reason why an interval is missing."""
    found = [row["reason"] for row, _ in pairs if row] + [row["reason"] for _, row in pairs]
    for reason in dict.fromkeys(reason for reason in found if reason):
        yield Sentence(f"Without an interval: {reason}.", True)


def interval_text(row: dict[str, Any]) -> str:
    """Return the interval of a proportion in percent, a dash where there is none."""
    return DASH if row["reason"] else f"{percent(row['low'])}–{percent(row['high'])}"


def _blocks(section: Section, results: Results) -> Iterator[Block]:
    yield from section.drawings
    for group in results.groups:
        pairs = with_everyone(results, group, "accuracy", ("reference_condition",))
        rows = []
        for kept, everyone in pairs:
            cells = [Cell(DASH), Cell(DASH), *[Cell("0")] * 3]
            if kept:
                cells = [Cell(percent(kept["proportion"])), Cell(interval_text(kept))]
                cells += [Cell(f"{kept[n]}") for n in ("n_participants", "n_units", "n_trials")]
            last = Cell(percent(everyone["proportion"]), interval_text(everyone))
            rows.append([Cell(everyone["reference_condition"]), *cells, last])
        headings = [condition_heading(results), "Correct (%)", "Interval (%)"]
        headings += ["Participants", "Units", "Trials", "Without exclusions (%)"]
        yield Table(group.title, [Cell(heading) for heading in headings], rows)
        yield from reasons(pairs)


def accuracy_by_condition(results: Results) -> Figure:
    """Draw accuracy by reference condition, with every participant as a dot."""
    figure, axes = panels(results, height_in=3.3, sharey=True)
    for group, axis in zip(results.remaining, axes, strict=True):
        rows = results.of("accuracy", group)
        trials = group.rows_of(results.kept)
        axis.axhline(results.chance, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for place, row in enumerate(rows.itertuples(index=False)):
            mark = results.marks[row.reference_condition]
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
        name_places(axis, list(rows["reference_condition"]))
        axis.set_xlim(-0.55, len(rows) - 0.25)
        axis.set_ylim(-0.04, 1.04)
        axis.yaxis.set_major_formatter(PERCENT)
        axis.grid(axis="y")
        axis.set_xlabel(label_of(rows["reference_condition"]))
    axes[0].set_ylabel("correct answers (% of trials)")
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


ACCURACY = Section(
    "accuracy",
    "Accuracy",
    _compute,
    numbers=(
        Number(
            "accuracy",
            "accuracy.{reference_condition}",
            "proportion",
            "proportion correct in main trials, after exclusions",
        ),
        Number(
            "accuracy_all_sessions",
            "accuracy_all_sessions.{reference_condition}",
            "proportion",
            "the same without exclusions",
        ),
    ),
    drawings=(
        Drawing(
            "accuracy",
            "Accuracy by condition",
            "Proportion correct in main trials. Small dots: participants; large marks: pooled "
            "proportion with its interval.",
            accuracy_by_condition,
            marks_chance=True,
        ),
    ),
    blocks=_blocks,
    keeps_empty=True,
)
