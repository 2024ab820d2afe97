"""Section: whether observers err on the same trials."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from analysis.figure_style import INK
from analysis.report.groups import Group
from analysis.report.panels import panels
from analysis.report.phrasing import points
from analysis.report.section import (
    Block,
    Drawing,
    Number,
    Section,
    ShownColumn,
    TableView,
)
from analysis.report.sections.baseline_comparison import (
    answers_of_baselines,
    compared_groups,
    conventions,
)
from analysis.report.study import (
    CHOICE_TASKS,
    Results,
    Study,
    labelled,
)
from analysis.statistics.agreement import agreement, answers
from analysis.statistics.performance import conditions_of


def kappa_table(study: Study, group: Group) -> pd.DataFrame:
    """Return the agreement between a group's conditions, baselines and machine observers."""
    trials = group.rows_of(study.kept)
    machines = study.kept[study.kept["observer_kind"] == "machine"]
    parts = [trials, machines]
    if study.task == "occlusion":
        parts.append(answers_of_baselines(study, trials))
    met = pd.concat([part for part in parts if len(part)], ignore_index=True)
    order = [*conditions_of(trials), *sorted(set(met["observer"].dropna()) - {group.observer})]
    return agreement(
        answers(met), study.settings.n_bootstrap, level=study.settings.level, order=order
    )


def _agreement(study: Study) -> dict[str, pd.DataFrame]:
    tables = [
        labelled(kappa_table(study, group), group)
        for group in compared_groups(study)
        if group.kind != "machine"
    ]
    return {"agreement": pd.concat(tables, ignore_index=True)} if tables else {}


def agreement_matrix(results: Results) -> Figure | None:
    """Draw the mean kappa of every two conditions, baselines and machine observers."""
    groups = [
        group
        for group in results.remaining
        if len(results.of("agreement", group))
        and results.of("agreement", group)["kappa"].notna().any()
    ]
    if not groups:
        return None
    sizes = [len(set(results.of("agreement", group)["group_1"])) for group in groups]
    height = 0.62 * max(sizes) + 1.5
    figure, axes = panels(results, min(height, 6.6), groups=groups, columns=1, wide=False)
    for group, axis in zip(groups, axes, strict=True):
        rows = results.of("agreement", group)
        names = list(dict.fromkeys(rows["group_1"]))
        grid = np.full((len(names), len(names)), np.nan)
        for row in rows.itertuples(index=False):
            one, two = names.index(row.group_1), names.index(row.group_2)
            grid[one, two] = grid[two, one] = row.kappa
        axis.imshow(
            grid,
            cmap="PuOr_r",
            norm=TwoSlopeNorm(0, -1, 1),
            aspect="equal",
            interpolation="nearest",
        )
        for i in range(len(names)):
            for j in range(len(names)):
                known = np.isfinite(grid[i, j])
                axis.text(
                    j,
                    i,
                    points(grid[i, j]).lstrip("+") if known else "n. d.",
                    ha="center",
                    va="center",
                    fontsize=8 if known else 6.5,
                    color="white" if known and abs(grid[i, j]) > 0.7 else INK,
                )
        axis.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
        axis.set_yticks(range(len(names)), names)
        axis.set_xticks(np.arange(len(names) - 1) + 0.5, minor=True)
        axis.set_yticks(np.arange(len(names) - 1) + 0.5, minor=True)
        axis.grid(which="minor", color="white", linewidth=1.5)
        axis.tick_params(length=0, which="both")
        axis.spines[:].set_visible(False)
    return figure


def _blocks(section: Section, results: Results) -> Iterator[Block]:
    yield from section.usual_blocks(results)
    yield from conventions(results)


AGREEMENT = Section(
    "agreement",
    "Agreement between observers",
    _agreement,
    numbers=(
        Number(
            "agreement",
            "kappa.{group_1}-{group_2}",
            "kappa",
            "Cohen's kappa of correct and incorrect answers, mean over pairs of observers of "
            "two conditions or baselines, on the query pairs that both saw",
        ),
    ),
    drawings=(
        Drawing(
            "agreement",
            "Agreement on correct and incorrect answers",
            "Cohen’s kappa × 100, mean over pairs of observers; on the diagonal over pairs "
            "within a condition. n. d.: not defined. Observers without any kappa are omitted.",
            agreement_matrix,
        ),
    ),
    views=(
        TableView(
            "agreement",
            "Cohen’s kappa × 100",
            (
                ShownColumn("One", "group_1"),
                ShownColumn("Other", "group_2"),
                ShownColumn("κ × 100", "kappa", "hundredfold", interval=True),
                ShownColumn("Minimum attainable", "lowest_possible", "hundredfold"),
                ShownColumn("Maximum attainable", "highest_possible", "hundredfold"),
                ShownColumn("Pairs", "n_pairs", "count"),
                ShownColumn("Not defined", "n_undefined", "count"),
            ),
        ),
    ),
    note=(
        "Of correct and incorrect answers, on the query pairs that both observers saw, mean "
        "over pairs of observers, whose number is given. Observers of one condition, and machine "
        "observers with them, are paired on trials with the same references only (the same "
        "presentation scheme too); two conditions, and baselines, on the same queries. Bootstrap "
        "intervals resample participants, not pairs. The minimum and maximum attainable are "
        "those of two observers with the mean accuracies of both; pairs who share few trials may "
        "lie beyond. Kappa is not defined for a pair that shares no trial, or whose chance "
        "agreement is 1."
    ),
    tasks=CHOICE_TASKS,
    blocks=_blocks,
)
