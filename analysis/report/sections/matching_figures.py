"""Figures of exemplar matching: scores against chance, and the course of pairing."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.report.panels import PERCENT, WIDTH_IN, Drawing, point_at
from analysis.report.results import Results
from analysis.report.style import FAINT, INK, mark_of
from analysis.statistics.matching import SCORES

_TITLES = {"all_correct": "All rows right", "hit_share": "Rows right"}

_MARKS = {"exemplar": "natural", "feature_visualization": "synthetic"}


def _mark(kind: str) -> str:
    return _MARKS.get(kind, kind)


def _legend(figure: Figure, kinds: list[str]) -> None:
    handles = [
        Line2D(
            [],
            [],
            color=mark_of(_mark(kind)).colour,
            marker=mark_of(_mark(kind)).marker,
            linestyle="",
            markersize=5,
            label=kind.replace("_", " "),
        )
        for kind in kinds
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), fontsize=8)


def scores(results: Results) -> Figure | None:
    """Draw both scores of the primary group by kind, number of images and depth."""
    rows = results.of("matching_by_cell", results.remaining[0])
    if rows.empty:
        return None
    kinds = list(dict.fromkeys(rows["matching"]))
    depths = [str(name) for name in dict.fromkeys(rows["depth"])]
    numbers = sorted(set(rows["n_images"]))
    figure = Figure(figsize=(WIDTH_IN, 5.4), layout="constrained")
    axes = figure.subplots(len(SCORES), len(depths), squeeze=False, sharex=True, sharey=True)
    for line, score in enumerate(SCORES):
        for depth, axis in zip(depths, axes[line], strict=True):
            own = rows[(rows["score"] == score) & (rows["depth"].astype(str) == depth)]
            for place, kind in enumerate(kinds):
                mark = mark_of(_mark(kind))
                for row in own[own["matching"] == kind].itertuples(index=False):
                    x = numbers.index(row.n_images) + (place - (len(kinds) - 1) / 2) * 0.25
                    point_at(axis, x, row.mean, row.low, row.high, mark.colour, mark.marker)
                    axis.plot(
                        [x - 0.11, x + 0.11], [row.chance] * 2, color=INK, linewidth=1, zorder=2
                    )
            axis.set_title(f"{_TITLES[score]}, {depth} layers", pad=6)
            axis.set_xticks(range(len(numbers)), [str(number) for number in numbers])
            axis.set_xlim(-0.6, len(numbers) - 0.4)
            axis.set_ylim(-0.04, 1.04)
            axis.yaxis.set_major_formatter(PERCENT)
            axis.grid(axis="y")
            if line == len(SCORES) - 1:
                axis.set_xlabel("images of half a row")
        axes[line][0].set_ylabel("score (%)")
    _legend(figure, kinds)
    return figure


def pairing_times(results: Results) -> Figure | None:
    """Draw the time of each pairing of the primary group."""
    rows = results.of("pairing_times", results.remaining[0])
    if rows.empty:
        return None
    kinds = list(dict.fromkeys(rows["matching"]))
    figure = Figure(figsize=(0.72 * WIDTH_IN, 2.8), layout="constrained")
    axis = figure.subplots()
    for number, kind in enumerate(kinds):
        mark = mark_of(_mark(kind))
        for row in rows[rows["matching"] == kind].itertuples(index=False):
            x = row.place + (number - (len(kinds) - 1) / 2) * 0.2
            ends = row.lower_quartile_s, row.upper_quartile_s
            point_at(axis, x, row.median_s, *ends, mark.colour, mark.marker)
    axis.set_xticks(np.unique(rows["place"]))
    axis.set_xlim(rows["place"].min() - 0.5, rows["place"].max() + 0.5)
    axis.set_ylim(bottom=0)
    axis.set_xlabel("pairing")
    axis.set_ylabel("time (s)")
    axis.grid(axis="y", color=FAINT, alpha=0.3)
    _legend(figure, kinds)
    return figure


OF_MATCHING = (
    Drawing(
        "matching",
        "Scores against chance",
        "Mean score by number of images and depth, with its interval over participants; black "
        "strokes: chance for as many rows.",
        scores,
        shows_first=True,
    ),
    Drawing(
        "pairing_times",
        "The course of pairing",
        "Median and quartiles of the time from the onset, or from the pairing before.",
        pairing_times,
        shows_first=True,
    ),
)
