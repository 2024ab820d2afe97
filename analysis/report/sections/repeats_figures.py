"""Figures of what was asked twice: trials shown again, and ratings before and after the trials."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.report.groups import Group
from analysis.report.panels import PERCENT, Drawing, condition_legend, panels, point_at, swarm
from analysis.report.results import Results
from analysis.report.style import FAINT, INK, MARKS, mark_of
from analysis.statistics.performance import conditions_of

MOST_IMAGES = 8
"""Images up to which each has a place of its own in the figure of ratings."""

LONGEST_LABEL = 8
"""Letters of an image's name up to which it stands in the figure; else its number does."""


def repeats(results: Results) -> Figure | None:
    """Draw how often repeated trials were answered as before."""
    groups = [group for group in results.remaining if len(results.of("repeats", group))]
    if not groups:
        return None
    figure, axes = panels(results, 2.9, sharey=True, groups=groups)
    conditions = conditions_of(results.kept)
    for group, axis in zip(groups, axes, strict=True):
        rows = results.of("repeats", group)
        kinds = list(dict.fromkeys(rows["which"]))
        axis.axhline(0.5, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for row in rows.itertuples(index=False):
            mark = mark_of(row.reference_condition)
            number = conditions.index(row.reference_condition)
            offset = (number - (len(conditions) - 1) / 2) * 0.6 / len(conditions)
            place = kinds.index(row.which) + offset
            point_at(axis, place, row.same_choice, row.low, row.high, mark.colour, mark.marker)
        titles = {"least": "least sure at first", "most": "most sure at first"}
        axis.set_xticks(range(len(kinds)), [titles.get(kind, kind) for kind in kinds])
        axis.set_xlim(-0.6, len(kinds) - 0.4)
        axis.set_ylim(-0.04, 1.04)
        axis.yaxis.set_major_formatter(PERCENT)
        axis.grid(axis="y")
    axes[0].set_ylabel("same choice as before (%)")
    condition_legend(figure, conditions)
    return figure


def ratings(results: Results) -> Figure | None:
    """Draw ratings before and after the trials: all images, then each, participants as dots."""
    groups = [group for group in results.groups if len(results.of("ratings", group))]
    if not groups:
        return None
    each = results.tables["ratings_each"]
    images = sorted(each["image"].dropna().unique())
    images = images if 1 < len(images) <= MOST_IMAGES else []
    figure, axes = panels(
        results, 3.1, sharey=True, groups=groups, columns=1 if images else 2, wide=True, of=each
    )
    for group, axis in zip(groups, axes, strict=True):
        _draw_ratings(axis, results, group, images)
    axes[0].set_ylabel("rating (−100 to 100)")
    return figure


def _draw_ratings(axis: Axes, results: Results, group: Group, images: list[str]) -> None:
    """Draw one group's ratings, for each moment all images and then each of them."""
    means, by_image = (results.of(name, group) for name in ("ratings", "ratings_by_image"))
    each = results.of("ratings_each", group)
    people = results.of("ratings_by_participant", group)
    labels = [name if len(name) <= LONGEST_LABEL else str(n) for n, name in enumerate(images, 1)]
    axis.axhline(0, color=FAINT, linewidth=0.8, zorder=1)
    ticks: list[float] = []
    for place, row in enumerate(means.itertuples(index=False)):
        start = place * (len(images) + 1.6)
        _draw_mean(axis, start, people[row.moment].dropna().to_numpy(float), row, INK)
        of_moment = each[each["moment"] == row.moment]
        for number, image in enumerate(images, 1):
            own = by_image[(by_image["image"] == image) & (by_image["moment"] == row.moment)]
            given = of_moment.loc[of_moment["image"] == image, "rating"].to_numpy(float)
            for mean in own.itertuples(index=False):
                _draw_mean(axis, start + number, given, mean, MARKS["none"].colour)
        ticks += [start + number for number in range(len(images) + 1)]
        title = (start + len(images) / 2, -0.2 if images else -0.08)
        axis.annotate(
            f"{row.moment} (n = {row.n_participants})",
            title,
            xycoords=("data", "axes fraction"),
            ha="center",
            annotation_clip=False,
        )
    axis.set_xticks(ticks, ["all", *labels] * len(means) if images else [""] * len(ticks))
    axis.tick_params(axis="x", length=0)
    axis.set_xlim(-0.7, ticks[-1] + 0.7)
    # A difference, or a number that was imported, may lie beyond the scale.
    shown = each["rating"] if images else people[list(means["moment"])]
    reach = max(104.0, 1.06 * float(np.nanmax(np.abs(shown.to_numpy(float)))))
    axis.set_ylim(-reach, reach)
    axis.grid(axis="y")


def _draw_mean(axis: Axes, x: float, dots: np.ndarray, row: Any, colour: str) -> None:
    axis.scatter(
        x - 0.14 + swarm(dots), dots, s=9, color=MARKS["none"].colour, alpha=0.55, linewidths=0
    )
    point_at(axis, x + 0.18, row.mean, row.low, row.high, colour, "o")


ASKED_TWICE = (
    Drawing(
        "repeats",
        "Trials shown again",
        "Share of repeated trials that were answered as before, with its interval over "
        "participants: of those that each had been least and most sure of. Dashed: two guesses.",
        repeats,
    ),
    Drawing(
        "ratings",
        "How intuitive images look",
        "Ratings before and after the trials, and after minus before: all images and, where they "
        "are few, each image, by its name or its number in the table. Small dots: participants; "
        "large marks: mean with its interval over participants.",
        ratings,
    ),
)
