"""Section: how intuitive images look to participants, before and after the trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figure_style import FAINT, INK, MARKS
from analysis.logs.ratings import outside
from analysis.report.groups import Group
from analysis.report.panels import panels, point_at, swarm
from analysis.report.section import (
    N_PARTICIPANTS,
    Drawing,
    Number,
    Section,
    ShownColumn,
    TableView,
)
from analysis.report.study import (
    RATINGS_ONLY,
    Results,
    Study,
)
from analysis.statistics.rating_means import by_participant, each_rating, rating_means
from unitscope.vocabulary import TASKS

MOST_IMAGES = 8
"""Images up to which each has a place of its own in the figure of ratings."""


LONGEST_LABEL = 8
"""Letters of an image's name up to which it stands in the figure; else its number does."""


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


def flags(rows: pd.DataFrame) -> pd.DataFrame:
    """Return how many imported trials or ratings have which flag.

    Returns
    -------
    pandas.DataFrame
        flag and n_rows, in the order of the flags' names; no rows for a log of our own.
    """
    if "import_flags" not in rows.columns:
        return pd.DataFrame(columns=["flag", "n_rows"])
    found = rows["import_flags"].dropna().str.split(";").explode().value_counts().sort_index()
    return found.rename_axis("flag").reset_index(name="n_rows")


def odd_ratings(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return the imported ratings that are flagged, and where they come from."""
    columns = ["participant", "moment", "image", "rating", "rt_s"]
    columns += ["import_flags", "import_file", "import_line"]
    if "import_flags" not in ratings.columns:
        return pd.DataFrame(columns=columns)
    return ratings.loc[ratings["import_flags"].notna(), columns]


def _compute(study: Study) -> dict[str, pd.DataFrame]:
    interval = study.over_participants
    kept, everything = (_named(r, study) for r in (study.ratings, study.all_ratings))
    inside = kept[~outside(kept)]
    tables = {
        "ratings": study.per_group(kept, rating_means, **interval),
        "ratings_by_image": study.per_group(kept, rating_means, by_image=True, **interval),
        "ratings_by_participant": study.per_group(kept, by_participant),
        "ratings_each": study.per_group(kept, each_rating),
        "rating_flags": study.per_group(everything, flags),
        "odd_ratings": study.per_group(everything, odd_ratings),
    }
    if len(inside) < len(kept):
        tables["ratings_in_range"] = study.per_group(inside, rating_means, **interval)
    return tables


def _named(ratings: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return ratings with numbers in place of the images' names where nothing is to tell kinds."""
    if study.settings.blind is None:
        return ratings
    names = sorted(study.all_ratings["image"].dropna().unique())
    numbered = {name: f"image {number}" for number, name in enumerate(names, start=1)}
    return ratings.assign(image=ratings["image"].map(numbered).astype("string"))


_MEANS = (
    ShownColumn("Mean", "mean", "number", interval=True),
    ShownColumn("Ratings", "n_ratings", "count"),
    N_PARTICIPANTS,
    ShownColumn("Median time (s)", "median_rt_s", "number", if_any=True),
)


def _note(results: Results) -> str:
    """Return what differences are of, where there are any."""
    where = "Intervals are over participants."
    if (results.tables["ratings"]["moment"] == "difference").any():
        where += (
            " Differences are after minus before, of images that a participant rated at both "
            "moments."
        )
    return where


RATED = Section(
    "ratings",
    "Ratings",
    _compute,
    numbers=(
        Number(
            "ratings",
            "rating.{moment}",
            "mean",
            "mean rating of how intuitive images look, -100 to 100, before or after the trials, "
            "or their difference",
        ),
        Number(
            "ratings_by_image",
            "rating_by_image.{moment}.{image}",
            "mean",
            "the same for one image",
        ),
        Number(
            "ratings_in_range",
            "rating_in_range.{moment}",
            "mean",
            "the same as rating without imported ratings outside of -100 to 100",
        ),
        Number(
            "rating_flags",
            "ratings_flagged.{flag}",
            "n_rows",
            "number of imported ratings with this flag",
        ),
    ),
    drawings=(
        Drawing(
            "ratings",
            "How intuitive images look",
            "Ratings at each moment: all images and, where they are few, each image, by its name "
            "or its number in the table. Small dots: participants; large marks: mean with its "
            "interval over participants.",
            ratings,
        ),
    ),
    views=(
        TableView(
            "ratings",
            "How intuitive images look, from −100 to 100",
            (ShownColumn("Moment", "moment"), *_MEANS),
        ),
        TableView(
            "ratings_in_range",
            "The same without ratings outside of −100 to 100",
            (ShownColumn("Moment", "moment"), *_MEANS),
        ),
        TableView(
            "ratings_by_image",
            "Each image",
            (ShownColumn("Image", "image", "name"), ShownColumn("Moment", "moment"), *_MEANS),
        ),
        TableView(
            "ratings_by_participant",
            "Mean rating of each participant",
            (
                ShownColumn("Participant", "participant", "name"),
                ShownColumn("Before", "before", "number", if_any=True),
                ShownColumn("After", "after", "number", if_any=True),
                ShownColumn("Difference", "difference", "number", if_any=True),
                ShownColumn("Ratings before", "n_before", "count", if_any=True),
                ShownColumn("Ratings after", "n_after", "count", if_any=True),
            ),
        ),
        TableView(
            "rating_flags",
            "Flagged ratings, all of them kept",
            (ShownColumn("Flag", "flag", "name"), ShownColumn("Ratings", "n_rows", "count")),
        ),
    ),
    note=_note,
    tasks=(*TASKS, RATINGS_ONLY),
    without_trials=True,
)
