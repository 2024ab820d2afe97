"""Section: exemplar matching: trials and rows paired correctly, and the course of pairing."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figure_style import FAINT, INK, Mark
from analysis.report.panels import PERCENT, WIDTH_IN, point_at
from analysis.report.section import (
    N_PARTICIPANTS,
    N_TRIALS,
    Drawing,
    Number,
    Section,
    ShownColumn,
    TableView,
)
from analysis.report.study import (
    Results,
    Study,
)
from analysis.statistics.estimates import LEVEL
from analysis.statistics.matching import SCORES, matching_scores
from analysis.statistics.performance import split
from unitscope.columns import MAX_ROWS
from unitscope.vocabulary import DEPTHS, MATCHING_OF_CONDITION

KIND = ("matching",)


CELLS = ("matching", "n_images", "depth")


def scores_by_cell(trials: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Return both scores by kind, number of images and depth, early layers first."""
    if trials.empty:
        return pd.DataFrame()
    ordered = trials.assign(depth=pd.Categorical(trials["depth"], DEPTHS, ordered=True))
    return matching_scores(ordered, CELLS, level=level)


def scores_by_kind(trials: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Return both scores by what was paired."""
    return matching_scores(trials, KIND, level=level) if len(trials) else pd.DataFrame()


def pairing_times(trials: pd.DataFrame) -> pd.DataFrame:
    """Return how long each pairing took: from the one before it, or from the onset.

    A row counts when its standing pairing was made; the first one may be a row that was paired
    wrongly and never taken back.

    Returns
    -------
    pandas.DataFrame
        One row per kind of matching and place of the pairing (from 1): matching, place, median_s,
        lower_quartile_s, upper_quartile_s, n_trials, n_participants, reason.
    """
    rows = []
    for levels, part in split(trials, KIND):
        made = part[[f"match_{row}_s" for row in range(MAX_ROWS)]].to_numpy(float)
        ordered = np.sort(made, axis=1)  # missing ones go last
        steps = np.diff(ordered, axis=1, prepend=0.0)
        for place in range(MAX_ROWS):
            known = steps[np.isfinite(steps[:, place]), place]
            if not len(known):
                continue
            lower, median, upper = np.quantile(known, [0.25, 0.5, 0.75])
            rows.append(
                levels
                | {"place": place + 1, "median_s": median, "lower_quartile_s": lower}
                | {"upper_quartile_s": upper, "n_trials": len(known)}
                | {"n_participants": part["participant"].nunique(), "reason": ""}
            )
    return pd.DataFrame(rows)


def _compute(study: Study) -> dict[str, pd.DataFrame]:
    level = study.settings.level
    return {
        "matching": study.per_group(study.kept, scores_by_kind, level=level),
        "matching_by_cell": study.per_group(study.kept, scores_by_cell, level=level),
        "pairing_times": study.per_group(study.kept, pairing_times),
    }


_TITLES = {"all_correct": "All rows correct", "hit_share": "Rows correct"}


_CONDITION_OF_MATCHING = {kind: condition for condition, kind in MATCHING_OF_CONDITION.items()}


def _mark(results: Results, kind: str) -> Mark:
    return results.marks[_CONDITION_OF_MATCHING.get(kind, kind)]


def _legend(figure: Figure, results: Results, kinds: list[str]) -> None:
    handles = [
        Line2D(
            [],
            [],
            color=_mark(results, kind).colour,
            marker=_mark(results, kind).marker,
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
                mark = _mark(results, kind)
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
    _legend(figure, results, kinds)
    return figure


def draw_pairing_times(results: Results) -> Figure | None:
    """Draw the time of each pairing of the primary group."""
    rows = results.of("pairing_times", results.remaining[0])
    if rows.empty:
        return None
    kinds = list(dict.fromkeys(rows["matching"]))
    figure = Figure(figsize=(0.72 * WIDTH_IN, 2.8), layout="constrained")
    axis = figure.subplots()
    for number, kind in enumerate(kinds):
        mark = _mark(results, kind)
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
    _legend(figure, results, kinds)
    return figure


_SCORE = (
    ShownColumn("Score (%)", "mean", "percent", interval=True),
    ShownColumn("Chance (%)", "chance", "percent"),
    ShownColumn("Above chance", "above_chance", "points"),
    ShownColumn("p", "p", "p"),
    N_TRIALS,
    N_PARTICIPANTS,
)


_CELL = (
    ShownColumn("Kind", "matching"),
    ShownColumn("Images", "n_images", "count"),
    ShownColumn("Depth", "depth"),
)


MATCHING = Section(
    "matching",
    "Trials and rows paired correctly",
    _compute,
    numbers=(
        Number("matching", "matching.{matching}.{score}", "mean", "mean score by kind of trial"),
        Number(
            "matching_by_cell",
            "matching.{matching}.{n_images}.{depth}.{score}",
            "mean",
            "mean score (all_correct: trials with all rows paired correctly; hit_share: "
            "proportion of rows paired correctly) by kind, images of half a row, and depth",
        ),
        Number(
            "pairing_times",
            "pairing_s.{matching}.{place}",
            "median_s",
            "median time of the first, second, ... pairing, since the one before it or the onset",
        ),
    ),
    drawings=(
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
            draw_pairing_times,
            shows_first=True,
        ),
    ),
    views=(
        TableView(
            "matching",
            "All rows correct, by kind",
            (_CELL[0], *_SCORE),
            rows="score == 'all_correct'",
        ),
        TableView(
            "matching", "Rows correct, by kind", (_CELL[0], *_SCORE), rows="score == 'hit_share'"
        ),
        TableView(
            "matching_by_cell",
            "All rows correct, by kind, images and depth",
            (*_CELL, *_SCORE),
            rows="score == 'all_correct'",
        ),
        TableView(
            "matching_by_cell",
            "Rows correct, by kind, images and depth",
            (*_CELL, *_SCORE),
            rows="score == 'hit_share'",
        ),
        TableView(
            "pairing_times",
            "Time of each pairing, in seconds",
            (
                _CELL[0],
                ShownColumn("Pairing", "place", "count"),
                ShownColumn("Median", "median_s", "number"),
                ShownColumn("Quartile 1", "lower_quartile_s", "number"),
                ShownColumn("Quartile 3", "upper_quartile_s", "number"),
                N_TRIALS,
            ),
        ),
    ),
    note=(
        "Chance is pairing at random: one of k! orders of k rows is correct, and one row of k "
        "is correct on average. Intervals generalise over participants; p is that of a t test "
        "of the participants' excess over chance, uncorrected."
    ),
    tasks=("exemplar_matching",),
)
