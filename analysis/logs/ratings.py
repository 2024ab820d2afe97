"""How intuitive pictures look to participants, before and after the trials."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.logs.load import Log
from analysis.logs.log_files import Rows, read_files
from analysis.report.part import RATINGS_ONLY, Number, Part, Shown, Study, View
from analysis.statistics.estimates import LEVEL, CIUnit
from analysis.statistics.intervals import mean_with_interval
from unitscope.columns import RATING_COLUMNS, imported_columns
from unitscope.errors import BadInput
from unitscope.records import RATINGS
from unitscope.tables import empty_frame
from unitscope.vocabulary import TASKS

MOMENTS = ("before", "after", "difference")

RATING_RANGE = (-100, 100)
"""Ends of the scale."""

IMPORTED_COLUMNS = imported_columns(TASKS[0], "ratings")
"""Columns of imported ratings, whatever the task."""


def load_ratings(log: Log) -> pd.DataFrame:
    """Load the ratings of all sessions, our own or imported.

    Returns
    -------
    pandas.DataFrame
        The columns of ``ratings.csv``, for imported ones those that say where they come from and
        what is odd, observer_kind and observer; no rows where nothing was rated.

    Raises
    ------
    BadInput
        If a file is damaged before its last line, or lies in the folder of another participant.
    """
    sessions = log.sessions
    files = [Path(folder) / RATINGS for folder in sessions["folder"]]
    there = [place for place, file in enumerate(files) if file.is_file()]
    imported = bool(there) and _is_imported(files[there[0]])
    columns = IMPORTED_COLUMNS if imported else RATING_COLUMNS
    rows = read_files([files[place] for place in there], columns, [])
    if rows.frame.empty:
        return empty_frame(columns).assign(observer_kind="", observer="")
    of_row = sessions.iloc[np.repeat(there, rows.lengths)].reset_index(drop=True)
    _check_owner(rows, of_row)
    return rows.frame.assign(**of_row[["observer_kind", "observer"]])


def _is_imported(file: Path) -> bool:
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        return "import_flags" in lines.readline()


def _check_owner(rows: Rows, sessions: pd.DataFrame) -> None:
    for column in ("participant", "session"):
        others = (rows.frame[column].astype(str) != sessions[column].astype(str)).to_numpy()
        if others.any():
            place = int(np.flatnonzero(others)[0])
            raise BadInput(
                f"{rows.place(place)}, column {column!r}: found {rows.frame[column][place]}, "
                f"expected {sessions[column][place]} as in the session"
            )


def each_rating(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return what each participant gave to each image, and how that changed.

    Parameters
    ----------
    ratings
        As from :func:`load_ratings`.

    Returns
    -------
    pandas.DataFrame
        moment, participant, session, image and rating: one row per rating that was given, and one
        of the moment ``difference`` for each image that a participant rated at both moments, with
        after minus before.
    """
    keys = ["participant", "session", "image"]
    given = ratings.loc[ratings["rating"].notna(), ["moment", *keys, "rating"]]
    given = given.astype({"rating": float})
    cells = {
        moment: given[given["moment"] == moment].groupby(keys)["rating"].mean()
        for moment in MOMENTS[:2]
    }
    # Images that were rated at one moment only, or have no name, have no difference.
    change = (cells["after"] - cells["before"]).dropna().reset_index()
    parts = [given, change.assign(moment=MOMENTS[2])] if len(change) else [given]
    return pd.concat(parts, ignore_index=True)


