"""Figures of occlusion: baselines, size of the effect, and the matrix of agreement."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.report.panels import PERCENT, Drawing, panels, point_at
from analysis.report.results import Results
from analysis.report.sections.choices_report import ALL
from analysis.report.style import FAINT, INK, mark_of
from analysis.report.words import points


def baselines(results: Results) -> Figure | None:
    """Draw accuracy by condition beside that of every baseline."""
    groups = [group for group in results.remaining if len(results.of("baselines", group))]
    if not groups:
        return None
    figure, axes = panels(results, 3.2, sharey=True, groups=groups)
    for group, axis in zip(groups, axes, strict=True):
        rows, rules = results.of("accuracy", group), results.of("baselines", group)
        axis.axhline(results.chance, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for place, row in enumerate(rows.itertuples(index=False)):
            mark = mark_of(row.reference_condition)
            point_at(axis, place, row.proportion, row.low, row.high, mark.colour, mark.marker)
        for place, row in enumerate(rules.itertuples(index=False), start=len(rows)):
            point_at(axis, place, row.proportion, row.low, row.high, INK, "o", filled=False)
        axis.axvline(len(rows) - 0.5, color=FAINT, linewidth=0.7)
        labels = [*rows["reference_condition"], *rules["baseline"]]
        axis.set_xticks(range(len(labels)), labels, rotation=35, ha="right", rotation_mode="anchor")
        axis.set_xlim(-0.5, len(labels) - 0.5)
        axis.set_ylim(-0.04, 1.04)
        axis.yaxis.set_major_formatter(PERCENT)
        axis.grid(axis="y")
    axes[0].set_ylabel("right answers (%)")
    return figure


def accuracy_by_difference(results: Results) -> Figure | None:
    """Draw accuracy against the relative activation difference of the queries."""
    groups = [g for g in results.remaining if len(results.of("accuracy_by_difference", g))]
    if not groups:
        return None
    figure, axes = panels(results, 3.2, sharey=True, groups=groups)
    for group, axis in zip(groups, axes, strict=True):
        rows = results.of("accuracy_by_difference", group)
        axis.axhline(results.chance, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        axis.plot(rows["median"], rows["proportion"], color=INK, linewidth=1, zorder=2)
        for row in rows.itertuples(index=False):
            point_at(axis, row.median, row.proportion, row.low, row.high, INK, "o")
            axis.plot(
                [row.least, row.most], [row.proportion] * 2, color=FAINT, linewidth=0.8, zorder=1
            )
        trends = results.of("trend", group)
        own = trends[trends["reference_condition"] == ALL]
        if len(own) and np.isfinite(own["rho"].iloc[0]):
            found = own.iloc[0]
            axis.annotate(
                f"ρ = {found['rho']:.2f} [{found['low']:.2f}, {found['high']:.2f}]".replace(
                    "-", "−"
                ),
                (1, 0),
                xycoords="axes fraction",
                xytext=(-4, 5),
                textcoords="offset points",
                ha="right",
                fontsize=8,
            )
        axis.set_ylim(-0.04, 1.04)
        axis.yaxis.set_major_formatter(PERCENT)
        axis.grid(axis="y")
        axis.ticklabel_format(axis="x", useOffset=False)
        axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.set_xlabel("relative activation difference")
    axes[0].set_ylabel("right answers (%)")
    return figure


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


OF_OCCLUSION = (
    Drawing(
        "baselines",
        "Accuracy beside that of baselines",
        "Left of the line: conditions; right of it: baselines, on the query pairs that were met.",
        baselines,
        marks_chance=True,
    ),
    Drawing(
        "accuracy_by_difference",
        "Accuracy where the queries differ more",
        "Bins of about equally many trials, each at its median with the accuracy’s interval; thin: "
        "the bin’s extent.",
        accuracy_by_difference,
        marks_chance=True,
    ),
    Drawing(
        "agreement",
        "Agreement on what is right and wrong",
        "Cohen’s kappa × 100, mean over pairs of observers; on the diagonal over pairs within a "
        "condition. n. d.: not defined. Observers without any are left out.",
        agreement_matrix,
    ),
)
