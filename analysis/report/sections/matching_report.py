"""Part of the report on exemplar matching: trials and rows right, and the course of pairing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.report.part import Number, Part, Shown, Study, View
from analysis.statistics.estimates import LEVEL, not_computable
from analysis.statistics.matching import matching_scores
from analysis.statistics.performance import split
from unitscope.columns import MAX_ROWS
from unitscope.vocabulary import DEPTHS

KIND = ("matching",)
CELLS = ("matching", "n_images", "depth")


def scores_by_cell(trials: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Return both scores by kind, number of images and depth, early layers first."""
    if trials.empty:
        return pd.DataFrame()
    ordered = trials.assign(depth=pd.Categorical(trials["depth"], DEPTHS, ordered=True))
    return _explained(matching_scores(ordered, CELLS, level=level))


def scores_by_kind(trials: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Return both scores by what was paired."""
    return _explained(matching_scores(trials, KIND, level=level)) if len(trials) else pd.DataFrame()


def _explained(table: pd.DataFrame) -> pd.DataFrame:
    """Say of a score that never varies why it has no interval."""
    same = table["mean"].isin([0.0, 1.0]) & (table["reason"] != "")
    table.loc[same, "reason"] = not_computable("every trial had the same score")
    return table


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


_SCORE = (
    Shown("Score (%)", "mean", "percent", interval=True),
    Shown("Chance (%)", "chance", "percent"),
    Shown("Above chance", "above_chance", "points"),
    Shown("p", "p", "p"),
    Shown("Trials", "n_trials", "count"),
    Shown("Participants", "n_participants", "count"),
)
_CELL = (Shown("Kind", "matching"), Shown("Images", "n_images", "count"), Shown("Depth", "depth"))

MATCHING = Part(
    "matching",
    "Trials and rows right",
    _compute,
    (
        Number("matching", "matching.{matching}.{score}", "mean", "mean score by kind of trial"),
        Number(
            "matching_by_cell",
            "matching.{matching}.{n_images}.{depth}.{score}",
            "mean",
            "mean score (all_correct: trials with all rows right; hit_share: share of rows "
            "right) by kind, images of half a row, and depth",
        ),
        Number(
            "pairing_times",
            "pairing_s.{matching}.{place}",
            "median_s",
            "median time of the pairing made first, second and so on, since the one before it or "
            "the onset",
        ),
    ),
    (
        View(
            "matching",
            "All rows right, by kind",
            (_CELL[0], *_SCORE),
            rows="score == 'all_correct'",
        ),
        View("matching", "Rows right, by kind", (_CELL[0], *_SCORE), rows="score == 'hit_share'"),
        View(
            "matching_by_cell",
            "All rows right, by kind, images and depth",
            (*_CELL, *_SCORE),
            rows="score == 'all_correct'",
        ),
        View(
            "matching_by_cell",
            "Rows right, by kind, images and depth",
            (*_CELL, *_SCORE),
            rows="score == 'hit_share'",
        ),
        View(
            "pairing_times",
            "Time of each pairing, in seconds",
            (
                _CELL[0],
                Shown("Pairing", "place", "count"),
                Shown("Median", "median_s", "number"),
                Shown("Quartile 1", "lower_quartile_s", "number"),
                Shown("Quartile 3", "upper_quartile_s", "number"),
                Shown("Trials", "n_trials", "count"),
            ),
        ),
    ),
    ("matching", "pairing_times"),
    "Chance is that of pairing at random: one of k! orders of k rows is all right, and one row of "
    "them is right on average. Intervals speak for new participants; p is that of a t test of the "
    "participants' excess over chance, uncorrected.",
    tasks=("exemplar_matching",),
)
