"""Figures of what was asked twice: trials shown again, and ratings before and after the trials."""

from __future__ import annotations

from matplotlib.figure import Figure

from analysis.intervals import wilson
from analysis.panels import PERCENT, Drawing, condition_legend, panels, point_at, swarm
from analysis.performance import conditions_of
from analysis.ratings import MOMENTS
from analysis.results import Results
from analysis.style import FAINT, MARKS, mark_of


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
            low, high = wilson(round(row.same_choice * row.n_pairs), row.n_pairs)
            place = kinds.index(row.which) + offset
            point_at(axis, place, row.same_choice, low, high, mark.colour, mark.marker)
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
    """Draw how intuitive images look before and after the trials, every participant as a dot."""
    groups = [group for group in results.remaining if len(results.of("ratings", group))]
    if not groups:
        return None
    figure, axes = panels(results, 2.9, sharey=True, groups=groups)
    colour = MARKS["none"].colour
    for group, axis in zip(groups, axes, strict=True):
        rows = results.of("ratings", group)
        people = results.of("ratings_by_participant", group)
        moments = [moment for moment in MOMENTS if (rows["moment"] == moment).any()]
        axis.axhline(0, color=FAINT, linewidth=0.8, zorder=1)
        for place, moment in enumerate(moments):
            means = people.loc[people["moment"] == moment, "mean"].to_numpy(float)
            axis.scatter(
                place - 0.14 + swarm(means), means, s=9, color=colour, alpha=0.55, linewidths=0
            )
        for row in rows.itertuples(index=False):
            x = moments.index(row.moment) + 0.18
            point_at(axis, x, row.mean, row.low, row.high, colour, "o")
        axis.set_xticks(range(len(moments)), moments)
        axis.set_xlim(-0.6, len(moments) - 0.4)
        axis.set_ylim(-104, 104)
        axis.grid(axis="y")
    axes[0].set_ylabel("rating (−100 to 100)")
    return figure


ASKED_TWICE = (
    Drawing(
        "repeats",
        "Trials shown again",
        "Share of repeated trials that were answered as before, with Wilson's interval over "
        "trials: of those that a participant had been least and most sure of. Dashed: two guesses.",
        repeats,
    ),
    Drawing(
        "ratings",
        "How intuitive images look",
        "Mean rating before and after the trials, and after minus before. Small dots: "
        "participants; large marks: mean with its interval over participants.",
        ratings,
    ),
)
