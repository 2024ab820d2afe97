"""How intuitive pictures look to participants, before and after the trials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.estimates import LEVEL
from analysis.intervals import mean_with_interval
from analysis.load import Log
from analysis.log_files import read_files
from analysis.part import Number, Part, Shown, Study, View
from conditions.columns import RATING_COLUMNS
from conditions.csv_files import empty_frame
from conditions.records import RATINGS

MOMENTS = ("before", "after", "difference")


def load_ratings(log: Log) -> pd.DataFrame:
    """Load the ratings of all sessions.

    Returns
    -------
    pandas.DataFrame
        The columns of ``ratings.csv``, observer_kind and observer; no rows where nothing was rated.

    Raises
    ------
    BadInput
        If a file is damaged before its last line.
    """
    sessions = log.sessions
    files = [Path(folder) / RATINGS for folder in sessions["folder"]]
    there = [place for place, file in enumerate(files) if file.is_file()]
    if "import_flags" in log.trials.columns:
        there = []
    rows = read_files([files[place] for place in there], RATING_COLUMNS, [])
    if rows.frame.empty:
        return empty_frame(RATING_COLUMNS).assign(observer_kind="", observer="")
    by = sessions[["observer_kind", "observer"]].iloc[np.repeat(there, rows.lengths)]
    return rows.frame.assign(**by.reset_index(drop=True))


def rating_means(ratings: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Return the mean rating before and after the trials, and their difference.

    Parameters
    ----------
    ratings
        As from :func:`load_ratings`.
    level
        Of the intervals, which speak for new participants.

    Returns
    -------
    pandas.DataFrame
        One row per moment that there is (before, after, difference): moment, mean, low, high,
        n_ratings, n_participants, reason. The difference is after minus before, of the images
        that a participant rated at both moments.
    """
    keys = ["participant", "session", "image"]
    by_moment = {
        moment: ratings[ratings["moment"] == moment].groupby(keys)["rating"].mean()
        for moment in MOMENTS[:2]
    }
    # Images that were rated at one moment only have no difference.
    change = (by_moment["after"] - by_moment["before"]).dropna()
    values = by_moment | {"difference": change}
    rows = []
    for moment in MOMENTS:
        part = values[moment].astype(float)
        if part.empty:
            continue
        people = part.index.get_level_values("participant").to_numpy()
        found = mean_with_interval(
            part.to_numpy(float), people, np.zeros(len(part)), "participant", level
        )
        rows.append(
            {"moment": moment, "mean": found.value, "low": found.low, "high": found.high}
            | {"n_ratings": len(part), "n_participants": found.n_participants}
            | {"reason": found.reason}
        )
    columns = ["moment", "mean", "low", "high", "n_ratings", "n_participants", "reason"]
    return pd.DataFrame(rows, columns=columns)


def by_participant(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return each participant's mean rating before and after the trials.

    Returns
    -------
    pandas.DataFrame
        moment, participant, mean, n_ratings.
    """
    grouped = ratings.groupby(["moment", "participant"])["rating"]
    return grouped.agg(mean="mean", n_ratings="size").reset_index()


def _compute(study: Study) -> dict[str, pd.DataFrame]:
    level = study.settings.level
    return {
        "ratings": study.per_group(study.ratings, rating_means, level=level),
        "ratings_by_participant": study.per_group(study.ratings, by_participant),
    }


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
    ),
    (
        View(
            "ratings",
            "How intuitive images look, from −100 to 100",
            (
                Shown("Moment", "moment"),
                Shown("Mean", "mean", "number", interval=True),
                Shown("Ratings", "n_ratings", "count"),
                Shown("Participants", "n_participants", "count"),
            ),
        ),
    ),
    ("ratings",),
)
