"""Section: how intuitive images look to participants, before and after the trials."""

from __future__ import annotations

import pandas as pd

from analysis.logs.ratings import outside
from analysis.report.part import RATINGS_ONLY, Number, Part, Shown, Study, View
from analysis.statistics.rating_means import by_participant, each_rating, rating_means
from unitscope.vocabulary import TASKS


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
