"""Section: accuracy against the relative activation difference of the queries."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.figure_style import FAINT, INK
from analysis.report.panels import PERCENT, panels, point_at
from analysis.report.section import (
    CONDITION,
    CORRECT,
    N_PARTICIPANTS,
    N_TRIALS,
    Drawing,
    Number,
    Section,
    ShownColumn,
    TableView,
)
from analysis.report.study import (
    ALL,
    Results,
    Study,
)
from analysis.statistics.activation_difference import binned_accuracy, trend
from analysis.statistics.performance import conditions_of


def _trends(trials: pd.DataFrame, n_bootstrap: int, level: float) -> pd.DataFrame:
    parts = [(c, trials[trials["reference_condition"] == c]) for c in conditions_of(trials)]
    return pd.DataFrame(
        [
            {"reference_condition": name}
            | asdict(trend(part, n_bootstrap=n_bootstrap, level=level))
            for name, part in ([*parts, (ALL, trials)] if len(trials) else [])
        ]
    )


def _effect_sizes(study: Study) -> dict[str, pd.DataFrame]:
    settings = study.settings
    binned = partial(binned_accuracy, ci_unit=settings.ci_unit)
    options = {"n_bootstrap": settings.n_bootstrap, "level": settings.level}
    return {
        "accuracy_by_difference": study.per_group(study.kept, binned),
        "trend": study.per_group(study.kept, _trends, **options),
    }


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
    axes[0].set_ylabel("correct answers (%)")
    return figure


EFFECT_SIZES = Section(
    "effect_sizes",
    "Effect of the activation difference",
    _effect_sizes,
    numbers=(
        Number(
            "accuracy_by_difference",
            "accuracy_by_difference.{bin}",
            "proportion",
            "proportion correct in a bin of the relative activation difference, from 0, the "
            "smallest",
        ),
        Number(
            "trend",
            "trend.{reference_condition}",
            "rho",
            "Spearman's correlation, over query pairs, of relative activation difference and "
            "accuracy",
        ),
    ),
    drawings=(
        Drawing(
            "accuracy_by_difference",
            "Accuracy by relative activation difference",
            "Bins with about equally many trials, each at its median with the accuracy’s "
            "interval; thin lines: range of the bin.",
            accuracy_by_difference,
            marks_chance=True,
        ),
    ),
    views=(
        TableView(
            "trend",
            "Rank correlation of relative activation difference and accuracy",
            (
                CONDITION,
                ShownColumn("Spearman's ρ", "rho", "number", interval=True),
                ShownColumn("Query pairs", "n_pairs", "count"),
                N_TRIALS,
            ),
        ),
        TableView(
            "accuracy_by_difference",
            "Accuracy in bins of about equally many trials",
            (
                ShownColumn("From", "least", "number"),
                ShownColumn("To", "most", "number"),
                CORRECT,
                N_PARTICIPANTS,
                N_TRIALS,
            ),
        ),
    ),
    note=(
        "The relative activation difference is that between the two queries as a proportion of "
        "the unoccluded image's activation. ρ is computed over query pairs, each with its mean "
        "accuracy, with a bootstrap interval over pairs."
    ),
    tasks=("occlusion",),
)
