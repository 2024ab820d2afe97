"""Mean ratings before and after the trials, and how they changed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.statistics.estimates import LEVEL, CIUnit
from analysis.statistics.intervals import mean_with_interval

MOMENTS = ("before", "after", "difference")


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