def rating_means(
    ratings: pd.DataFrame,
    level: float = LEVEL,
    ci_unit: CIUnit = "participant",
    by_image: bool = False,
) -> pd.DataFrame:
    """Return the mean rating before and after the trials, and their difference.

    Parameters
    ----------
    ratings
        As from :func:`load_ratings`.
    level
        Of the intervals.
    ci_unit
        ``participant`` for intervals that speak for new participants, or ``paper``.
    by_image
        Whether images are told apart.

    Returns
    -------
    pandas.DataFrame
        One row per moment that there is (before, after, difference): moment, image (if told
        apart), mean, low, high, n_ratings, n_participants, median_rt_s, reason. The difference is
        after minus before, of the images that a participant rated at both moments; there
        n_ratings counts them.
    """
    rows = []
    for moment, image, part in _parts(each_rating(ratings), by_image):
        people = part["participant"].to_numpy(str)
        values = part["rating"].to_numpy(float)
        found = mean_with_interval(values, people, np.zeros(len(part)), ci_unit, level)
        own = ratings["moment"] == moment
        own &= (ratings["image"] == image).fillna(False) if by_image else True
        rows.append(
            {"moment": moment}
            | ({"image": image} if by_image else {})
            | {"mean": found.value, "low": found.low, "high": found.high}
            | {"n_ratings": len(part), "n_participants": found.n_participants}
            | {"median_rt_s": float(ratings.loc[own, "rt_s"].astype(float).median())}
            | {"reason": found.reason}
        )
    return pd.DataFrame(rows)


def _parts(each: pd.DataFrame, by_image: bool) -> Iterator[tuple[str, str, pd.DataFrame]]:
    for moment in MOMENTS:
        part = each[each["moment"] == moment]
        if by_image:
            yield from ((moment, str(image), own) for image, own in part.groupby("image"))
        elif len(part):
            yield moment, "", part


def by_participant(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return each participant's mean rating before and after the trials.

    Returns
    -------
    pandas.DataFrame
        One row per participant: participant, before, after, difference (of the images rated at
        both moments), n_before and n_after (ratings); NaN where there is none.
    """
    each = each_rating(ratings)
    grouped = each.groupby(["participant", "moment"])["rating"]
    means = grouped.mean().unstack().reindex(columns=list(MOMENTS))
    counts = grouped.size().unstack(fill_value=0).reindex(columns=list(MOMENTS[:2]), fill_value=0)
    found = means.join(counts.add_prefix("n_")).reset_index()
    return found.rename_axis(columns=None)


def outside(ratings: pd.DataFrame) -> pd.Series:
    """Return which ratings lie outside of the scale, as imported ones may."""
    low, high = RATING_RANGE
    return ((ratings["rating"] < low) | (ratings["rating"] > high)).fillna(False).astype(bool)


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
    ci_unit = "paper" if study.settings.ci_unit == "paper" else "participant"
    interval = {"level": study.settings.level, "ci_unit": ci_unit}
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
    Shown("Mean", "mean", "number", interval=True),
    Shown("Ratings", "n_ratings", "count"),
    Shown("Participants", "n_participants", "count"),
    Shown("Median time (s)", "median_rt_s", "number"),
)

RATED = Part(
    "ratings",
    "Ratings",
    _compute,
    (
        Number(
            "ratings",
            "rating.{moment}",
            "mean",
            "mean rating of how intuitive images look, -100 to 100, before or after the trials, or "
            "the difference of the two",
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
            "number of imported ratings that are odd in this way",
        ),
    ),
    (
        View(
            "ratings",
            "How intuitive images look, from −100 to 100",
            (Shown("Moment", "moment"), *_MEANS),
        ),
        View(
            "ratings_in_range",
            "The same without ratings outside of −100 to 100",
            (Shown("Moment", "moment"), *_MEANS),
        ),
        View(
            "ratings_by_image",
            "Each image",
            (Shown("Image", "image", "name"), Shown("Moment", "moment"), *_MEANS),
        ),
        View(
            "ratings_by_participant",
            "Mean rating of each participant",
            (
                Shown("Participant", "participant", "name"),
                Shown("Before", "before", "number"),
                Shown("After", "after", "number"),
                Shown("Difference", "difference", "number"),
                Shown("Ratings before", "n_before", "count"),
                Shown("Ratings after", "n_after", "count"),
            ),
        ),
        View(
            "rating_flags",
            "Odd ratings, all of them kept",
            (Shown("Flag", "flag", "name"), Shown("Ratings", "n_rows", "count")),
        ),
    ),
    ("ratings",),
    "Differences are after minus before, of images that a participant rated at both moments.",
    (*TASKS, RATINGS_ONLY),
)
