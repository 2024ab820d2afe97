"""Mean ratings before and after the trials, and how they changed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.statistics.estimates import LEVEL, CIUnit
from analysis.statistics.intervals import mean_with_interval

MOMENTS = ("before", "after", "difference")


def each_rating(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return the rating that each participant gave to each image, and its change.

    Parameters
    ----------
    ratings
        As from :func:`analysis.logs.ratings.load_ratings`.

    Returns
    -------
    pandas.DataFrame
        moment, participant, session, image and rating: one row per rating, and one
        of the moment ``difference`` for each image that a participant rated at both moments, with
        after minus before.

    Examples
    --------
    >>> ratings = pd.DataFrame({"participant": list("aabb"), "session": 1, "image": "cat.png"})
    >>> ratings = ratings.assign(moment=["before", "after"] * 2, rating=[-10, 30, 0, 20], rt_s=2.0)
    >>> each_rating(ratings)[["moment", "participant", "rating"]].tail(2)
           moment participant  rating
    4  difference           a    40.0
    5  difference           b    20.0
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
        As from :func:`analysis.logs.ratings.load_ratings`.
    level
        Confidence level.
    ci_unit
        ``participant`` for intervals that generalise over participants, or ``paper``.
    by_image
        Whether there are rows for each image.

    Returns
    -------
    pandas.DataFrame
        One row per moment with ratings (before, after, difference): moment, image (if
        ``by_image``), mean, low, high, n_ratings, n_participants, median_rt_s, reason. The
        difference is after minus before, of the images that a participant rated at both moments;
        there n_ratings counts these images.

    Examples
    --------
    >>> ratings = pd.DataFrame({"participant": list("aabb"), "session": 1, "image": "cat.png"})
    >>> ratings = ratings.assign(moment=["before", "after"] * 2, rating=[-10, 30, 0, 20], rt_s=2.0)
    >>> rating_means(ratings)[["moment", "mean", "n_ratings", "n_participants"]]
           moment  mean  n_ratings  n_participants
    0      before  -5.0          2               2
    1       after  25.0          2               2
    2  difference  30.0          2               2
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
        both moments), n_before and n_after (numbers of ratings); NaN where there is none.

    Examples
    --------
    >>> ratings = pd.DataFrame({"participant": list("aabb"), "session": 1, "image": "cat.png"})
    >>> ratings = ratings.assign(moment=["before", "after"] * 2, rating=[-10, 30, 0, 20], rt_s=2.0)
    >>> by_participant(ratings)[["participant", "before", "after", "difference"]]
      participant  before  after  difference
    0           a   -10.0   30.0        40.0
    1           b     0.0   20.0        20.0
    """
    each = each_rating(ratings)
    grouped = each.groupby(["participant", "moment"])["rating"]
    means = grouped.mean().unstack().reindex(columns=list(MOMENTS))
    counts = grouped.size().unstack(fill_value=0).reindex(columns=list(MOMENTS[:2]), fill_value=0)
    found = means.join(counts.add_prefix("n_")).reset_index()
    return found.rename_axis(columns=None)
