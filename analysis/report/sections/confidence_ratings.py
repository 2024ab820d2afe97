"""Section: confidence of correct and incorrect answers."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.figure_style import FAINT, INK
from analysis.report.groups import Group
from analysis.report.panels import PERCENT, condition_legend, panels, point_at
from analysis.report.phrasing import condition_heading
from analysis.report.section import (
    Block,
    Cell,
    Drawing,
    Number,
    Section,
    Table,
)
from analysis.report.sections.accuracy_by_condition import interval_options
from analysis.report.sections.reaction_times import (
    OUTCOMES,
    by_outcome,
    cell,
    without_interval,
)
from analysis.report.study import (
    CHOICE_TASKS,
    Results,
    Study,
)
from analysis.statistics.performance import (
    accuracy,
    conditions_of,
    confidence,
    confidence_shares,
)
from unitscope.vocabulary import CONFIDENCES


def _compute(study: Study) -> dict[str, pd.DataFrame]:
    by_confidence = study.per_group(
        study.kept, accuracy, by=("confidence",), **interval_options(study)
    )
    return {
        "accuracy_by_confidence": by_confidence,
        "confidence": study.per_group(study.kept, confidence, **study.over_participants),
        "confidence_shares": study.per_group(
            study.kept, confidence_shares, **study.over_participants
        ),
    }


def _blocks(section: Section, results: Results) -> Iterator[Block]:
    yield from section.drawings
    for group in results.groups:
        rows = [
            [Cell(condition), *(cell(row[outcome], "mean") for outcome in OUTCOMES)]
            for condition, row in by_outcome(results, group, "confidence").items()
        ]
        if rows:
            headings = [Cell(condition_heading(results)), *map(Cell, OUTCOMES.values())]
            caption = "mean confidence, from 1 to 3, with intervals over participants"
            yield Table(f"{group.title}: {caption}", headings, rows)
            yield _shares(results, group)
            yield from without_interval(results, group, ["confidence", "confidence_shares"])


def _shares(results: Results, group: Group) -> Table:
    """Return which percentage of answers was given with each confidence."""
    found = results.of("confidence_shares", group)
    rows = []
    for (condition, outcome), own in found.groupby(
        ["reference_condition", "outcome"], sort=False, observed=True
    ):
        if own["n_trials"].any():
            percentages = own.assign(**{c: 100 * own[c] for c in ("share", "low", "high")})
            cells = [cell(row, "share", form=".0f") for row in percentages.to_dict("records")]
            rows.append([Cell(str(condition)), Cell(OUTCOMES[str(outcome)]), *cells])
    headings = [Cell(condition_heading(results)), Cell("Answers")]
    headings += [Cell(f"{c} (%)") for c in CONFIDENCES]
    caption = "answers with each confidence, with intervals over participants"
    return Table(f"{group.title}: {caption}", headings, rows)


def confidence_by_outcome(results: Results) -> Figure | None:
    """Draw the confidence given with correct and incorrect answers."""
    if not _has_confidence(results):
        return None
    shades = {1: ("#dbe6ee", INK), 2: ("#7fb0d0", INK), 3: ("#0b5a8a", "white")}
    conditions = conditions_of(results.kept)
    figure, axes = panels(results, height_in=1.1 + 0.55 * len(conditions), sharey=True)
    ticks, labels = [], []
    for place, condition in enumerate(conditions):
        ticks += [place - 0.2, place + 0.2]
        labels += [f"{condition}, correct", f"{condition}, incorrect"]
    for group, axis in zip(results.remaining, axes, strict=True):
        keys = ["reference_condition", "outcome", "confidence"]
        rows = results.of("confidence_shares", group).set_index(keys)
        for place, condition in enumerate(conditions):
            for outcome, offset in (("right", -0.2), ("wrong", 0.2)):
                start, n_trials = 0.0, 0
                for step in CONFIDENCES:
                    if (condition, outcome, step) not in rows.index:
                        continue
                    row = rows.loc[(condition, outcome, step)]
                    share, n_trials = float(row["share"]), row["n_trials"]
                    if not n_trials:
                        continue
                    back, ink = shades[step]
                    axis.barh(
                        place + offset,
                        share,
                        0.34,
                        start,
                        color=back,
                        edgecolor="white",
                        linewidth=0.8,
                    )
                    if share >= 0.08:
                        axis.text(
                            start + share / 2,
                            place + offset,
                            f"{100 * share:.0f}",
                            ha="center",
                            va="center_baseline",
                            color=ink,
                            fontsize=7.5,
                        )
                    start += share
                axis.annotate(
                    f"n = {n_trials}",
                    (1, place + offset),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=7,
                    color=INK,
                    annotation_clip=False,
                )
        axis.set_yticks(ticks, labels)
        axis.set_ylim(len(conditions) - 0.5, -0.5)
        axis.set_xlim(0, 1)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        axis.xaxis.set_major_formatter(PERCENT)
        axis.set_xlabel("share of answers (%)")
    handles = [
        Patch(facecolor=shades[step][0], edgecolor=FAINT, linewidth=0.4, label=f"confidence {step}")
        for step in CONFIDENCES
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=3, fontsize=8)
    return figure


def calibration(results: Results) -> Figure | None:
    """Draw accuracy against confidence."""
    if not _has_confidence(results):
        return None
    figure, axes = panels(results, height_in=3.1, sharey=True)
    conditions = conditions_of(results.kept)
    for group, axis in zip(results.remaining, axes, strict=True):
        axis.axhline(results.chance, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        trials = group.rows_of(results.kept)
        for condition in conditions:
            part = trials[trials["reference_condition"] == condition]
            shares = part.assign(right=part["correct"].astype(float)).groupby("confidence")["right"]
            mark = results.marks[condition]
            axis.plot(
                shares.mean().index.to_numpy(float),
                shares.mean().to_numpy(float),
                color=mark.colour,
                marker=mark.marker,
                linestyle=mark.line,
                linewidth=1.2,
                markersize=4.5,
                alpha=0.85,
                zorder=2,
            )
        for row in results.of("accuracy_by_confidence", group).itertuples(index=False):
            point_at(axis, row.confidence + 0.08, row.proportion, row.low, row.high, INK, "o")
            axis.annotate(
                f"n = {row.n_trials}",
                (row.confidence, 0),
                xytext=(0, 4),
                textcoords="offset points",
                ha="center",
                fontsize=7,
            )
        axis.set_xticks(CONFIDENCES)
        axis.set_xlim(0.6, 3.4)
        axis.set_ylim(-0.04, 1.04)
        axis.yaxis.set_major_formatter(PERCENT)
        axis.grid(axis="y")
        axis.set_xlabel("confidence")
    axes[0].set_ylabel("correct answers (% of trials)")
    condition_legend(figure, results, conditions, all_too=True)
    return figure


def _has_confidence(results: Results) -> bool:
    return "confidence" in results.kept.columns and bool(results.kept["confidence"].notna().any())


CONFIDENCE = Section(
    "confidence",
    "Confidence",
    _compute,
    numbers=(
        Number(
            "accuracy_by_confidence",
            "accuracy_by_confidence.{confidence}",
            "proportion",
            "proportion correct at one confidence",
        ),
        Number(
            "confidence",
            "confidence.{reference_condition}.{outcome}",
            "mean",
            "mean confidence of all, correct (right) or incorrect (wrong) answers, 1 to 3",
        ),
        Number(
            "confidence_shares",
            "confidence_share.{reference_condition}.{outcome}.{confidence}",
            "share",
            "proportion of the same answers that were given with this confidence",
        ),
    ),
    drawings=(
        Drawing(
            "confidence",
            "Confidence in correct and incorrect answers",
            "Proportion of answers given with each confidence, from 1 (unsure) to 3 (sure).",
            confidence_by_outcome,
        ),
        Drawing(
            "calibration",
            "Accuracy at each confidence",
            "Lines: conditions; black: all of them with the interval. n counts trials.",
            calibration,
            marks_chance=True,
        ),
    ),
    tasks=CHOICE_TASKS,
    blocks=_blocks,
    keeps_empty=True,
)
